"""`/start` and `/chat` on a real socket: turns as over the WebSocket, one HTTP request each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from doubles import ScriptedAgent, StubbornAgent, until, words
from fake_model import FakeModel, Reply
from loguru import logger
from serving import Client, Served, serving

from gateway.chat_routes import _Frames
from pipeline.agent.model_stream import ModelTimeouts
from pipeline.agent.run_config import RunConfig
from pipeline.agent.run_processor import Run
from pipeline.agent.service import correlation_id
from pipeline.errors import AgentError
from pipeline.events import StreamEnd, StreamToken, ToolCall, ToolResult, TTSReadyChunk

KEYS = {"k1": "ann", "k2": "bob"}
SSE = {"Accept": "text/event-stream"}
BARGED_IN = [("interrupted", "barge_in"), ("completed", None)]


class Talker:
    """An HTTP client of one gateway."""

    def __init__(self, gateway: Served, http: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.http = http

    async def start(self, **headers: str) -> str:
        async with self.http.get("/start", headers=headers) as response:
            assert response.status == 200
            body = await response.json()
        assert set(body) == {"thread_id", "initial_message", "correlation_id"}
        assert response.headers["x-correlation-id"] == body["correlation_id"]
        return str(body["thread_id"])

    def post(self, body: Any, **headers: str) -> Any:
        return self.http.post("/chat", data=body if isinstance(body, bytes) else json.dumps(body), headers=headers)

    async def say(self, thread_id: str, message: str, **headers: str) -> tuple[int, Any]:
        async with self.post({"thread_id": thread_id, "message": message}, **headers) as response:
            body = await response.json()
            if "correlation_id" in body:
                assert body["correlation_id"] == response.headers["x-correlation-id"]
            return response.status, body

    async def history(self, thread_id: str, user: str = "local") -> list[Any]:
        return list(await self.gateway.gateway.store.history(user, thread_id))


@asynccontextmanager
async def talking(*agent: Any, key: str = "", **settings: Any) -> AsyncGenerator[Talker, None]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        serving(*agent, **settings) as gateway,
        aiohttp.ClientSession(gateway.http_url, headers=headers) as http,
    ):
        yield Talker(gateway, http)


async def read(request: Any) -> tuple[int, str]:
    """The status of a request's answer, and all of its text."""
    async with request as response:
        return response.status, await response.text()


def events_of(text: str) -> list[dict[str, Any]]:
    """The events of an SSE body; their ids and tags are checked on the way."""
    found = []
    for number, block in enumerate(filter(None, text.split("\n\n")), 1):
        id_, event, data = block.split("\n")
        assert id_ == f"id: {number}"
        found.append(json.loads(data.removeprefix("data: ")))
        assert event == f"event: {found[-1]['event']}"
    return found


async def test_a_conversation() -> None:
    agent = ScriptedAgent(["Hello ", "there."])
    async with talking(agent, greeting="Hi!") as talker:
        thread_id = await talker.start()
        assert await talker.say(thread_id, "one") == (200, {"responses": ["Hello there."]})
        assert await talker.say(thread_id, "two") == (200, {"responses": ["Hello there."]})
        assert [message["content"] for message in agent.seen[1]] == ["one", "Hello there.", "two"]
        assert [message["content"] for message in await talker.history(thread_id)] == [
            "one", "Hello there.", "two", "Hello there.",
        ]  # fmt: skip
        async with talker.gateway.client() as client:  # and it goes on over the WebSocket
            assert (await client.turn("three", conversation_id=thread_id))[-1]["event"] == "stream_end"
        assert len(agent.seen[2]) == 5


async def test_the_greeting_is_a_setting() -> None:
    async with talking(greeting="Ahoy!") as talker, talker.http.get("/start") as response:
        assert (await response.json())["initial_message"] == "Ahoy!"
        assert response.headers["cache-control"] == "no-store"


async def test_what_was_said_before_and_after_a_tool_are_two_messages() -> None:
    call = (ToolCall("c1", "look", arguments="{}"), ToolResult("c1", "look", "ok", output="7"))
    async with talking(ScriptedAgent(["Let me look.", *call, "\n\nSeven."])) as talker:
        thread_id = await talker.start()
        assert await talker.say(thread_id, "look") == (200, {"responses": ["Let me look.", "Seven."]})
        assert [message["role"] for message in await talker.history(thread_id)] == [
            "user",
            "assistant",
            "tool",
            "assistant",
        ]


