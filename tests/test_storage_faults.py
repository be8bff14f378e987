"""Storage that fails while a client talks, over real sockets: nothing is claimed that was not kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from doubles import ScriptedAgent, until
from serving import Served, serving

from gateway import turn_saver
from gateway.errors import StorageError


def failing(gateway: Served, monkeypatch: pytest.MonkeyPatch, operation: str, times: float) -> list[float]:
    """Let an operation of the store fail so often; when it was asked for, in the event loop's seconds."""
    store = gateway.gateway.store
    works: Callable[..., Awaitable[Any]] = getattr(store, operation)
    asked: list[float] = []

    def fail(*arguments: Any) -> Awaitable[Any]:
        loop = asyncio.get_running_loop()
        asked.append(loop.time())
        if len(asked) > times:
            return works(*arguments)
        failed: asyncio.Future[Any] = loop.create_future()
        failed.set_exception(StorageError("The conversation could not be stored or read."))
        failed.exception()
        return failed

    monkeypatch.setattr(store, operation, fail)
    return asked


async def kept(gateway: Served, conversation_id: str) -> list[str]:
    return [message["content"] for message in await gateway.gateway.store.history("local", conversation_id)]


async def test_a_ref_whose_turn_could_not_begin_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = ScriptedAgent(["Yes."])
    async with serving(agent) as gateway, gateway.client() as client:
        failing(gateway, monkeypatch, "begin_turn", 1)
        error = (await client.turn("hello", ref="r1"))[-1]
        assert (error["event"], error["type"], error["retryable"]) == ("error", "storage_error", True)
        assert agent.opened == 0
        frames = await client.turn("hello", ref="r1")
        assert (frames[0]["ref"], frames[-1]["event"]) == ("r1", "stream_end")
        await client.send("start_turn", message="hello", ref="r1")
        await client.send("ping", t="after")
        assert await client.frame() == {"event": "pong", "t": "after"}
        assert await kept(gateway, client.session["conversation_id"]) == ["hello", "Yes."]


async def test_an_end_that_could_not_be_stored_at_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(ScriptedAgent(["Yes."])) as gateway, gateway.client() as client:
        asked = failing(gateway, monkeypatch, "finish_turn", 2)
        frames = await client.turn("hello")
        assert frames[-1]["event"] == "stream_end"
        assert "error" not in {frame["event"] for frame in frames}
        assert len(asked) == 3
        assert await kept(gateway, client.session["conversation_id"]) == ["hello", "Yes."]


@pytest.mark.parametrize("ending", ["stream_end", "turn_interrupted", "error"])
async def test_what_was_not_kept_is_not_claimed(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()
    last: dict[str, Any] = {"stream_end": "", "turn_interrupted": never.wait, "error": RuntimeError("secret")}
    agent = ScriptedAgent(["One two three. Four five six. ", last[ending]])
    async with serving(agent) as gateway, gateway.client() as client:
        asked = failing(gateway, monkeypatch, "finish_turn", float("inf"))
        await client.send("start_turn", message="hello", captions=False)
        frames = await client.until("tts_ready_chunk")
        if ending == "turn_interrupted":
            await client.send("interrupt")
        frames += await client.rest()
        error = frames[-1]
        assert (error["event"], error["type"], error["retryable"]) == ("error", "storage_error", True)
        assert error["turn_id"] == frames[0]["turn_id"]
        assert {frame["event"] for frame in frames[:-1]} <= {"stream_start", "tts_ready_chunk"}
        assert 1 < len(asked) < 10
        assert asked[-1] - asked[0] < 3.0
        monkeypatch.undo()
        agent.script = ["Fine."]
        assert (await client.turn("and now?"))[-1]["event"] == "stream_end"
        assert await kept(gateway, client.session["conversation_id"]) == ["hello", "and now?", "Fine."]


async def test_an_interrupt_of_a_turn_that_was_never_stored_does_not_claim_that_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(ScriptedAgent(["Yes."])) as gateway, gateway.client() as client:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        monkeypatch.setattr(gateway.gateway.store, "begin_turn", lambda *arguments: answer)
        await client.send("start_turn", message="hello", ref="r1")
        await client.send("interrupt")
        await client.until("stream_start")
        (session,) = gateway.gateway.sessions.all
        await until(lambda: session.live_turn_id is None)
        answer.set_exception(StorageError("The conversation could not be stored or read."))
        error = (await client.rest())[-1]
        assert (error["event"], error["type"]) == ("error", "storage_error")


async def test_a_session_that_ends_still_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["One two three. Four five six. ", never.wait])
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("start_turn", message="hello", captions=False)
        chunk = (await client.until("tts_ready_chunk"))[-1]
        await client.send("chunk_spoken", turn_id=chunk["turn_id"], index=0)
        await client.send("ping")
        await client.until("pong")
        asked = failing(gateway, monkeypatch, "finish_turn", 1)
        (session,) = gateway.gateway.sessions.all
        gateway.gateway.sessions.close_soon(session.session_id, "gone")
        await until(lambda: len(asked) == 2)
        conversation = client.session["conversation_id"]
        page = await gateway.gateway.store.read("local", conversation, limit=1)
        assert page is not None
        assert page.turns[0].status == "interrupted"


