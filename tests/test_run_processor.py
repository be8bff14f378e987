"""Run: the tool loop, threads, and a history that is true however a run ends."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from fake_model import FakeModel, ModelRequest, Reply

from pipeline.agent.messages import MessageData, StepData
from pipeline.agent.model_stream import ModelTimeouts
from pipeline.agent.run_config import Fallback, RunConfig, load_tools
from pipeline.agent.run_processor import Run
from pipeline.agent.service import correlation_id
from pipeline.errors import AgentError, TurnError
from pipeline.events import StreamEnd, StreamToken, ToolCall, ToolResult, Usage

PATIENT = ModelTimeouts(first_token_s=5, stall_s=5, first_chunk_s=10)
CALL = ("call_a", "double", '{"n": 4}')


def double(n: int) -> int:
    """Double a number."""
    return 2 * n


@pytest.fixture
async def fake() -> AsyncIterator[FakeModel]:
    async with FakeModel() as server:
        yield server
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture(params=["chat", "responses"])
async def connect(fake: FakeModel, request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Run]]:
    runs: list[Run] = []

    def open_run(**options: Any) -> Run:
        defaults = {"model": "m", "api": request.param, "tools": {"double": double}, "timeouts": PATIENT}
        runs.append(Run.open(RunConfig(**{**defaults, **options}), base_url=fake.url))
        return runs[-1]

    yield open_run
    for run in runs:
        await run.aclose()


@pytest.fixture
def run(connect: Callable[..., Run]) -> Run:
    return connect()


def history(request: ModelRequest) -> list[tuple[Any, ...]]:
    """What the model was sent, in one shape for both wires."""
    items: list[tuple[Any, ...]] = []
    for item in request.body.get("messages") or request.body["input"]:
        kind = item.get("type", item.get("role"))
        if kind in ("message", "user", "assistant") and item["content"]:
            items.append((item["role"], item["content"]))
        if kind == "function_call":
            items.append(("call", item["call_id"], item["name"], item["arguments"]))
        items += [
            ("call", call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in item.get("tool_calls", [])
        ]
        if kind in ("tool", "function_call_output"):
            items.append(("output", item.get("tool_call_id") or item["call_id"], item.get("content") or item["output"]))
    return items


async def collect(run: Run, *contents: str) -> list[Any]:
    messages = [{"role": "user", "content": content} for content in contents or ("Hi!",)]
    async with aclosing(run.stream(messages)) as stream:  # type: ignore[arg-type]
        return [event async for event in stream]


async def test_an_answer_without_tools(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("One two."))
    assert await collect(run) == [StreamToken("One"), StreamToken(" two."), StreamEnd(usage=Usage(11, 2))]


async def test_a_tool_round(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("Let me see.", calls=[CALL]), Reply("It is 8."))
    events = await collect(run)
    assert events == [
        StreamToken("Let"),
        StreamToken(" me"),
        StreamToken(" see."),
        ToolCall("call_a", "double", arguments='{"n": 4}'),
        ToolResult("call_a", "double", "ok", output="8"),
        StreamToken("\n\nIt"),
        StreamToken(" is"),
        StreamToken(" 8."),
        StreamEnd(usage=Usage(22, 6)),
    ]
    assert history(fake.requests[1])[-4:] == [
        ("user", "Hi!"),
        ("assistant", "Let me see."),
        ("call", "call_a", "double", '{"n": 4}'),
        ("output", "call_a", "8"),
    ]


async def test_an_answer_cut_before_its_first_word_is_a_failed_run(fake: FakeModel, run: Run) -> None:
    for before in ([], [Reply("", calls=[CALL])]):
        fake.plan(*before, Reply("", finish="length"))
        with pytest.raises(AgentError, match="gave no answer"):
            await collect(run)
    fake.plan(Reply("Let me see.", calls=[CALL]), Reply("", finish="length"))
    assert (await collect(run))[-1].cut == "length"


async def test_the_model_is_told_of_the_tools(fake: FakeModel, run: Run) -> None:
    await collect(run)
    tool = fake.requests[0].body["tools"][0]
    function = tool.get("function", tool)
    assert (tool["type"], function["name"], function["description"]) == ("function", "double", "Double a number.")
    assert fake.requests[0].body["tool_choice"] == "auto"


async def test_calls_of_one_round_run_in_parallel(fake: FakeModel, connect: Callable[..., Run]) -> None:
    both = threading.Barrier(2, timeout=5)

    def meet(name: str) -> str:
        both.wait()
        return name

    run = connect(tools={"meet": meet})
    fake.plan(Reply("", calls=[("a", "meet", '{"name": "x"}'), ("b", "meet", '{"name": "y"}')]))
    events = await collect(run)
    assert {event.status for event in events if isinstance(event, ToolResult)} == {"ok"}
    assert history(fake.requests[1])[-2:] == [("output", "a", "x"), ("output", "b", "y")]


async def test_repeated_call_ids_stay_apart(fake: FakeModel, run: Run) -> None:
    fake.plan(
        Reply("", calls=[("0", "double", '{"n": 1}'), ("0", "double", '{"n": 2}')]),
        Reply("", calls=[("0", "double", '{"n": 3}')]),
        Reply("Done."),
    )
    await collect(run)
    outputs = [item for item in history(fake.requests[2]) if item[0] == "output"]
    assert outputs == [("output", "0", "2"), ("output", "0-2", "4"), ("output", "0-3", "6")]


async def test_the_very_same_call_is_run_once_and_answered_each_time(
    fake: FakeModel, connect: Callable[..., Run]
) -> None:
    paid = []

    def pay(amount: int) -> str:
        paid.append(amount)
        return f"paid {amount}"

    run = connect(tools={"pay": pay})
    one = ("c1", "pay", '{"amount": 1}')
    fake.plan(
        Reply("", calls=[one, one, ("c2", "pay", '{"amount": 1}')]),
        Reply("", calls=[one]),
        Reply("", calls=[("", "pay", '{"amount": 3}')]),
        Reply("", calls=[("", "pay", '{"amount": 3}')]),
        Reply("Done."),
    )
    events = await collect(run)
    assert paid == [1, 1, 3, 3]  # without an id nobody can tell that it is the same
    results = [event for event in events if isinstance(event, ToolResult)]
    assert [result.output for result in results] == ["paid 1"] * 4 + ["paid 3"] * 2
    assert sum(isinstance(event, ToolCall) for event in events) == 6
    outputs = [item[1] for item in history(fake.requests[-1]) if item[0] == "output"]
    assert outputs[:4] == ["c1", "c1-2", "c2", "c1-3"]
    assert len(set(outputs)) == 6


@pytest.mark.parametrize(
    "call",
    [("a", "double", '{"n": "\ud800"}'), ("a", "dou\udc00ble", '{"n": 4}'), ("a\ud800", "double", '{"n": 4}')],
    ids=["arguments", "name", "id"],
)
async def test_half_characters_in_a_call_harm_nothing(fake: FakeModel, run: Run, call: tuple[str, str, str]) -> None:
    fake.plan(Reply("Wait.", calls=[call]), Reply("Done."), Reply("Bye."))
    async with aclosing(run.iterate_run_events("t", "Hi!")) as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], StreamEnd)
    kept = await run.threads.messages("t")
    for value in (*events, *kept, *await run._list_run_steps("t", kept[0].run_id or "")):
        msgspec.json.encode(value)  # refuses lone surrogates
    assert await run.process_run("t", "Bye") == ["Bye."]


async def test_a_failing_tool_is_told_to_the_model_with_the_correlation_id(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("", calls=[("a", "double", '{"n": "x"}')]), Reply("Sorry."))
    token = correlation_id.set("corr-7")
    events = await collect(run)
    correlation_id.reset(token)
    assert [event.status for event in events if isinstance(event, ToolResult)] == ["error"]
    output = json.loads(history(fake.requests[1])[-1][2])
    assert output["error"]["correlation_id"] == "corr-7"
    assert "argument n" in output["error"]["message"]


async def test_the_number_of_rounds_is_limited(fake: FakeModel, connect: Callable[..., Run]) -> None:
    run = connect(max_tool_rounds=2)
    fake.default = Reply("", calls=[CALL])
    fake.plan(Reply("Hm.", calls=[CALL]))
    events = await collect(run)
    assert [request.body["tool_choice"] for request in fake.requests] == ["auto", "auto", "none"]
    assert sum(isinstance(event, ToolCall) for event in events) == 2
    assert isinstance(events[-1], StreamEnd)


@pytest.mark.parametrize("rounds", [0, 2])
async def test_a_model_that_only_calls_tools_gave_no_answer(
    fake: FakeModel, connect: Callable[..., Run], rounds: int
) -> None:
    run = connect(max_tool_rounds=rounds)
    fake.default = Reply("", calls=[CALL])
    with pytest.raises(AgentError, match="The model gave no answer") as caught:
        await run.process_run("t", "Hi!")
    assert caught.value.code == "agent_error"
    kept = await run.threads.messages("t")
    assert [message.role for message in kept] == ["user", *["assistant", "tool"] * rounds]
    assert (await run._retrieve_run("t", kept[0].run_id or "")).status == "failed"


async def test_the_first_words_after_silent_rounds_begin_no_paragraph(fake: FakeModel, run: Run) -> None:
    fake.plan(*[Reply("", calls=[CALL])] * 2, Reply("Eight."))
    assert StreamToken("Eight.") in await collect(run)


async def test_a_filler_bridges_a_slow_tool_and_is_no_part_of_the_history(
    fake: FakeModel, connect: Callable[..., Run]
) -> None:
    release = asyncio.Event()

    async def slow() -> str:
        await release.wait()
        return "done"

    run = connect(tools={"slow": slow}, filler="One moment.", filler_after_s=0.01)
    fake.plan(Reply("", calls=[("a", "slow", "{}")]), Reply("Done."))
    events = []
    async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
        async for event in stream:
            events.append(event)
            if isinstance(event, StreamToken) and event.filler:
                release.set()
    assert events[:3] == [
        ToolCall("a", "slow", arguments="{}"),
        StreamToken("One moment. ", filler=True),
        ToolResult("a", "slow", "ok", output="done"),
    ]
    assert all("One moment" not in message.content for message in await run.threads.messages("t"))


@pytest.mark.parametrize("options", [{"filler": ""}, {"filler": "Wait.", "filler_after_s": 0}])
async def test_the_filler_can_be_off(fake: FakeModel, connect: Callable[..., Run], options: dict[str, Any]) -> None:
    async def slow() -> None:
        await asyncio.sleep(0.03)

    run = connect(tools={"slow": slow}, **{"filler_after_s": 0.01, **options})
    fake.plan(Reply("", calls=[("a", "slow", "{}")]), Reply("Done."))
    assert not any(isinstance(event, StreamToken) and event.filler for event in await collect(run))


# Threads


async def test_process_run_returns_the_messages_and_keeps_the_thread(fake: FakeModel, run: Run) -> None:
    thread = await run.threads.create()
    fake.plan(Reply("Let me see.", calls=[CALL]), Reply("It is 8."), Reply("Bye."))
    assert await run.process_run(thread, "Double 4") == ["Let me see.", "It is 8."]
    assert await run.process_run(thread, "Bye") == ["Bye."]
    kept = [(message.role, message.content) for message in await run.threads.messages(thread)]
    assert kept == [
        ("user", "Double 4"),
        ("assistant", "Let me see."),
        ("tool", "8"),
        ("assistant", "It is 8."),
        ("user", "Bye"),
        ("assistant", "Bye."),
    ]
    assert history(fake.requests[2])[-6:] == [
        ("user", "Double 4"),
        ("assistant", "Let me see."),
        ("call", "call_a", "double", '{"n": 4}'),
        ("output", "call_a", "8"),
        ("assistant", "It is 8."),
        ("user", "Bye"),
    ]


async def test_steps_and_messages_are_events_of_the_loop(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("Let me see.", calls=[CALL]), Reply("It is 8."))
    async with aclosing(run.iterate_run_events("t", "Double 4")) as stream:
        events = [event async for event in stream]
    begun, ended = [event for event in events if isinstance(event, StepData)]
    assert (begun.name, begun.type, begun.input, begun.show_input) == ("double", "tool", '{"n": 4}', "json")
    assert begun.end is None
    assert ended.output == "8"
    assert ended.start <= (ended.end or "")
    messages = [event for event in events if isinstance(event, MessageData)]
    assert [(message.author, message.content) for message in messages] == [
        ("assistant", "Let me see."),
        ("assistant", "It is 8."),
    ]
    run_id = (await run.threads.messages("t"))[-1].run_id or ""
    record = await run._retrieve_run("t", run_id)
    assert (record.status, record.usage, record.error_code) == ("completed", Usage(22, 6), None)
    steps = await run._list_run_steps("t", run_id)
    assert [(step.type, step.name) for step in steps] == [
        ("message", "assistant"),
        ("tool", "double"),
        ("message", "assistant"),
    ]


async def test_a_failed_run_is_an_error_and_what_was_said_stays(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("One two three", fault="cut", at=2))
    with pytest.raises(AgentError):
        await run.process_run("t", "Hi!")
    kept = await run.threads.messages("t")
    assert [(message.role, message.content) for message in kept] == [("user", "Hi!"), ("assistant", "One two")]
    assert (await run._retrieve_run("t", kept[0].run_id or "")).status == "failed"


async def test_a_busy_thread_is_refused_and_free_again_afterwards(fake: FakeModel, run: Run) -> None:
    async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
        await anext(stream)
        with pytest.raises(TurnError) as caught:
            await run.process_run("t", "Me too!")
        assert caught.value.code == "turn_in_progress"
    assert await run.process_run("t", "Now?")


@pytest.mark.parametrize("how", ["aclose", "cancel"])
async def test_an_interrupt_during_tools_answers_every_call(
    fake: FakeModel, connect: Callable[..., Run], how: str
) -> None:
    running = asyncio.Event()
    cancelled = []

    async def slow() -> None:
        running.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    run = connect(tools={"slow": slow, "double": double})
    fake.plan(Reply("Wait.", calls=[CALL, ("call_b", "slow", "{}")]), Reply("Ok."))

    async def listen() -> None:
        async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
            async for event in stream:
                if how == "aclose" and isinstance(event, ToolResult):
                    await running.wait()
                    return

    if how == "aclose":
        await listen()
    else:
        task = asyncio.create_task(listen())
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert cancelled == [1]
    kept = await run.threads.messages("t")
    assert [message.role for message in kept] == ["user", "assistant", "tool", "tool"]
    assert [message.tool_call_id for message in kept[2:]] == ["call_a", "call_b"]
    assert json.loads(kept[3].content)["error"]["code"] == "cancelled"
    assert await run.process_run("t", "And now?") == ["Ok."]
    assert [item[:2] for item in history(fake.requests[1]) if item[0] in ("call", "output")] == [
        ("call", "call_a"),
        ("call", "call_b"),
        ("output", "call_a"),
        ("output", "call_b"),
    ]


async def test_a_turn_does_not_wait_for_a_tool_that_will_not_stop(fake: FakeModel, connect: Callable[..., Run]) -> None:
    hang, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck() -> None:
        loop.call_soon_threadsafe(begun.set)
        hang.wait(30)

    run = connect(tools={"stuck": stuck})
    fake.plan(Reply("", calls=[("a", "stuck", "{}")]))
    task = asyncio.create_task(run.process_run("t", "Hi!"))
    await begun.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1)
    assert done
    assert task.cancelled()
    hang.set()


async def test_an_interrupted_answer_keeps_what_was_passed_on(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("One two three", fault="stall", at=2))
    async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
        await anext(stream)
        await anext(stream)
    kept = await run.threads.messages("t")
    assert [(message.role, message.content) for message in kept] == [("user", "Hi!"), ("assistant", "One two")]
    await asyncio.wait_for(fake.requests[0].ended.wait(), 1)
    assert fake.requests[0].closed_by_client


@pytest.mark.parametrize("moment", ["model", "tool"])
async def test_cancel_run_safely(fake: FakeModel, connect: Callable[..., Run], moment: str) -> None:
    waiting = asyncio.Event()

    async def slow() -> None:
        waiting.set()
        await asyncio.sleep(60)

    run = connect(tools={"slow": slow})
    fake.plan(Reply("One two", fault="stall", at=1) if moment == "model" else Reply("", calls=[("a", "slow", "{}")]))
    events: list[Any] = []

    async def listen() -> None:
        async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
            async for event in stream:
                events.append(event)
                if isinstance(event, StreamToken):
                    waiting.set()

    task = asyncio.create_task(listen())
    await waiting.wait()
    run_id = (await run.threads.messages("t"))[0].run_id or ""
    assert await run._cancel_run_safely("t", run_id) is True
    await asyncio.wait_for(task, 1)
    assert not any(isinstance(event, StreamEnd) for event in events)
    assert (await run._retrieve_run("t", run_id)).status == "cancelled"
    assert await run._cancel_run_safely("t", run_id) is False
    assert await run._cancel_run_safely("t", "run_unknown") is False
    await asyncio.wait_for(fake.requests[0].ended.wait(), 1)


async def test_nothing_is_passed_on_after_a_cancel(fake: FakeModel, run: Run) -> None:
    for stop_at in range(1, 10):
        thread, run_id, after, stopped = f"t{stop_at}", "", 0, False
        fake.clear_plan()
        fake.plan(Reply(["One ", "two ", "three"], calls=[CALL, ("call_b", "double", '{"n": 1}')]), Reply(["a", "b"]))
        async with aclosing(run.iterate_run_events(thread, "Hi!")) as stream:
            number = 0
            async for _ in stream:
                number += 1
                after += stopped
                if number == stop_at:
                    run_id = (await run.threads.messages(thread))[0].run_id or ""
                    stopped = await run._cancel_run_safely(thread, run_id)
        assert (stopped, after) == (True, 0)
        assert (await run._retrieve_run(thread, run_id)).status == "cancelled"
        kept = await run.threads.messages(thread)
        calls = [call.tool_call_id for message in kept for call in message.tool_calls]
        assert [message.tool_call_id for message in kept if message.role == "tool"] == calls
        if stop_at == 1:
            assert [message.content for message in kept] == ["Hi!", "One "]


async def test_a_thread_is_busy_until_the_cancelled_run_is_saved(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("One two", fault="stall", at=1), Reply("Ok."))
    async with aclosing(run.process_run_stream("t", "Hi!")) as stream:
        await anext(stream)
        assert await run._cancel_run_safely("t", (await run.threads.messages("t"))[0].run_id or "")
        with pytest.raises(TurnError):
            await run.process_run("t", "Too early")
        assert [event async for event in stream] == []
    assert await run.process_run("t", "And now?") == ["Ok."]
    assert [message.content for message in await run.threads.messages("t")] == ["Hi!", "One", "And now?", "Ok."]


async def test_an_unknown_run(run: Run) -> None:
    with pytest.raises(TurnError):
        await run._retrieve_run("t", "run_unknown")


async def test_submitting_outputs_is_tried_three_times_where_it_can_help(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("", calls=[CALL]), Reply(status=503), Reply(fault="reset"), Reply("It is 8."))
    assert await run.process_run("t", "Double 4") == ["It is 8."]
    fake.plan(Reply("", calls=[CALL]), Reply(status=503), Reply(status=503), Reply(status=503))
    with pytest.raises(AgentError) as caught:
        await run.process_run("t", "Double 4")
    assert (caught.value.code, caught.value.retryable) == ("tool_submission_failed", True)
    assert len(fake.requests) == 8
    fake.plan(Reply("", calls=[CALL]), Reply(status=400))
    with pytest.raises(AgentError) as caught:
        await run.process_run("t", "Double 4")
    assert (caught.value.code, caught.value.retryable) == ("tool_submission_failed", False)
    assert len(fake.requests) == 10
    roles = [message.role for message in await run.threads.messages("t")]
    assert roles == ["user", "assistant", "tool", "assistant", *["user", "assistant", "tool"] * 2]


async def test_no_second_try_once_words_were_passed_on(fake: FakeModel, run: Run) -> None:
    fake.plan(Reply("", calls=[CALL]), Reply("It is eight", fault="cut", at=1))
    with pytest.raises(AgentError) as caught:
        await run.process_run("t", "Double 4")
    assert caught.value.code == "agent_error"
    assert len(fake.requests) == 2
    assert (await run.threads.messages("t"))[-1].content == "It"


def test_tools_are_loaded_from_a_module() -> None:
    assert "get_time" in load_tools("pipeline.agent.tools")
    for name in ("no.such.module", "pipeline.errors"):
        with pytest.raises(ValueError, match=f"tools: {name}"):
            load_tools(name)


async def test_interrupts_at_any_moment_leave_nothing_open(fake: FakeModel, connect: Callable[..., Run]) -> None:
    async def slow() -> str:
        await asyncio.sleep(0.01)
        return "ok"

    chance = random.Random(4)
    run = connect(tools={"slow": slow})
    rounds = itertools.cycle(
        [
            Reply("One two three.", calls=[("a", "slow", "{}")], piece_delay_s=0.004),
            Reply("Four five.", piece_delay_s=0.004),
        ]
    )
    fake.default = lambda request: next(rounds)
    for number in range(60):
        task = asyncio.create_task(run.process_run(f"t{number}", "Hi!"))
        await asyncio.wait({task}, timeout=chance.uniform(0, 0.06))
        interrupted_at = time.monotonic()
        task.cancel()
        await asyncio.wait({task})
        assert time.monotonic() - interrupted_at < 0.2
        for request in fake.requests:
            await asyncio.wait_for(request.ended.wait(), 1)
            assert request.ended_at - interrupted_at < 0.1
        kept = await run.threads.messages(f"t{number}")
        calls = [call.tool_call_id for message in kept for call in message.tool_calls]
        assert [message.tool_call_id for message in kept if message.role == "tool"] == calls
        assert our_tasks() == set()


def our_tasks() -> set[Any]:
    """All tasks but the test's and those of the fake: its connections and those that it just accepts."""
    theirs = ("RequestHandler", "_accept_connection")
    return {
        task
        for task in asyncio.all_tasks() - {asyncio.current_task()}
        if not any(name in repr(task.get_coro()) for name in theirs)
    }