async def test_a_whole_answer_says_that_it_was_cut() -> None:
    async with talking(ScriptedAgent(["One two", StreamEnd(cut="length")])) as talker:
        assert await talker.say(await talker.start(), "hi") == (200, {"responses": ["One two"], "cut": "length"})


async def test_events_of_a_turn() -> None:
    async with talking(ScriptedAgent(["Hello there. ", "Good day."])) as talker:
        thread_id = await talker.start()
        body = {"thread_id": thread_id, "message": "hi"}
        async with talker.post(body, **SSE) as response:
            assert (response.status, response.content_type) == (200, "text/event-stream")
            events = events_of(await response.text())
        assert [event["event"] for event in events] == [
            "stream_start", "stream_token", "stream_token", "tts_ready_chunk", "tts_ready_chunk", "stream_end",
        ]  # fmt: skip
        assert {event["turn_id"] for event in events} == {events[0]["turn_id"]}
        assert events[0]["conversation_id"] == thread_id
        async with talker.post({**body, "captions": False}, **SSE) as response:
            assert "stream_token" not in await response.text()
        assert len(await talker.history(thread_id)) == 4


@pytest.mark.parametrize(
    ("accept", "streamed"),
    [
        ("text/event-stream", True),
        ("application/json;q=0.5, Text/Event-Stream ; q=0.7", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream; q=0.000, application/json", False),
        ("text/event-stream;q=x", False),
        ("text/event-streams", False),
        ("*/*", False),
        ("application/json", False),
    ],
)
async def test_a_stream_is_for_those_who_take_one(accept: str, streamed: bool) -> None:
    async with talking(ScriptedAgent(["Yes."])) as talker:
        body = {"thread_id": await talker.start(), "message": "hi"}
        async with talker.post(body, Accept=accept) as response:
            assert (response.content_type == "text/event-stream") == streamed


async def test_a_turn_may_say_how_it_is_spoken() -> None:
    async with talking(ScriptedAgent(["See https://example.com now."])) as talker:
        body = {"thread_id": await talker.start(), "message": "hi", "speech": {"urls": "skip"}}
        async with talker.post(body, **SSE) as response:
            events = events_of(await response.text())
        (chunk,) = (event for event in events if event["event"] == "tts_ready_chunk")
        assert "example" not in chunk["text"]


async def test_closing_the_response_is_the_barge_in() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["Hello there. ", "How are you? ", "I am. ", never.wait, "Never said."])
    async with talking(agent, speaking_rate_cps=1e9) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
            async for line in response.content:
                if b"How are you?" in line and b"tts_ready_chunk" in line:
                    break
            response.close()
        await until(lambda: agent.closed)
        await until(lambda: not talker.gateway.gateway.http_turns.count)
        page = await talker.gateway.gateway.store.read("local", thread_id, limit=1)
        assert page is not None
        assert (page.turns[0].status, page.turns[0].reason) == ("interrupted", "disconnected")
        heard = (await talker.history(thread_id))[1]["content"]
        assert heard.startswith("Hello there. ")
        assert "Never" not in heard
        never.set()
        assert (await talker.say(thread_id, "again"))[0] == 200  # the thread is free again


async def test_the_thread_is_free_right_after_a_barge_in() -> None:
    class Agent:
        """Takes a moment to stop."""

        async def stream(self, messages: Any) -> AsyncGenerator[StreamToken, None]:
            try:
                yield StreamToken("Hello there. How are you? ")
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.05)

    async with talking(Agent()) as talker:
        thread_id = await talker.start()
        for _ in range(20):
            async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
                assert response.status == 200
                await response.content.readline()
                response.close()


async def test_leaving_before_the_answer_is_whole_leaves_nothing_heard() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["Hello there. How are you? ", never.wait])
    async with talking(agent) as talker:
        thread_id = await talker.start()
        asking = asyncio.create_task(talker.say(thread_id, "hi"))
        await until(lambda: agent.pulled)
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: agent.closed and not talker.gateway.gateway.http_turns.count)
        assert [message["role"] for message in await talker.history(thread_id)] == ["user"]


