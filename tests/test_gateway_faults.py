"""The fault matrix once more, through the gateway: what clients are told, and what conversations keep.

Each row of `test_fault_matrix.ROWS` meets the ways in which a turn reaches the gateway (`WAYS`) in turns: a
WebSocket, `POST /chat` as events and whole, `/v1/chat/completions` as a stream and whole.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import cycle
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from doubles import until
from fake_model import FakeModel, ModelRequest, Reply
from serving import OURS, Served, serving
from test_chat_routes import SSE
from test_fault_matrix import CALL, PATIENT, ROWS, Row

from gateway.error_table import HTTP_STATUS
from pipeline.agent.run_config import RunConfig
from pipeline.agent.run_processor import Run
from pipeline.agent.service import Message
from pipeline.events import AgentEvent

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS = ("websocket", "events", "chat", "stream", "completion")
KEPT = WAYS[:3]
"""The ways whose turns are kept."""

HELLO = {"role": "user", "content": "Hi!"}


class Bench:
    """One gateway and one model for all rows; each row has a `Run` of its own. An AgentService."""

    def __init__(self, model: FakeModel) -> None:
        self.model = model
        self.run: Run | None = None
        self.gateway: Served
        self.http: aiohttp.ClientSession

    async def answer_by(self, **config: Any) -> None:
        if self.run is not None:
            await self.run.aclose()
        config = {"timeouts": PATIENT, "tools": {"look": lambda: "a bird"}, **config}
        self.run = Run.open(RunConfig(model="m", **config), base_url=self.model.url)

    def plan(self, *replies: Reply) -> None:
        """What the model will do, and nothing else."""
        self.model.clear_plan()
        self.model.requests.clear()
        self.model.plan(*replies)
        self._planned = len(replies)

    async def last_request(self) -> ModelRequest:
        """The one that gets the last planned reply, as soon as it has come."""
        return await self.model.request(self._planned - 1)

    def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        assert self.run is not None
        return self.run.stream(messages)

    async def conversation(self, conversation_id: str) -> list[Any]:
        async with self.http.get(f"/conversations/{conversation_id}") as response:
            assert response.status == 200
            return list((await response.json())["turns"])

    async def is_left_by_all(self) -> None:
        """No turn, session, connection to the model or task of the gateway is left."""
        gateway = self.gateway.gateway
        await until(lambda: not (gateway.http_turns.count or len(gateway.sessions) or self.model.open_requests))
        await until(lambda: not any(task.get_name().startswith(OURS) for task in asyncio.all_tasks()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    async with FakeModel() as model:
        bench = Bench(model)
        async with serving(bench, resume_window_s=0, speaking_rate_cps=1e9) as bench.gateway:
            async with aiohttp.ClientSession(bench.gateway.http_url) as bench.http:
                yield bench
            assert bench.run is not None
            await bench.run.aclose()


class Told:
    """What a client was told: the words, and the error's code or how else the turn ended."""

    def __init__(self) -> None:
        self.conversation_id = ""
        self.said = ""
        self.ending = ""
        self.status = 200

    def event(self, event: dict[str, Any]) -> None:
        self.conversation_id = event.get("conversation_id", self.conversation_id)
        match event["event"]:
            case "stream_token":
                self.said += event["text"]
            case "stream_end":
                assert event["text"] == self.said
                self.ending = "end"
            case "error":
                assert "secret" not in json.dumps(event)
                assert event["correlation_id"]
                self.ending = event["type"]
            case "turn_interrupted":
                self.ending = "cancelled"

    def chunk(self, chunk: dict[str, Any]) -> None:
        if "event" in chunk:
            self.event(chunk)
        else:
            self.said += chunk["choices"][0]["delta"].get("content", "")


async def talk(bench: Bench, way: str, told: Told) -> None:
    """One turn, the client listens to its end; a cancelled one closes the connection."""
    if way == "websocket":
        async with bench.gateway.client() as client:
            await client.send("start_turn", message="Hi!")
            while not told.ending:
                told.event(await client.frame())
        return
    if way in KEPT:
        async with bench.http.get("/start") as response:
            told.conversation_id = (await response.json())["thread_id"]
        path, body = "/chat", {"thread_id": told.conversation_id, "message": "Hi!"}
    else:
        path, body = "/v1/chat/completions", {"messages": [HELLO], "stream": way == "stream"}
    async with bench.http.post(path, json=body, headers=SSE if way == "events" else {}) as response:
        told.status = response.status
        if response.content_type == "application/json":
            _whole(told, await response.json())
            return
        assert response.status == 200
        async for line in response.content:
            if line.startswith(b"data: [DONE]"):
                told.ending = "end"
            elif line.startswith(b"data: "):
                told.event(json.loads(line[6:])) if way == "events" else told.chunk(json.loads(line[6:]))


