"""What is recorded of turns: all of it, in bounds, for the owner alone, and nothing when it is off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from doubles import ScriptedAgent, until
from hypothesis import given
from hypothesis import strategies as st
from serving import serving
from test_chat_routes import SSE, Talker, talking
from test_conversation_routes import ask
from test_store import start

from gateway.turn_log import MAX_BINS, MAX_CHUNKS, MAX_TEXT, Density, TurnLog
from pipeline.events import StreamEnd, StreamToken, ToolCall, ToolResult, TTSReadyChunk, TurnInterrupted

TWO_SENTENCES = ["The first sentence is here. ", "The second one is here, too."]
COMPLETIONS = "/v1/chat/completions"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def chunk(index: int, text: str = "Hello.", until: int = 6) -> TTSReadyChunk:
    return TTSReadyChunk("t1", index, text, (0, until), "sentence")


def test_a_turn_is_recorded_from_its_beginning_to_its_end() -> None:
    clock = Clock()
    log = TurnLog(5, clock=clock)
    log.began("ann", start("t1"), "Hi")
    clock.now += 0.1
    log.answered("t1", ToolCall("c1", "get_time"))
    clock.now += 0.1
    log.answered("t1", ToolResult("c1", "get_time", "ok"))
    log.answered("t1", StreamToken("Hel"))
    clock.now += 0.05
    log.answered("t1", StreamToken("lo."))
    clock.now += 0.05
    log.answered("t1", StreamToken(" And"))
    log.ready(chunk(0))
    clock.now += 0.01
    log.chunk_sent("t1", 0)
    clock.now += 1
    log.chunk_spoken("t1", 0)
    log.ended("t1", "completed", None)
    clock.now += 0.002
    log.sent(StreamEnd("t1"))
    turn = log.turn("ann", "t1")
    assert turn is not None
    assert (turn.text, turn.status, turn.tokens) == ("Hi", "completed", 3)
    assert (turn.first_token_ms, turn.first_chunk_ms, turn.last_token_ms, turn.ended_ms) == (200, 300, 300, 1312)
    (told,) = turn.chunks
    assert (told.written_ms, told.ready_ms, told.sent_ms, told.spoken_ms) == (250, 300, 310, 1310)
    (tool,) = turn.tools
    assert (tool.called_ms, tool.answered_ms, tool.status) == (100, 200, "ok")
    assert (turn.density.bin_ms, sum(turn.density.counts)) == (20, 3)
    assert (turn.interrupt_ms, turn.silent_ms) == (None, None)


def test_an_interrupt_is_timed_until_it_is_told() -> None:
    clock = Clock()
    log = TurnLog(5, clock=clock)
    log.began("ann", start("t1"), "Hi")
    for index in range(3):
        log.ready(chunk(index))
    clock.now += 1
    log.chunk_spoken("t1", 1)
    log.interrupt_asked("t1")
    log.ended("t1", "interrupted", "user")
    clock.now += 0.004
    log.sent(TurnInterrupted("t1", "user", "", 0))
    (turn,) = log.turns("ann")
    assert (turn.status, turn.reason, turn.interrupt_ms, turn.silent_ms) == ("interrupted", "user", 1000, 1004)
    full = log.turn("ann", "t1")
    assert full is not None
    assert [told.spoken_ms for told in full.chunks] == [1000, 1000, None]


def test_only_the_last_turns_are_kept_and_only_for_their_owner() -> None:
    log = TurnLog(2)
    for number in range(5):
        log.began("ann", start(f"a{number}"), "x" * 1000)
    log.began("bob", start("b"), "Hi")
    assert [turn.turn_id for turn in log.turns("ann")] == ["a4", "a3"]
    assert [len(turn.text) for turn in log.turns("ann")] == [MAX_TEXT, MAX_TEXT]
    assert log.turn("ann", "a0") is None
    assert log.turn("bob", "a4") is None
    assert log.turns("nobody") == []
    log.answered("a0", StreamToken("late"))  # of a turn that has left already: nothing happens
    assert len(log._turns) == 3


def test_very_long_turns_stay_small() -> None:
    clock = Clock()
    log = TurnLog(1, clock=clock)
    log.began("ann", start("t1"), "Hi")
    for index in range(MAX_CHUNKS + 10):
        clock.now += 60
        log.answered("t1", StreamToken("a"))
        log.ready(chunk(index))
        log.chunk_sent("t1", index)
        log.chunk_spoken("t1", index)
    turn = log.turn("ann", "t1")
    assert turn is not None
    assert len(turn.chunks) == MAX_CHUNKS
    assert len(turn.density.counts) <= MAX_BINS
    assert sum(turn.density.counts) == turn.tokens == MAX_CHUNKS + 10


@given(st.lists(st.integers(0, 100_000), max_size=60).map(sorted))
def test_density_counts_every_token_in_its_bin(moments: list[int]) -> None:
    density, other = Density(), Density()
    for at_ms in moments:
        density.add([at_ms])
    other.add(moments)
    assert other == density
    expected = [0] * len(density.counts)
    for at_ms in moments:
        expected[at_ms // density.bin_ms] += 1
    assert density.counts == expected
    assert len(expected) <= MAX_BINS


def test_off_records_nothing() -> None:
    log = TurnLog(0)
    log.began("ann", start("t1"), "Hi")
    log.answered("t1", StreamToken("Hello."))
    log.ready(chunk(0))
    log.chunk_sent("t1", 0)
    log.chunk_spoken("t1", 0)
    log.interrupt_asked("t1")
    log.ended("t1", "interrupted", "user")
    log.sent(StreamEnd("t1"))
    assert (log.turns("ann"), log.turn("ann", "t1"), log._of_user) == ([], None, {})


async def test_turns_are_told_to_their_owner_over_http() -> None:
    keys = {"k1": "ann", "k2": "bob"}
    async with serving(ScriptedAgent(TWO_SENTENCES), api_keys=keys) as served:
        async with served.client(additional_headers={"Authorization": "Bearer k1"}) as client:
            frames = await client.turn("What do you say?")
        turn_id = frames[0]["turn_id"]
        listed = (await ask(served, "/turns", key="k1")).json
        assert listed["kept"] == 50
        (summary,) = listed["turns"]
        assert (summary["turn_id"], summary["text"], summary["status"]) == (turn_id, "What do you say?", "completed")
        full = (await ask(served, f"/turns/{turn_id}", key="k1")).json
        assert {name: full[name] for name in summary} == summary
        assert [told["text"] for told in full["chunks"]] == [
            frame["text"] for frame in frames if frame["event"] == "tts_ready_chunk"
        ]
        for told in full["chunks"]:
            assert 0 <= told["written_ms"] <= told["ready_ms"] <= told["sent_ms"] <= full["ended_ms"]
        assert (await ask(served, "/turns", key="k2")).json["turns"] == []
        assert (await ask(served, f"/turns/{turn_id}", key="k2")).error == (404, "turn_not_found")
        assert (await ask(served, "/turns/none", key="k1")).error == (404, "turn_not_found")
        assert (await ask(served, "/turns")).error == (401, "unauthorized")
        assert (await ask(served, "/turns?x=1", key="k1")).error == (400, "bad_request")


@pytest.mark.parametrize("changes", [{"timeline": 0}])
async def test_the_timeline_can_be_off(changes: dict[str, Any]) -> None:
    async with serving(ScriptedAgent(["Hello there."]), **changes) as served:
        async with served.client() as client:
            await client.turn("Hi")
        assert (await ask(served, "/turns")).json == {"turns": [], "kept": 0}


async def over_http(talker: Talker, path: str, *, streamed: bool) -> Any:
    """A turn of one request: its response, to be entered."""
    body: dict[str, Any] = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]}
    if path == "/chat":
        body = {"thread_id": await talker.start(), "message": "Hi"}
    else:
        body["stream"] = streamed
    return talker.http.post(path, json=body, headers=SSE if streamed else {})


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("path", ["/chat", COMPLETIONS, f"{COMPLETIONS}?speech=true"])
async def test_turns_over_http_are_recorded_too(path: str, *, streamed: bool) -> None:
    script = [ToolCall("c1", "look"), ToolResult("c1", "look", "ok"), *TWO_SENTENCES]
    async with talking(ScriptedAgent(script), key="k1", api_keys={"k1": "ann", "k2": "bob"}) as talker:
        async with await over_http(talker, path, streamed=streamed) as response:
            assert response.status == 200
            await response.read()
        (summary,) = (await ask(talker.gateway, "/turns", key="k1")).json["turns"]
        assert (summary["text"], summary["status"], summary["reason"]) == ("Hi", "completed", None)
        assert bool(summary["conversation_id"]) == (path == "/chat")
        turn = (await ask(talker.gateway, f"/turns/{summary['turn_id']}", key="k1")).json
        assert (turn["tokens"], sum(turn["density"]["counts"])) == (2, 2)
        assert [told["text"] for told in turn["chunks"]] == [text.strip() for text in TWO_SENTENCES]
        for told in turn["chunks"]:
            assert 0 <= turn["first_token_ms"] <= told["written_ms"] <= told["ready_ms"] <= turn["ended_ms"]
            assert told["sent_ms"] is None if not streamed else told["ready_ms"] <= told["sent_ms"] <= turn["ended_ms"]
        (tool,) = turn["tools"]
        assert (tool["name"], tool["status"], tool["called_ms"] <= tool["answered_ms"]) == ("look", "ok", True)
        assert (await ask(talker.gateway, "/turns", key="k2")).json["turns"] == []
        assert (await ask(talker.gateway, f"/turns/{summary['turn_id']}", key="k2")).error == (404, "turn_not_found")


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("path", ["/chat", COMPLETIONS])
async def test_leaving_an_http_turn_is_recorded_as_its_interrupt(path: str, *, streamed: bool) -> None:
    agent = ScriptedAgent([*TWO_SENTENCES, " And on. ", asyncio.Event().wait])
    async with talking(agent) as talker:

        async def listen() -> None:
            async with await over_http(talker, path, streamed=streamed) as response:
                await response.read()

        listening = asyncio.create_task(listen())
        await until(lambda: agent.pulled == len(agent.script) - 1)
        (live,) = talker.gateway.gateway.turn_log.turns("local")
        assert (live.status, live.ended_ms) == ("processing", None)
        listening.cancel()
        await until(lambda: agent.closed and not talker.gateway.gateway.http_turns.count)
        (turn,) = talker.gateway.gateway.turn_log.turns("local")
        assert (turn.status, turn.reason) == ("interrupted", "disconnected")
        assert turn.first_token_ms is not None
        assert turn.interrupt_ms is not None
        assert turn.ended_ms is not None
        assert turn.first_token_ms <= turn.interrupt_ms <= turn.ended_ms
        assert turn.silent_ms is None  # nobody was there to be told


@pytest.mark.parametrize("path", ["/chat", COMPLETIONS])
async def test_a_failed_http_turn_is_recorded(path: str) -> None:
    async with talking(ScriptedAgent(["Well. ", RuntimeError("boom")])) as talker:
        async with await over_http(talker, path, streamed=False) as response:
            assert response.status == 502
        (turn,) = talker.gateway.gateway.turn_log.turns("local")
        assert (turn.status, turn.reason, turn.tokens) == ("failed", "agent_error", 1)
        assert turn.ended_ms is not None


async def test_an_http_turn_that_cannot_be_kept_is_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(turn: Any) -> list[Any]:
        raise UnicodeEncodeError("utf-8", "secret", 0, 1, "surrogates")

    monkeypatch.setattr("gateway.http_turns.reply_messages", refuse)
    async with talking(ScriptedAgent(["Hello."])) as talker:
        async with await over_http(talker, "/chat", streamed=False) as response:
            assert response.status == 500
        (turn,) = talker.gateway.gateway.turn_log.turns("local")
        assert (turn.status, turn.reason) == ("failed", "storage_error")