async def test_an_agent_that_will_not_stop_keeps_nobody() -> None:
    agent = StubbornAgent()
    async with talking(agent) as talker:
        thread_id = await talker.start()
        for _ in range(2):  # the second message does not wait for the first one's agent
            async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
                assert response.status == 200
                await response.content.readline()
                await agent.busy.wait()
        await until(lambda: not talker.gateway.gateway.http_turns.count)
        agent.release.set()
        await until(lambda: agent.closed == 2)


async def test_a_stop_finds_a_turn_that_is_being_put_away() -> None:
    agent = StubbornAgent()
    async with talking(agent) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
            await response.content.readline()
        await until(lambda: agent.cancelled)
        assert talker.gateway.gateway.http_turns.count == 1
        await talker.gateway.gateway.drain()
        assert talker.gateway.gateway.http_turns.count == 1
        agent.release.set()
        await until(lambda: agent.closed and not talker.gateway.gateway.http_turns.count)


async def test_a_client_that_does_not_read_holds_the_agent() -> None:
    agent = ScriptedAgent(words(10**9))
    async with talking(agent, write_timeout_s=30) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "go"}, **SSE) as response:
            await response.content.readany()
            last = -1
            async with asyncio.timeout(20):
                while agent.pulled != last:  # until it stands still
                    last = agent.pulled
                    await asyncio.sleep(0.2)
            assert not agent.closed
            await response.content.readany()
            for _ in range(200):
                await response.content.readany()
            await until(lambda: agent.pulled > last)
        await until(lambda: agent.closed)


async def test_a_client_that_never_reads_is_let_go() -> None:
    agent = ScriptedAgent(words(10**9))
    async with talking(agent, write_timeout_s=0.2) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "go"}, **SSE):
            await until(lambda: agent.closed)


async def test_a_busy_thread() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent([gate.wait, "Done."])
    async with talking(agent) as talker:
        thread_id, other = await talker.start(), await talker.start()
        first = asyncio.create_task(talker.say(thread_id, "one"))
        await until(lambda: agent.opened)
        for headers in ({}, SSE):
            status, body = await talker.say(thread_id, "two", **headers)
            assert (status, body["type"], body["retryable"]) == (409, "turn_in_progress", True)
        second = asyncio.create_task(talker.say(other, "three"))
        await until(lambda: agent.opened == 2)
        gate.set()
        assert await first == await second == (200, {"responses": ["Done."]})


async def test_a_thread_that_is_answered_over_a_websocket_is_busy() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", gate.wait, "Done."])
    async with talking(agent) as talker:
        thread_id, other = await talker.start(), await talker.start()
        async with talker.gateway.client() as client:
            await client.send("start_turn", message="one", conversation_id=thread_id)
            await client.until("tts_ready_chunk")
            status, body = await talker.say(thread_id, "two")
            assert (status, body["type"], body["retryable"]) == (409, "turn_in_progress", True)
            elsewhere = asyncio.create_task(talker.say(other, "three"))
            gate.set()
            assert (await client.rest())[-1]["text"] == "Hello. Done."
            assert (await elsewhere)[0] == (await talker.say(thread_id, "two"))[0] == 200
        assert [message["content"] for message in await talker.history(thread_id)][::2] == ["one", "two"]


async def test_a_turn_whose_websocket_client_is_away_is_interrupted() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", gate.wait, "Done."])
    async with talking(agent, speaking_rate_cps=1e9) as talker:
        thread_id = await talker.start()
        async with talker.gateway.client() as client:
            await client.send("start_turn", message="one", conversation_id=thread_id)
            await client.until("tts_ready_chunk")
            (session,) = talker.gateway.gateway.sessions.all
            client.socket.transport.abort()
            await until(lambda: session.channel.connection is None)
        gate.set()
        assert await talker.say(thread_id, "two") == (200, {"responses": ["Hello. Done."]})
        page = await talker.gateway.gateway.store.read("local", thread_id, limit=2)
        assert page is not None
        assert [(turn.status, turn.reason) for turn in page.turns] == BARGED_IN
        assert [message["content"] for message in agent.seen[1]] == ["one", "Hello.", "two"]
        resume = {key: client.session[key] for key in ("session_id", "resume_token")}
        async with talker.gateway.connect() as socket:
            back = Client(socket)
            await back.send("resume", last_seq=client.frames[-1]["seq"], **resume)
            assert (await back.frame())["recovered"]
            assert (await back.rest())[-1]["reason"] == "barge_in"
            assert (await back.turn("three"))[-1]["event"] == "stream_end"