def _whole(told: Told, body: Any) -> None:
    if "event" in body:
        told.event(body)
        assert told.status == HTTP_STATUS[told.ending]
    else:
        told.ending = "end"
        texts = body["responses"] if "responses" in body else [body["choices"][0]["message"]["content"]]
        told.said = "".join(texts)


async def told_all(bench: Bench, way: str, row: Row, told: Told) -> None:
    async with asyncio.timeout(10):
        await talk(bench, way, told)


async def interrupted(bench: Bench, way: str, row: Row, told: Told) -> None:
    """The user interrupts: by a frame, or by closing the response."""
    if way == "websocket":
        async with bench.gateway.client() as client:
            await client.send("start_turn", message="Hi!")
            while told.said != row.said:
                told.event(await client.frame())
            request = await bench.last_request()
            await client.send("interrupt")
            while not told.ending:
                told.event(await client.frame())
            await until(request.ended.is_set)
    else:
        talking = asyncio.create_task(talk(bench, way, told))
        request = await bench.last_request()
        if way != "chat" and way != "completion":
            await until(lambda: told.said == row.said)
        talking.cancel()
        await asyncio.wait([talking])
        told.ending = "cancelled"
        await until(request.ended.is_set)
    assert request.closed_by_client


AFTER_A_SENTENCE = Row(
    "interrupt after a sentence",
    [Reply("Hello there. How are you?", fault="stall", at=4)],
    "cancelled",
    "Hello there. How are",
    interrupt="cancel",
)

MOMENTS = [(row, moment) for row in [*ROWS, AFTER_A_SENTENCE] for moment in row.moments]
CASES = [
    pytest.param(row, moment, api, way, id=f"{row.name}-{moment}-{api}-{way}")
    for number, ((row, moment), way) in enumerate(zip(MOMENTS, cycle(WAYS), strict=False))
    for api in [row.apis[(number + number // 2) % len(row.apis)]]
]


@pytest.mark.parametrize(("row", "moment", "api", "way"), CASES)
async def test_fault(bench: Bench, row: Row, moment: str, api: Any, way: str) -> None:
    await bench.answer_by(api=api, timeouts=row.timeouts)
    calls = [Reply("", calls=[CALL])] if moment == "tools" else []
    bench.plan(*calls, *row.replies)
    told = Told()

    await (interrupted if row.interrupt else told_all)(bench, way, row, told)

    ending = (row.tool_ending or row.ending) if calls else row.ending
    assert told.ending == ending
    is_whole = way in ("chat", "completion")
    if is_whole and ending != "end":
        assert not told.said
    else:
        assert told.said == row.said
    has_begun = not is_whole and (row.said or calls)
    if way != "websocket" and ending in HTTP_STATUS:
        assert told.status == (200 if has_begun else HTTP_STATUS[ending])
    await bench.is_left_by_all()
    if way in KEPT:
        (turn,) = await bench.conversation(told.conversation_id)
        heard = ("Hello there." if row is AFTER_A_SENTENCE else "") if row.interrupt else row.said
        if way == "chat" and ending != "end":
            heard = ""
        tool_round = [("assistant", ""), ("tool", "a bird")] if calls else []
        kept = [(message["role"], message["content"]) for message in turn["messages"]]
        assert kept == [("user", "Hi!"), *tool_round, *([("assistant", heard)] if heard else [])]
        status = {"end": "completed", "cancelled": "interrupted"}.get(ending, "failed")
        reason = {"end": None, "cancelled": "user" if way == "websocket" else "disconnected"}.get(ending, ending)
        assert (turn["status"], turn["reason"]) == (status, reason)
        await goes_on(bench, told.conversation_id)


async def goes_on(bench: Bench, conversation_id: str) -> None:
    """The conversation's next turn is answered."""
    await bench.answer_by()
    bench.plan(Reply("And on we go."))
    async with bench.http.post("/chat", json={"thread_id": conversation_id, "message": "Go on"}) as response:
        assert (response.status, await response.json()) == (200, {"responses": ["And on we go."]})
    assert len(await bench.conversation(conversation_id)) == 2
