"""Fault × moment × api: every run ends as it should, in time, with a true history and nothing left open.

A row is what the model does, at which moment of a turn it does it, and how the run must end. Moments: "first"
is the first response of a turn, "tools" the response to a tool's output. Each row runs on both APIs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest
from doubles import until
from fake_model import FakeModel, Reply

from pipeline.agent.model_stream import ModelTimeouts
from pipeline.agent.run_config import RunConfig
from pipeline.agent.run_processor import Run
from pipeline.errors import AgentError
from pipeline.events import StreamEnd, StreamToken

CALL = ("call_1", "look", "{}")
PATIENT = ModelTimeouts(first_token_s=10, stall_s=10, first_chunk_s=10)
IMPATIENT = ModelTimeouts(first_token_s=0.25, stall_s=0.25, first_chunk_s=0.6)
STALLED = ModelTimeouts(first_token_s=10, stall_s=0.25, first_chunk_s=10)  # the first words come on any machine
FAIR = ModelTimeouts(first_token_s=0.4, stall_s=0.4, first_chunk_s=10)  # a second answer makes it on any machine


@dataclass
class Row:
    """`replies` is what the model does at that moment; `ending` an error code, "end", or "cancelled"."""

    name: str
    replies: list[Reply]
    ending: str
    said: str = ""
    asked: int = 1  # requests at that moment
    timeouts: ModelTimeouts = PATIENT
    interrupt: str = ""  # "aclose" or "cancel": after what was said
    moments: tuple[str, ...] = ("first", "tools")
    apis: tuple[str, ...] = ("chat", "responses")
    tool_ending: str = ""  # if submitting outputs ends otherwise


def silent(name: str, replies: list[Reply], ending: str = "agent_timeout", said: str = "", asked: int = 2) -> Row:
    """A row in which the model is silent for too long."""
    timeouts = FAIR if ending == "end" else STALLED if said else IMPATIENT
    return Row(name, replies, ending, said, asked, timeouts=timeouts)


def again(reply: Reply) -> list[Reply]:
    return [reply, reply, reply]


FAILED = "tool_submission_failed"
ROWS = [
    # before an answer: tried again
    Row("reset", again(Reply(fault="reset")), "agent_error", asked=2, tool_ending=FAILED),
    Row("reset once", [Reply(fault="reset"), Reply("Fine.")], "end", "Fine.", asked=2),
    silent("silent", again(Reply(fault="silent"))),
    silent("silent once", [Reply(fault="silent"), Reply("Fine.")], "end", "Fine.", asked=2),
    Row("headers late", [Reply("Fine.", header_delay_s=0.05)], "end", "Fine."),
    silent("headers too late", again(Reply(header_delay_s=5))),
    Row("401", [Reply(status=401)], "agent_error", tool_ending=FAILED),
    Row("400", [Reply(status=400)], "agent_error", tool_ending=FAILED),
    Row("409 once", [Reply(status=409), Reply("Fine.")], "end", "Fine.", asked=2),
    Row("429", again(Reply(status=429)), "agent_rate_limited", asked=2, tool_ending=FAILED),
    Row("429 once", [Reply(status=429, headers={"retry-after-ms": "20"}), Reply("Fine.")], "end", "Fine.", asked=2),
    Row("500", again(Reply(status=500)), "agent_error", asked=2, tool_ending=FAILED),
    Row("500 once", [Reply(status=500), Reply("Fine.")], "end", "Fine.", asked=2),
    Row("504 once", [Reply(status=504), Reply("Fine.")], "end", "Fine.", asked=2),
    Row("a web page", again(Reply(fault="html")), "agent_error", asked=2, tool_ending=FAILED),
    # after the headers, before the first token: tried again
    *(
        Row(f"{fault} at once", again(Reply(fault=fault)), "agent_error", asked=2, tool_ending=FAILED)
        for fault in ("cut", "eof", "garbage", "wrong_type", "error_event", "failed")
    ),
    *(
        Row(f"{fault} at once, then fine", [Reply(fault=fault), Reply("Fine.")], "end", "Fine.", asked=2)
        for fault in ("cut", "eof", "garbage", "wrong_type", "error_event", "failed")
    ),
    Row("huge line at once", [Reply(fault="huge_line")], "agent_error", tool_ending=FAILED),
    silent("stall at once", again(Reply(fault="stall"))),
    silent("stall at once, then fine", [Reply(fault="stall"), Reply("Fine.")], "end", "Fine."),
    silent("comments at once, then fine", [Reply(fault="comments"), Reply("Fine.")], "end", "Fine."),
    Row("filtered", [Reply("", finish="content_filter")], "agent_error", tool_ending=FAILED),
    # after the first token: what was said stays, nothing is tried again
    *(
        Row(f"{fault} later", [Reply("One two three", fault=fault, at=2)], "agent_error", "One two")
        for fault in ("cut", "eof", "garbage", "wrong_type", "error_event", "failed", "huge_line")
    ),
    *(
        silent(f"{fault} later", [Reply("One two three", fault=fault, at=2)], said="One two", asked=1)
        for fault in ("stall", "comments")
    ),
    Row("cut before the end", [Reply("One two three", fault="cut", at=9)], "agent_error", "One two three"),
    # odd, but fine
    Row("slow drip", [Reply("One two", packet_bytes=1)], "end", "One two"),
    Row("slow tokens", [Reply("One two three four", piece_delay_s=0.05)], "end", "One two three four"),
    Row("gzip", [Reply("One two", gzip=True)], "end", "One two"),
    Row("CR LF", [Reply("One two", newline="\r\n")], "end", "One two"),
    Row("split characters", [Reply("Grüße 世界 😀", ascii=False, packet_bytes=3)], "end", "Grüße 世界 😀"),
    Row("lone surrogate", [Reply(["a\ud83d", "b"])], "end", "a�b"),
    Row("several choices", [Reply("One", choices=3)], "end", "One", apis=("chat",)),
    Row("thoughts", [Reply("One", reasoning=["hm", "hm"])], "end", "One"),
    Row("refusal", [Reply("I will not.", refusal=True)], "end", "I will not."),
    Row("cut short by length", [Reply("One two", finish="length")], "end", "One two"),
    Row("no end marker", [Reply("One two", end_marker=False)], "end", "One two", apis=("chat",)),
    Row("nothing to say", [Reply("")], "end", ""),
    # the user interrupts
    Row("cancel while silent", [Reply(fault="silent")], "cancelled", interrupt="cancel"),
    *(
        Row(f"{how} while speaking", [Reply("One two", fault="stall", at=1)], "cancelled", "One", interrupt=how)
        for how in ("aclose", "cancel")
    ),
]


@pytest.fixture
async def fake() -> AsyncIterator[FakeModel]:
    async with FakeModel() as server:
        yield server
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.mark.parametrize(
    ("row", "moment", "api"),
    [
        pytest.param(row, moment, api, id=f"{row.name}-{moment}-{api}")
        for row in ROWS
        for moment in row.moments
        for api in row.apis
    ],
)
async def test_fault(fake: FakeModel, row: Row, moment: str, api: Any) -> None:
    run = Run.open(
        RunConfig(model="m", api=api, timeouts=row.timeouts, tools={"look": lambda: "a bird"}), base_url=fake.url
    )
    before = [Reply("", calls=[CALL])] if moment == "tools" else []
    fake.plan(*before, *row.replies)
    started = time.monotonic()

    ending, said = await (interrupted if row.interrupt else completed)(run, fake, row, len(before))

    assert time.monotonic() - started < 5
    expected = (row.tool_ending or row.ending) if moment == "tools" else row.ending
    asked = row.asked
    if moment == "tools" and expected == FAILED and row.asked == 2:
        asked = 3  # outputs are worth one more try
    assert (ending, said) == (expected, row.said)
    if expected != "agent_timeout":  # there it depends on how much of the time for the first words is left
        assert len(fake.requests) - len(before) == asked

    kept = [(message.role, message.content) for message in await run.threads.messages("t")]
    tool_round = [("assistant", ""), ("tool", "a bird")] if before else []
    assert kept == [("user", "Hi!"), *tool_round, *([("assistant", row.said)] if row.said else [])]
    record = next(iter(run._runs.values()))
    assert record.status == {"end": "completed", "cancelled": "cancelled"}.get(expected, "failed") or (
        record.status == "incomplete" and row.replies[0].finish == "length"
    )
    for request in fake.requests:  # no connection is left in the middle of an answer
        await until(request.ended.is_set)

    if row.timeouts is not PATIENT:
        await run.aclose()
        run = Run.open(RunConfig(model="m", api=api, timeouts=PATIENT), base_url=fake.url, threads=run.threads)
    fake.clear_plan()
    fake.plan(Reply("And on we go."))
    assert await run.process_run("t", "Go on") == ["And on we go."]
    await run.aclose()


async def completed(run: Run, fake: FakeModel, row: Row, first: int) -> tuple[str, str]:
    said, ending = "", "nothing"
    try:
        async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
            async for event in stream:
                if isinstance(event, StreamToken):
                    said += event.text
                if isinstance(event, StreamEnd):
                    ending = "end"
    except AgentError as error:
        assert "secret" not in str(error)
        ending = error.code
    return ending, said


async def interrupted(run: Run, fake: FakeModel, row: Row, first: int) -> tuple[str, str]:
    said = ""
    spoken = asyncio.Event()

    async def listen() -> None:
        nonlocal said
        async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
            async for event in stream:
                if isinstance(event, StreamToken):
                    said += event.text
                    spoken.set()
                    if row.interrupt == "aclose":
                        return

    task = asyncio.create_task(listen())
    request = await fake.request(first)
    if row.said:
        await spoken.wait()
    interrupted_at = time.monotonic()
    if row.interrupt == "cancel":
        task.cancel()
    await asyncio.wait({task})
    await until(request.ended.is_set)
    assert request.closed_by_client
    assert request.ended_at - interrupted_at < 0.1
    return "cancelled" if task.cancelled() or task.exception() is None else repr(task.exception()), said