async def test_a_full_gateway_interrupts_nothing() -> None:
    agent = ScriptedAgent(["Hello. ", asyncio.Event().wait])
    async with talking(agent, max_sessions=1) as talker:
        thread_id, other = await talker.start(), await talker.start()
        async with talker.gateway.client() as client:
            await client.send("start_turn", message="one", conversation_id=thread_id)
            await client.until("tts_ready_chunk")
            (session,) = talker.gateway.gateway.sessions.all
            client.socket.transport.abort()
            await until(lambda: session.channel.connection is None)
        async with talker.post({"thread_id": other, "message": "two"}, **SSE) as response:
            assert response.status == 200
            status, body = await talker.say(thread_id, "three")
            assert (status, body["type"]) == (503, "full")
            assert session.live_turn_id is not None


@pytest.mark.parametrize("headers", [{}, SSE])
async def test_a_websocket_barges_in_on_a_request(headers: dict[str, str]) -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", gate.wait, "Done."])
    async with talking(agent, speaking_rate_cps=1e9) as talker:
        thread_id = await talker.start()
        async with talker.gateway.client() as client:
            request = asyncio.create_task(read(talker.post({"thread_id": thread_id, "message": "one"}, **headers)))
            await until(lambda: agent.pulled)
            (live,) = talker.gateway.gateway.live_turns.requests.live("local", thread_id)
            await until(lambda: live.turn is not None and live.turn.chunks)
            await client.send("start_turn", message="two", conversation_id=thread_id)
            await client.until("stream_start", conversation_id=thread_id)
            status, text = await request
            gate.set()
            assert (await client.rest())[-1]["text"] == "Hello. Done."
        if headers:
            last = events_of(text)[-1]
            assert (status, last["event"], last["reason"]) == (200, "turn_interrupted", "barge_in")
        else:
            told = json.loads(text)
            assert (status, told["type"], told["retryable"]) == (409, "turn_in_progress", False)
        heard = ["Hello."] if headers else []
        assert [message["content"] for message in agent.seen[1]] == ["one", *heard, "two"]
        page = await talker.gateway.gateway.store.read("local", thread_id, limit=2)
        assert page is not None
        assert [(turn.status, turn.reason) for turn in page.turns] == BARGED_IN


async def test_a_websocket_is_served_right_after_a_request_was_left() -> None:
    agent = ScriptedAgent(words(10**9))
    async with talking(agent) as talker:
        thread_id = await talker.start()
        async with talker.gateway.client() as client:
            for _ in range(5):
                async with talker.post({"thread_id": thread_id, "message": "one"}, **SSE) as response:
                    await response.content.readline()
                    response.close()
                await client.send("start_turn", message="two", conversation_id=thread_id, captions=False)
                assert (await client.frame())["event"] == "stream_start"
                await client.send("interrupt")
                assert (await client.rest())[-1]["event"] == "turn_interrupted"


async def test_a_websocket_that_wants_no_barge_in_is_refused_while_a_request_is_answered() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent([gate.wait, "Done."])
    async with talking(agent) as talker:
        thread_id, other = await talker.start(), await talker.start()
        request = asyncio.create_task(talker.say(thread_id, "one"))
        await until(lambda: agent.opened)
        async with talker.gateway.client() as client:
            turn = {"message": "two", "conversation_id": thread_id, "ref": "r", "on_busy": "reject"}
            await client.send("start_turn", **turn)
            error = await client.frame()
            assert (error["event"], error["type"], error["retryable"]) == ("error", "turn_in_progress", True)
            assert "turn_id" not in error
            await client.send("start_turn", message="three", conversation_id=other)
            await client.until("stream_start", conversation_id=other)
            gate.set()
            assert await request == (200, {"responses": ["Done."]})
            await client.rest()
            frames = await client.turn(**turn)  # the same `ref`: nothing was begun
            assert (frames[0]["ref"], frames[-1]["event"]) == ("r", "stream_end")
        assert [message["content"] for message in await talker.history(thread_id)][::2] == ["one", "two"]