async def test_what_was_thought_before_a_call_goes_back_to_who_thought_it(fake: FakeModel) -> None:
    async with FakeModel(Reply("From the second.")) as second:
        config = RunConfig(
            model="m",
            api="responses",
            tools={"double": double},
            timeouts=PATIENT,
            fallbacks=(Fallback(second.url, "m2"),),
        )
        run = Run.open(config, base_url=fake.url)
        again = ("call_b", "double", '{"n": 8}')
        fake.plan(Reply("Let me see.", calls=[CALL], sealed="s1"), Reply("", calls=[again], sealed="s2"))
        fake.plan(Reply("16."), Reply("Bye."), Reply("", calls=[CALL], sealed="s3"), *[Reply(status=500)] * 3)
        assert await run.process_run("t", "Double it twice") == ["Let me see.", "16."]
        sent = [
            (item["type"], item.get("encrypted_content", item.get("call_id", "")))
            for item in fake.requests[2].body["input"]
        ]
        assert sent == [
            ("message", ""),
            ("reasoning", "s1"), ("message", ""), ("function_call", "call_a"), ("function_call_output", "call_a"),
            ("reasoning", "s2"), ("function_call", "call_b"), ("function_call_output", "call_b"),
        ]  # fmt: skip
        assert fake.requests[2].body["input"][1] == {
            "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "s1",
        }  # fmt: skip
        await run.process_run("t", "Thanks")
        assert "reasoning" not in [item["type"] for item in fake.requests[3].body["input"]]  # of its run only
        assert await run.process_run("t", "Once more") == ["From the second."]
        assert "reasoning" in [item["type"] for item in fake.requests[-1].body["input"]]
        assert "reasoning" not in [item["type"] for item in second.requests[0].body["input"]]
        await run.aclose()