async def test_trying_again_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when every try takes its time: a database that is busy gives up only after seconds."""
    loop = asyncio.get_running_loop()
    asked: list[float] = []

    async def slow() -> None:
        asked.append(loop.time())
        await asyncio.sleep(turn_saver.RETRY_FOR_S + 0.1)
        raise StorageError("The conversation could not be stored or read.")

    saver = turn_saver.TurnSaver(slow)
    with pytest.raises(StorageError):
        await saver.kept()
    assert len(asked) == 1


@pytest.mark.parametrize("streamed", [True, False])
async def test_over_http_nothing_is_claimed_either(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Accept": "text/event-stream"} if streamed else {}
    async with serving(ScriptedAgent(["Yes."])) as gateway, aiohttp.ClientSession(gateway.http_url) as http:
        thread_id = (await (await http.get("/start")).json())["thread_id"]

        async def say(message: str) -> tuple[int, str]:
            async with http.post("/chat", json={"thread_id": thread_id, "message": message}, headers=headers) as answer:
                return answer.status, await answer.text()

        asked = failing(gateway, monkeypatch, "finish_turn", 2)
        assert (await say("one"))[0] == 200
        assert len(asked) == 3
        monkeypatch.undo()
        failing(gateway, monkeypatch, "finish_turn", float("inf"))
        status, body = await say("two")
        assert status == (200 if streamed else 500)
        told = json.loads(body.strip().rpartition("data: ")[2])
        assert (told["event"], told["type"], told["retryable"]) == ("error", "storage_error", True)
        assert "stream_end" not in body
        monkeypatch.undo()
        assert (await say("three"))[0] == 200
        assert await kept(gateway, thread_id) == ["one", "Yes.", "two", "three", "Yes."]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_leaves_while_its_turn_is_stored_loses_nothing(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Accept": "text/event-stream"} if streamed else {}
    async with serving(ScriptedAgent(["Yes."])) as gateway, aiohttp.ClientSession(gateway.http_url) as http:
        thread_id = (await (await http.get("/start")).json())["thread_id"]
        asked = failing(gateway, monkeypatch, "finish_turn", 1)

        async def say() -> None:
            async with http.post("/chat", json={"thread_id": thread_id, "message": "one"}, headers=headers) as answer:
                await answer.read()

        saying = asyncio.create_task(say())
        await until(lambda: asked)
        saying.cancel()
        await until(lambda: not gateway.gateway.http_turns.count)
        assert len(asked) == 2
        assert await kept(gateway, thread_id) == ["one", "Yes."]


async def test_a_turn_that_begins_while_the_one_before_is_stored_again_knows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = ScriptedAgent(["Yes."])
    async with serving(agent) as gateway, gateway.client() as client:
        asked = failing(gateway, monkeypatch, "finish_turn", 2)
        await client.send("start_turn", message="one")
        await until(lambda: asked)
        await client.send("start_turn", message="two")
        await client.rest()
        await client.rest()
        assert [message["content"] for message in agent.seen[-1]] == ["one", "Yes.", "two"]