async def test_threads_belong_to_their_user() -> None:
    async with talking(ScriptedAgent(["Yes."]), api_keys=KEYS, key="k1") as talker:
        thread_id = await talker.start()
        bob = {"Authorization": "Bearer k2"}
        for thread, headers in ((thread_id, bob), ("nonsense", {})):
            status, body = await talker.say(thread, "hi", **headers)
            assert (status, body["type"]) == (404, "conversation_not_found")
        assert (await talker.say(thread_id, "hi"))[0] == 200
        assert (await talker.say(thread_id, "hi", **bob))[0] == 404
        assert (await talker.say(thread_id, "hi", Authorization="Bearer k3"))[0] == 401
        assert (await talker.say(thread_id, "hi", Origin="https://evil.example"))[0] == 403
        async with talker.http.get("/start", headers={"Authorization": "Bearer no"}) as response:
            assert response.status == 401


async def test_threads_that_others_begin_crowd_out_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http_turns._MAX_REMEMBERED", 3)
    async with talking(ScriptedAgent(["Yes."]), api_keys=KEYS, key="k1") as talker:
        bob = {"Authorization": "Bearer k2"}
        his = await talker.start(**bob)
        threads = [await talker.start() for _ in range(4)]
        assert (await talker.say(his, "hi", **bob))[0] == 200
        assert [(await talker.say(thread, "hi"))[0] for thread in threads] == [404, 200, 200, 200]


async def test_head_begins_no_thread() -> None:
    async with talking() as talker, talker.http.head("/start") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET")


GOOD = {"thread_id": "t", "message": "hi"}


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        (b"", 400, "JSON"),
        (b"\xff", 400, "JSON"),
        (b'"\\ud800"', 400, ""),
        (b"[" * 1900, 400, ""),
        ([], 400, "object"),
        ({"thread_id": "t"}, 400, "message"),
        ({"message": "hi"}, 400, "thread_id"),
        ({**GOOD, "thread_id": 5}, 400, "thread_id"),
        ({**GOOD, "thread_id": ""}, 400, "thread_id"),
        ({**GOOD, "message": None}, 400, "message"),
        ({**GOOD, "message": " \n"}, 400, "message"),
        ({**GOOD, "lang": "!"}, 400, "lang"),
        ({**GOOD, "captions": 1}, 400, "captions"),
        ({**GOOD, "speech": {"min_chars": -1}}, 400, "min_chars"),
        ({**GOOD, "speech": {"speed": 1}}, 400, "speed"),
        ({**GOOD, "colour": 1}, 400, "colour"),
        ({**GOOD, "message": "x" * 51}, 413, "message"),
        ({**GOOD, "message": "x" * 5000}, 413, "2000 bytes"),
    ],
)
async def test_bad_input_is_named(body: Any, status: int, names: str) -> None:
    async with talking(ScriptedAgent(["no"]), max_message_chars=50, max_body_bytes=2000) as talker:
        async with talker.post(body) as response:
            told = await response.json()
            assert response.status == status
        assert (told["event"], told["correlation_id"]) == ("error", response.headers["x-correlation-id"])
        assert told["type"] == ("bad_request" if status == 400 else "request_too_large")
        assert names in told["error"]


async def test_a_body_without_a_length_is_bounded_too() -> None:
    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield b" " * 1000

    async with talking(max_body_bytes=2000) as talker:
        try:
            async with talker.http.post("/chat", data=endless()) as response:
                assert response.status == 413
        except aiohttp.ClientConnectionError:
            pass  # it was still sending when the connection was closed


FAULTS = [
    (Reply(status=500), 502, "agent_error"),
    (Reply(status=429), 502, "agent_rate_limited"),
    (Reply(status=401), 502, "agent_error"),
    (Reply(fault="reset"), 502, "agent_error"),
    (Reply(fault="garbage", at=1), 502, "agent_error"),
    (Reply(fault="cut", at=3), 502, "agent_error"),
    (Reply("", finish="length"), 502, "agent_error"),
    (Reply(fault="silent"), 504, "agent_timeout"),
    (Reply(fault="stall", at=3), 504, "agent_timeout"),
]


def run(model: FakeModel) -> Run:
    timeouts = ModelTimeouts(first_token_s=0.3, stall_s=0.3, first_chunk_s=2.0)
    return Run.open(RunConfig(model="m", timeouts=timeouts), base_url=model.url)