async def test_a_server_that_will_not_have_its_thoughts_back(fake: FakeModel) -> None:
    def forgetful(request: ModelRequest) -> Reply:
        told = b'{"error": {"message": "Item with id \'rs_1\' not found.", "param": "input"}}'
        types = [item["type"] for item in request.body["input"]]
        if "reasoning" in types:
            return Reply(status=404, error_body=told)
        return Reply("Done.") if "function_call" in types else Reply("", calls=[CALL], sealed="s")

    fake.default = forgetful
    run = Run.open(RunConfig(model="m", api="responses", tools={"double": double}, timeouts=PATIENT), base_url=fake.url)
    assert [await run.process_run(thread, "Go") for thread in ("t", "u")] == [["Done."], ["Done."]]
    assert len(fake.requests) == 5
    await run.aclose()


async def test_thoughts_of_an_earlier_turn_with_the_same_call_id_are_not_repeated(fake: FakeModel) -> None:
    run = Run.open(
        RunConfig(model="m", api="responses", tools={"double": double}, timeouts=PATIENT), base_url=fake.url
    )
    for sealed in ("s1", "s2"):
        fake.plan(Reply("", calls=[CALL], sealed=sealed), Reply("Eight."))
        await run.process_run("t", "Double four")
    kinds = [item.get("encrypted_content", item["type"]) for item in fake.requests[-1].body["input"]]
    turn = ["message", "function_call", "function_call_output"]
    assert kinds == [*turn, "message", "message", "s2", "function_call", "function_call_output"]
    await run.aclose()