@pytest.mark.parametrize(("reply", "status", "code"), FAULTS)
async def test_a_failed_run_is_never_a_200(reply: Reply, status: int, code: str) -> None:
    async with FakeModel(reply) as model:
        agent = run(model)
        async with talking(agent) as talker:
            thread_id = await talker.start()
            told, body = await talker.say(thread_id, "hi", **{"X-Request-ID": "req-1"})
            assert (told, body["type"], body["correlation_id"]) == (status, code, "req-1")
            assert "secret" not in body["error"]
            assert [message["role"] for message in await talker.history(thread_id)] == ["user"]
            async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
                text = await response.text()
            said = "event: stream_token" in text
            assert said == (reply.at > 0)
            assert response.status == (200 if said else status)
            events = events_of(text) if said else [json.loads(text)]
            assert (events[-1]["event"], events[-1]["type"]) == ("error", code)
            assert events[-1]["correlation_id"] == response.headers["x-correlation-id"]
            assert events[-1]["turn_id"] == events[0]["turn_id"]
        await until(lambda: not model.open_requests)
        await agent.aclose()


async def test_text_of_an_exception_reaches_no_client() -> None:
    for broken, code in ((RuntimeError("secret"), "agent_error"), (AgentError("Sorry."), "agent_error")):
        async with talking(ScriptedAgent([broken])) as talker:
            status, body = await talker.say(await talker.start(), "hi")
            assert (status, body["type"]) == (502, code)
            assert "secret" not in json.dumps(body)


async def test_a_fault_in_a_stream_is_its_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = _Frames.encode

    def broken(frames: _Frames, event: Any) -> bytes:
        if isinstance(event, TTSReadyChunk):
            raise RuntimeError("secret")
        return encode(frames, event)

    monkeypatch.setattr(_Frames, "encode", broken)
    agent = ScriptedAgent(["Hello there. ", "How are you? ", asyncio.Event().wait])
    async with asyncio.timeout(5), talking(agent) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
            events = events_of(await response.text())
        assert [event["event"] for event in events[:2]] == ["stream_start", "stream_token"]
        assert (events[-1]["event"], events[-1]["type"]) == ("error", "internal_error")
        assert events[-1]["correlation_id"] == response.headers["x-correlation-id"]
        assert "secret" not in json.dumps(events)
        await until(lambda: agent.closed and not talker.gateway.gateway.http_turns.count)
        page = await talker.gateway.gateway.store.read("local", thread_id, limit=1)
        assert page is not None
        assert page.turns[0].status == "interrupted"


async def test_a_turn_that_cannot_be_encoded_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(turn: Any) -> list[Any]:
        raise UnicodeEncodeError("utf-8", "secret", 0, 1, "surrogates")

    monkeypatch.setattr("gateway.http_turns.reply_messages", refuse)
    async with asyncio.timeout(5), talking(ScriptedAgent(["Hello."])) as talker:
        for headers, status in (({}, 500), (SSE, 200)):
            thread_id = await talker.start()
            async with talker.post({"thread_id": thread_id, "message": "hi"}, **headers) as response:
                text = await response.text()
            assert response.status == status
            told = events_of(text)[-1] if headers else json.loads(text)
            assert (told["event"], told["type"]) == ("error", "storage_error")
            assert told["correlation_id"] == response.headers["x-correlation-id"]
            page = await talker.gateway.gateway.store.read("local", thread_id, limit=1)
            assert page is not None
            assert (page.turns[0].status, page.turns[0].reason) == ("failed", "storage_error")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/start", 405, "method_not_allowed"),
        ("GET", "/chat", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("GET", "/nope", 404, "not_found"),
        ("DELETE", "/v1/nope", 404, "not_found"),
    ],
)
async def test_what_no_route_takes(method: str, path: str, status: int, code: str) -> None:
    async with talking() as talker:
        async with talker.http.request(method, path, headers={"X-Request-ID": "req-9"}) as response:
            told = await response.json()
        assert (response.status, told["event"], told["type"]) == (status, "error", code)
        assert told["correlation_id"] == response.headers["x-correlation-id"] == "req-9"
        assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("place", ["gateway.http_turns.HTTPTurns.new_thread", "gateway.app.Gateway.require_running"])
async def test_a_fault_of_ours_has_the_shape_of_errors(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("secret")

    async with talking() as talker:
        monkeypatch.setattr(place, broken)
        for path in ("/start", "/readyz") if "running" in place else ("/start",):
            async with talker.http.get(path, headers={"X-Request-ID": "req-9"}) as response:
                told = await response.json()
            assert (response.status, told["event"], told["type"]) == (500, "error", "internal_error")
            assert told["correlation_id"] == response.headers["x-correlation-id"] == "req-9"
            assert "secret" not in told["error"]


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Request-ID": "abc-1"}, "abc-1"),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"X-Request-ID": "abc", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, "abc"),
        ({"X-Request-ID": "x" * 65}, None),
        ({"X-Request-ID": "two words"}, None),
        ({"traceparent": "00-0-0-0"}, None),
        ({"traceparent": f"cc-{TRACE}-00f067aa0ba902b7-01-more"}, TRACE),
        ({"traceparent": f"ff-{TRACE}-00f067aa0ba902b7-01"}, None),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({}, None),
    ],
)
async def test_correlation_ids_are_taken_over_by_the_agent_too(headers: dict[str, str], expected: str | None) -> None:
    seen: list[str] = []

    class Agent:
        async def stream(self, messages: Any) -> AsyncGenerator[StreamToken, None]:
            seen.append(correlation_id.get())
            yield StreamToken("Yes.")

    async with talking(Agent()) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "hi"}, **headers) as response:
            id_ = response.headers["x-correlation-id"]
    assert seen == [id_]
    if expected is None:
        assert len(id_) == 32
    else:
        assert id_ == expected


async def test_a_stop_lets_turns_end_and_then_cuts_them() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["Hello there. ", "More. ", gate.wait])
    async with talking(agent, drain_timeout_s=0.2) as talker:
        thread_id, other = await talker.start(), await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
            whole = asyncio.create_task(talker.say(other, "hi"))
            await until(lambda: agent.pulled == 4)
            draining = asyncio.create_task(talker.gateway.gateway.drain())
            await asyncio.sleep(0)
            status, body = await talker.say(thread_id, "new")
            assert (status, body["type"]) == (503, "shutting_down")
            events = events_of(await response.text())
            assert (events[-1]["event"], events[-1]["reason"]) == ("turn_interrupted", "shutdown")
            status, body = await whole
            assert (status, body["type"]) == (503, "shutting_down")
            await draining
        page = await talker.gateway.gateway.store.read("local", thread_id, limit=1)
        assert page is not None
        assert page.turns[0].status == "interrupted"


async def test_a_body_that_comes_after_the_stop_begins_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = ScriptedAgent(["Hello."])
    async with asyncio.timeout(10), talking(agent) as talker:
        gateway = talker.gateway.gateway
        body = json.dumps({"thread_id": await talker.start(), "message": "hi"}).encode()
        require_running, checked = gateway.require_running, 0

        def counted() -> None:
            nonlocal checked
            require_running()
            checked += 1

        monkeypatch.setattr(gateway, "require_running", counted)
        host, port = talker.gateway.http_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /chat HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await until(lambda: checked)
        await gateway.drain()
        writer.write(body)
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"shutting_down" in answer
        assert agent.opened == 0


async def test_the_line_of_a_lost_turn_has_the_correlation_id(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    try:
        async with talking(ScriptedAgent(["Yes."])) as talker:
            begin_turn = talker.gateway.gateway.store.begin_turn

            async def begin_after_a_crash(*args: Any) -> Any:
                return msgspec.structs.replace(await begin_turn(*args), lost=["t1"])

            monkeypatch.setattr(talker.gateway.gateway.store, "begin_turn", begin_after_a_crash)
            assert (await talker.say(await talker.start(), "hi", **{"X-Request-ID": "req-5"}))[0] == 200
    finally:
        logger.remove(sink)
    assert [line.strip() for line in lines] == ["turn t1 was lost when the gateway stopped correlation_id=req-5"]


async def test_no_more_turns_than_sessions() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent([gate.wait, "Done."])
    async with talking(agent, max_sessions=1) as talker:
        thread_id, other = await talker.start(), await talker.start()
        first = asyncio.create_task(talker.say(thread_id, "one"))
        await until(lambda: agent.opened)
        status, body = await talker.say(other, "two")
        assert (status, body["type"]) == (503, "full")
        gate.set()
        assert (await first)[0] == 200


async def test_a_silent_stream_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.answers.HEARTBEAT_S", 0.02)
    gate = asyncio.Event()
    async with talking(ScriptedAgent(["Well. ", gate.wait, "Done."])) as talker:
        thread_id = await talker.start()
        async with talker.post({"thread_id": thread_id, "message": "hi"}, **SSE) as response:
            async for line in response.content:
                if line == b": still here\n":
                    gate.set()
                if b"stream_end" in line:
                    break
    assert gate.is_set()