def put_out(name: str) -> list[dict[str, Any]]:
    """The events of an output item: r(easoning), m(essage) or c(all), and its number."""
    kinds: dict[str, dict[str, Any]] = {
        "r": {"type": "reasoning", "summary": [], "encrypted_content": 5 if name == "r?" else name},
        "m": {"type": "message", "role": "assistant"},
        "c": {"type": "function_call", "call_id": name, "name": "double", "arguments": '{"n": 4}'},
    }
    done = {"type": "response.output_item.done", "item": {"id": f"id_{name}", **kinds[name[0]]}}
    if name[0] != "m":
        return [done]
    words = ["Said ", f"{name}."]
    return [{"type": "response.output_text.delta", "item_id": f"id_{name}", "delta": word} for word in words] + [done]


@pytest.mark.parametrize(
    ("output", "sent"),
    [
        ("r1 c1", "r1 c1"),
        ("r1 r2 c1", "r1 r2 c1"),
        ("m1 r1 c1", "m1 r1 c1"),
        ("r1 m1 r2 c1", "r1 m1 r2 c1"),
        ("r1 m1 m2 c1", "r1 m1 m2 c1"),
        ("r1 c1 m1 r2 c2", "r1 c1 m1 r2 c2"),
        ("r1 c1 r2", "r1 c1"),  # servers refuse a thought that nothing follows
        ("r1 c1 r2 c1", "r1 c1 r2 c1-2"),
        ("r? c1", "c1"),
    ],
)
async def test_what_a_model_put_out_goes_back_in_its_order(fake: FakeModel, output: str, sent: str) -> None:
    run = Run.open(
        RunConfig(model="m", api="responses", tools={"double": double}, timeouts=PATIENT), base_url=fake.url
    )
    events = [event for name in output.split() for event in put_out(name)]
    fake.plan(Reply(events=[*events, {"type": "response.completed", "response": {}}]), Reply("Done."))
    assert (await run.process_run("t", "Go"))[-1] == "Done."
    items = [item for item in fake.requests[-1].body["input"] if item["type"] != "function_call_output"]
    names = [
        item.get("encrypted_content") or item.get("call_id") or item["content"].removeprefix("Said ").rstrip(".")
        for item in items
    ]
    assert names == ["Go", *sent.split()]
    await run.aclose()
