"""Sessions that outlive their sockets, over real ones: resume, take-over, acknowledgements, playback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest
from doubles import ScriptedAgent, until, until_still, words
from proxy import Proxy
from serving import Client, Served, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.errors import GatewayError
from gateway.outbox import ClientGoneError, Outbox
from gateway.store import TurnBegun
from gateway.wire.native import Resume, StartTurn


@asynccontextmanager
async def resuming(
    gateway: Served, session: dict[str, Any], last_seq: int, *, url: str | None = None, **changes: Any
) -> AsyncGenerator[Client, None]:
    """A connection whose first frame is `resume`; its `session` is the answer."""
    frame = {"session_id": session["session_id"], "resume_token": session["resume_token"], "last_seq": last_seq}
    async with connect(url or gateway.url, compression=None) as socket:
        client = Client(socket)
        await client.send("resume", **(frame | changes))
        client.session = await client.frame()
        assert client.session["event"] == "session"
        yield client


def last_seq(client: Client) -> int:
    return max((frame["seq"] for frame in client.frames if "seq" in frame), default=0)


async def test_a_dropped_socket_is_not_an_interrupt_and_nothing_is_lost() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["First sentence here. ", "Second sentence here. ", gate.wait, "Third sentence here. "])
    async with serving(agent) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go")
            await client.until("tts_ready_chunk")
            client.socket.transport.abort()
        gate.set()
        (session,) = gateway.gateway.sessions.all
        await until(lambda: not session.tasks)  # the turn went on by itself
        async with resuming(gateway, client.session, last_seq(client)) as again:
            assert again.session["recovered"] is True
            assert again.session["session_id"] == client.session["session_id"]
            frames = client.frames[1:] + await again.rest()
            assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
            assert frames[-1]["event"] == "stream_end"
            assert frames[-1]["text"] == "First sentence here. Second sentence here. Third sentence here. "
            assert again.session["last_seq"] == frames[-1]["seq"] - 1  # the turn ends when all was sent
            agent.script = ["Still here."]
            assert (await again.turn("and now?"))[0]["seq"] == frames[-1]["seq"] + 1
        assert len(agent.seen[-1]) == 3


async def test_from_the_very_beginning_everything_is_replayed() -> None:
    async with serving(ScriptedAgent(["Hello there."])) as gateway:
        async with gateway.client() as client:
            frames = await client.turn("go")
        async with resuming(gateway, client.session, 0) as again:
            assert [await again.frame() for _ in frames] == frames


async def test_a_resume_that_comes_late_is_served_as_well() -> None:
    async with serving(ScriptedAgent(["Hello there."])) as gateway:
        async with gateway.client() as client:
            frames = await client.turn("go")
        async with gateway.client() as again:  # has been given a session of its own meanwhile
            await again.send(
                "resume",
                session_id=client.session["session_id"],
                resume_token=client.session["resume_token"],
                last_seq=frames[0]["seq"],
            )
            session = await again.frame()
            assert (session["recovered"], session["session_id"]) == (True, client.session["session_id"])
            assert [await again.frame() for _ in frames[1:]] == frames[1:]
            await until(lambda: len(gateway.gateway.sessions.all) == 1)
            await again.send("resume", session_id="x", resume_token="y", last_seq=0)
            assert (await again.frame())["type"] == "malformed_frame"


@pytest.mark.parametrize(
    "changes",
    [{"resume_token": "wrong"}, {"session_id": "unknown"}, {"last_seq": 999}],
    ids=lambda change: next(iter(change)),
)
async def test_what_cannot_be_resumed_begins_a_new_session_on_the_same_conversation(changes: dict[str, Any]) -> None:
    agent = ScriptedAgent(["Hello there."])
    async with serving(agent) as gateway:
        async with gateway.client() as client:
            await client.turn("go")
        async with resuming(gateway, client.session, **{"last_seq": 0, **changes}) as again:
            assert again.session["recovered"] is False
            assert again.session["session_id"] != client.session["session_id"]
            same = again.session["conversation_id"] == client.session["conversation_id"]
            assert same is ("session_id" not in changes)
            frames = await again.turn("again")
            assert frames[0]["seq"] == 1
            assert len(agent.seen[-1]) == (3 if same else 1)


async def test_an_expired_session_is_followed_by_a_new_one_on_the_same_conversation() -> None:
    async with serving(ScriptedAgent(["Hello there."]), resume_window_s=0.05) as gateway:
        async with gateway.client() as client:
            await client.turn("go")
        await until(lambda: not gateway.gateway.sessions.all)
        async with resuming(gateway, client.session, last_seq(client)) as again:
            assert again.session["recovered"] is False
            assert again.session["conversation_id"] == client.session["conversation_id"]


async def test_a_conversation_is_not_lost_by_a_session_without_a_turn() -> None:
    async with serving(ScriptedAgent(["Hello there."]), resume_window_s=0.05) as gateway:
        async with gateway.client() as client:
            await client.turn("go")
        session = client.session
        for _ in range(3):
            await until(lambda: not gateway.gateway.sessions.all)
            async with resuming(gateway, session, 0) as again:
                assert again.session["recovered"] is False
                assert again.session["session_id"] != session["session_id"]
                assert again.session["conversation_id"] == client.session["conversation_id"]
                session = again.session


async def test_another_user_gets_nothing_of_a_session() -> None:
    keys = {"k1": "ann", "k2": "bob"}
    async with (
        serving(ScriptedAgent(["Hello there."]), api_keys=keys) as gateway,
        gateway.client(additional_headers={"Authorization": "Bearer k1"}) as client,
    ):
        await client.turn("go")
        async with gateway.connect(additional_headers={"Authorization": "Bearer k2"}) as socket:
            thief = Client(socket)
            await thief.send(
                "resume",
                session_id=client.session["session_id"],
                resume_token=client.session["resume_token"],
                last_seq=0,
            )
            session = await thief.frame()
            assert session["recovered"] is False
            assert session["conversation_id"] != client.session["conversation_id"]
        assert (await client.turn("still mine"))[-1]["event"] == "stream_end"


async def test_a_second_connection_takes_the_session_over() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["One sentence here. ", gate.wait, "Another sentence here. "])
    async with serving(agent, resume_window_s=0.2) as gateway, gateway.client() as client:
        await client.send("start_turn", message="go")
        await client.until("tts_ready_chunk")
        async with resuming(gateway, client.session, last_seq(client)) as again:
            assert again.session["recovered"] is True
            assert await client.close_code() == 1008
            assert client.socket.close_reason == "taken over"
            gate.set()
            assert (await again.rest())[-1]["event"] == "stream_end"
            await asyncio.sleep(0.3)  # longer than the window that the first one's end would have started
            assert (await again.turn("still there?"))[-1]["event"] == "stream_end"


async def test_take_over_from_a_connection_that_does_not_read() -> None:
    agent = ScriptedAgent(words(3_000))
    async with serving(agent, write_timeout_s=30) as gateway, gateway.client(max_queue=1) as client:
        client.socket.transport.pause_reading()
        await client.send("start_turn", message="go")
        await until_still(lambda: agent.pulled)
        async with resuming(gateway, client.session, 0) as again:
            if again.session["recovered"]:
                frames = await again.rest()
                assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
            else:  # more was written than the window holds
                assert (await again.turn("again"))[0]["seq"] == 1
        client.socket.transport.abort()


async def test_a_full_window_holds_the_turn_until_the_client_is_back() -> None:
    agent = ScriptedAgent(words(20_000))
    async with serving(agent) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go")
            await client.until("stream_start")
            client.socket.transport.abort()
        await until_still(lambda: agent.pulled)
        assert agent.pulled < 4_000
        async with resuming(gateway, client.session, last_seq(client)) as again:
            assert again.session["recovered"] is True
            frames = await again.rest()
            first = last_seq(client) + 1
            assert [frame["seq"] for frame in frames] == list(range(first, first + len(frames)))
            assert len(frames[-1]["text"].split()) == 20_000


async def test_a_client_that_acknowledges_is_never_more_than_a_window_behind() -> None:
    agent = ScriptedAgent(words(20_000))
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("ack", seq=0)
        await client.send("start_turn", message="go")
        await until(lambda: agent.pulled > 1_500)
        await until_still(lambda: agent.pulled)
        assert agent.pulled < 4_000
        frame: dict[str, Any] = {"event": ""}
        while frame["event"] != "stream_end":
            frame = await client.frame()
            if frame["seq"] % 500 == 0:
                await client.send("ack", seq=frame["seq"])
        assert [frame["seq"] for frame in client.frames[1:]] == list(range(1, len(client.frames)))


async def test_two_hundred_cuts_in_mid_turn_lose_and_double_nothing() -> None:
    random = Random(3)
    tokens = list(words(4_000))

    class Paced(ScriptedAgent):
        """Talks for as long as the cuts last."""

    async def breath() -> None:
        await asyncio.sleep(0.001)

    script: list[Any] = []
    for token in tokens:
        script += [token, breath]
    agent = Paced(script)
    async with serving(agent, max_sessions=50) as gateway, Proxy(gateway.address[1]) as proxy:
        frames: list[dict[str, Any]] = []
        cuts = 0
        async with connect(proxy.url, compression=None) as socket:
            client = Client(socket)
            session = await client.frame()
            await client.send("start_turn", message="go", captions=False)
            with suppress(ConnectionClosed):
                for _ in range(5):
                    frames.append(await client.frame())  # noqa: PERF401 - those before the cut count
                proxy.cut()
        while not frames or frames[-1]["event"] != "stream_end":
            seen = frames[-1]["seq"] if frames else 0
            try:
                async with resuming(gateway, session, seen, url=proxy.url) as again:
                    assert again.session["recovered"] is True
                    patience = random.choice([0.0, 0.002, 0.01])
                    cutting = asyncio.get_running_loop().call_later(patience, proxy.cut) if cuts < 200 else None
                    cuts += 1
                    try:
                        while True:
                            frames.append(await again.frame())
                            if frames[-1]["event"] == "stream_end":
                                break
                    finally:
                        if cutting is not None:
                            cutting.cancel()
            except (ConnectionClosed, OSError, EOFError):
                continue
        assert cuts >= 200
        assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
        assert frames[-1]["text"] == "".join(tokens)
        assert len([frame for frame in frames if frame["event"] == "stream_start"]) == 1
        assert len(gateway.gateway.sessions.all) <= 50


async def test_what_a_lost_client_never_got_is_not_remembered_as_heard() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["First sentence here. ", "X", gate.wait, " Second sentence here. ", "Third sentence here. "])
    async with serving(agent, resume_window_s=0.2, speaking_rate_cps=10_000) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go")
            await client.until("tts_ready_chunk")
            client.socket.transport.abort()
        (session,) = gateway.gateway.sessions.all
        await until(lambda: session.channel.connection is None)
        gate.set()
        conversation = client.session["conversation_id"]
        history: list[Any] = []
        async with asyncio.timeout(5):
            while len(history) < 2:  # until the session was given up, and its turn saved
                await asyncio.sleep(0.01)
                history = list(await gateway.gateway.store.history("local", conversation))
        assert [message["content"] for message in history] == ["go", "First sentence here."]


async def test_of_a_client_that_acknowledges_and_does_not_come_back_only_that_was_heard() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["First sentence here. ", "Second sentence here. ", "X", never.wait])
    async with serving(agent, resume_window_s=0.1, speaking_rate_cps=10_000) as gateway:
        async with gateway.client() as client:
            await client.send("ack", seq=0)
            await client.send("start_turn", message="go", captions=False)
            first = (await client.until("tts_ready_chunk"))[-1]
            await client.until("tts_ready_chunk")
            await client.send("ack", seq=first["seq"])
            await client.send("ping")
            await client.until("pong")
        await until(lambda: not gateway.gateway.sessions.all and agent.closed)
        page = await gateway.gateway.store.read("local", client.session["conversation_id"], limit=1)
        assert page is not None
        assert [message["content"] for message in page.turns[0].messages] == ["go", "First sentence here."]


# Playback


@asynccontextmanager
async def listener(gateway: Served) -> AsyncGenerator[Client, None]:
    """A client that promises playback reports."""
    async with connect(f"{gateway.url}?playback=true", compression=None) as socket:
        client = Client(socket)
        client.session = await client.frame()
        yield client


SENTENCES = [f"This is the sentence with number {number} of them. " for number in range(40)]


async def test_speech_outlasts_the_model_and_can_be_cut_to_the_character() -> None:
    agent = ScriptedAgent(SENTENCES[:5])
    async with serving(agent) as gateway, listener(gateway) as client:
        await client.send("start_turn", message="go", captions=False)
        frames = await client.until("reply_complete")
        chunks = [frame for frame in frames if frame["event"] == "tts_ready_chunk"]
        assert frames[-1]["chunks"] == len(chunks)
        assert agent.closed == 1
        await client.send("chunk_spoken", turn_id=frames[0]["turn_id"], index=0)
        heard = chunks[1]["text"].index("number") + len("num")
        await client.send("interrupt", heard={"index": 1, "chars": heard})
        cut = await client.frame()
        assert cut["event"] == "turn_interrupted"
        assert cut["heard_text"] == SENTENCES[0] + SENTENCES[1][:heard]
        agent.script = ["Fine."]
        await client.send("start_turn", message="next")
        await client.until("reply_complete")
        assert agent.seen[-1][1] == {"role": "assistant", "content": cut["heard_text"]}


async def test_without_a_word_of_the_client_nothing_runs_ahead_of_the_voice() -> None:
    async with serving(ScriptedAgent(SENTENCES), max_unspoken_chunks=3) as gateway, listener(gateway) as client:
        await client.send("start_turn", message="go", captions=False)
        turn_id = (await client.frame())["turn_id"]
        chunks = [await client.frame() for _ in range(3)]
        await client.send("ping")
        assert (await client.frame())["event"] == "pong"
        spoken = 0
        while True:
            await client.send("chunk_spoken", turn_id=turn_id, index=spoken)
            spoken += 1
            if spoken == len(chunks) and chunks[-1]["span"][1] >= len("".join(SENTENCES)) - 1:
                break
            if len(chunks) - spoken < 3 and chunks[-1]["span"][1] < len("".join(SENTENCES)) - 1:
                frame = await client.frame()
                if frame["event"] == "tts_ready_chunk":
                    chunks.append(frame)
            assert len(chunks) - spoken <= 3
        assert (await client.rest())[-1]["event"] == "stream_end"
        assert " ".join(chunk["text"] for chunk in chunks).count("number") == len(SENTENCES)
        assert len(chunks) < len(SENTENCES)


async def test_playback_survives_a_lost_connection() -> None:
    async with serving(ScriptedAgent(SENTENCES[:4])) as gateway:
        async with listener(gateway) as client:
            await client.send("start_turn", message="go", captions=False)
            frames = await client.until("reply_complete")
            turn_id = frames[0]["turn_id"]
        async with resuming(gateway, client.session, frames[-1]["seq"]) as again:
            await again.send("chunk_spoken", turn_id=turn_id, index=frames[-1]["chunks"] - 1)
            assert (await again.frame())["event"] == "stream_end"


# What a review found


async def test_of_two_resumes_at_once_one_connection_stays() -> None:
    async def breath() -> None:
        await asyncio.sleep(0.001)

    script: list[Any] = [step for word in words(3_000) for step in (word, breath)]
    async with serving(ScriptedAgent(script)) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go")
            await client.until("tts_ready_chunk")
        for _ in range(10):
            async with gateway.connect() as one, gateway.connect() as other:
                clients = [Client(one), Client(other)]
                for again in clients:
                    await again.send(
                        "resume",
                        session_id=client.session["session_id"],
                        resume_token=client.session["resume_token"],
                        last_seq=last_seq(client),
                    )
                codes = [asyncio.create_task(again.close_code()) for again in clients]
                done, pending = await asyncio.wait(codes, timeout=5, return_when=asyncio.FIRST_COMPLETED)
                assert [task.result() for task in done] == [1008]
                assert len(pending) == 1
                pending.pop().cancel()
        assert len(gateway.gateway.sessions.all) == 1


async def test_a_window_that_was_full_at_the_resume_has_room_again() -> None:
    agent = ScriptedAgent(words(6_000))
    async with serving(agent) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go")
            await client.until("stream_start")
            client.socket.transport.abort()
        await until_still(lambda: agent.pulled, pause_s=0.3)
        async with resuming(gateway, client.session, last_seq(client)) as again:
            assert (await again.rest())[-1]["event"] == "stream_end"


async def test_the_silence_of_a_client_that_is_away_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.message_processor.playback.SILENCE_GRACE_S", 0.5)
    async with serving(ScriptedAgent(SENTENCES[:4]), speaking_rate_cps=100_000.0) as gateway:
        async with listener(gateway) as client:
            await client.send("start_turn", message="go", captions=False)
            frames = await client.until("tts_ready_chunk")
            await client.send("chunk_spoken", turn_id=frames[0]["turn_id"], index=0)
            client.socket.transport.abort()
        (session,) = gateway.gateway.sessions.all
        await until(lambda: session.channel.connection is None)
        live = session.live_turn_id
        assert live is not None
        await asyncio.sleep(1.0)
        assert session.live_turn_id == live


async def test_to_resume_the_session_one_has_changes_nothing() -> None:
    async with serving(ScriptedAgent(["Hello."])) as gateway, gateway.client() as client:
        await client.send(
            "resume",
            session_id=client.session["session_id"],
            resume_token=client.session["resume_token"],
            last_seq=0,
        )
        assert (await client.frame())["recovered"] is True
        assert (await client.turn("still here?"))[-1]["event"] == "stream_end"
        assert len(gateway.gateway.sessions.all) == 1


async def test_a_lost_turn_is_told_of_also_when_the_turn_that_finds_it_is_cut_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = ScriptedAgent(["Yes."])
    async with serving(agent) as gateway, gateway.client() as client:
        store = gateway.gateway.store
        begun: asyncio.Future[TurnBegun] = asyncio.get_running_loop().create_future()
        with monkeypatch.context() as patch:
            patch.setattr(store, "begin_turn", lambda *arguments: begun)
            await client.send("start_turn", message="hello")
            await client.until("stream_start")
        (session,) = gateway.gateway.sessions.all
        first = session.live_turn_id
        await client.send("start_turn", message="no, wait", ref="next")
        await until(lambda: session.live_turn_id != first)
        begun.set_result(TurnBegun(started=True, history=[], lost=["an older turn"]))
        lost, cut = await client.rest()
        assert (lost["event"], lost["type"], "turn_id" in lost) == ("error", "turn_lost", False)
        assert (cut["event"], cut["reason"]) == ("turn_interrupted", "barge_in")
        assert [frame["event"] for frame in await client.rest()].count("error") == 0
        assert agent.opened == 1


async def test_a_session_that_broke_while_its_client_was_away_is_not_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["First sentence here. ", "X", gate.wait, " Second sentence here. "])
    async with serving(agent) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go")
            await client.until("tts_ready_chunk")
            client.socket.transport.abort()
        (session,) = gateway.gateway.sessions.all
        await until(lambda: session.channel.connection is None)

        def broken(event: object) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr(session.channel, "emit", broken)
        gate.set()
        await until(lambda: session.is_broken)
        async with resuming(gateway, client.session, last_seq(client)) as again:
            assert again.session["recovered"] is False
            assert again.session["conversation_id"] == client.session["conversation_id"]
            agent.script = ["Fine."]
            assert (await again.turn("and now?"))[-1]["event"] == "stream_end"
            assert session not in gateway.gateway.sessions.all


class Gone:
    """A connection that was lost before anything could be written to it."""

    async def send(self, frame: str) -> None:
        raise ClientGoneError

    async def taken_over(self) -> None:
        pass

    async def failed(self) -> None:
        pass


async def test_a_session_whose_client_is_lost_in_the_middle_of_its_return_is_not_kept_for_ever() -> None:
    async with serving(ScriptedAgent(["Hello."]), resume_window_s=1.0) as gateway:
        async with gateway.client() as client:
            pass
        (session,) = gateway.gateway.sessions.all
        await until(lambda: session.channel.connection is None)
        frame = Resume(client.session["session_id"], client.session["resume_token"], 0)
        with pytest.raises(ClientGoneError):
            await gateway.gateway.sessions.resume("local", frame, Gone(), playback=False)
        await until(lambda: not gateway.gateway.sessions.all)


async def test_the_clients_word_counts_for_a_chunk_whose_sending_has_not_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["First sentence here. ", "Second sentence here. ", never.wait])
    async with serving(agent) as gateway, gateway.client() as client:
        send = Outbox.send

        async def clogged(outbox: Outbox, frame: str) -> None:
            await send(outbox, frame)
            if "tts_ready_chunk" in frame:
                await never.wait()

        with monkeypatch.context() as patch:
            patch.setattr(Outbox, "send", clogged)
            await client.send("start_turn", message="go", captions=False)
            await client.until("tts_ready_chunk")
            await client.send("interrupt", heard={"index": 0, "chars": 5})
            (session,) = gateway.gateway.sessions.all
            await until(lambda: session.live_turn_id is None)
        never.set()
        assert (await client.rest())[-1]["heard_text"] == "First"


async def test_a_client_that_acknowledges_has_got_only_that_also_after_it_came_back_in_vain() -> None:
    more, never = asyncio.Event(), asyncio.Event()
    agent = ScriptedAgent(["The first sentence. ", more.wait, "The second one. ", "The third one. ", never.wait])
    async with serving(agent, speaking_rate_cps=1e6) as gateway:
        async with gateway.client() as client:
            await client.send("start_turn", message="go", captions=False)
            await client.until("tts_ready_chunk")
            await client.send("ack", seq=last_seq(client))
            await client.send("ping")
            await client.until("pong")
            client.socket.transport.abort()
        (session,) = gateway.gateway.sessions.all
        await until(lambda: session.channel.connection is None)
        more.set()
        await until(lambda: session.channel.last_seq > last_seq(client))
        async with resuming(gateway, client.session, last_seq(client)) as again:
            again.socket.transport.abort()  # what was written to it never arrived
        await until(lambda: session.channel.connection is None)
        gateway.gateway.sessions.close_soon(session.session_id, "disconnected")
        await until(lambda: not session.tasks)
        conversation = client.session["conversation_id"]
        await until_still(lambda: gateway.gateway.sessions.all)
        page = await gateway.gateway.store.read("local", conversation, limit=1)
        assert page is not None
        assert [message["content"] for message in page.turns[0].messages] == ["go", "The first sentence."]


async def test_nobody_attaches_to_a_session_that_ends() -> None:
    """Two connections resume while the first one is stuck: the one with a gap ends the session for the other."""
    agent = ScriptedAgent(["word " * 30 + "stop. "] * 5000)
    async with serving(agent) as gateway, connect(gateway.url, compression=None, max_queue=1) as socket:
        client = Client(socket)
        client.session = await client.frame()
        await client.send("start_turn", message="go", captions=False)
        await client.until("tts_ready_chunk")
        (session,) = gateway.gateway.sessions.all
        socket.transport.pause_reading()
        await until(lambda: session.channel._writing.locked())
        async with (
            resuming(gateway, client.session, 2**40) as gap,
            resuming(gateway, client.session, last_seq(client)) as other,
        ):
            assert gap.session["recovered"] is False
            assert session.channel.is_over
            assert session.channel.connection is None
            agent.script = ["Yes."]
            assert (await other.turn("are you there?"))[-1]["event"] == "stream_end"
        await until(lambda: not session.tasks)
        socket.transport.abort()


async def test_a_session_that_has_ended_begins_no_turn() -> None:
    agent = ScriptedAgent(["Yes."])
    async with serving(agent) as gateway, gateway.client() as client:
        (session,) = gateway.gateway.sessions.all
        gateway.gateway.sessions.close_soon(session.session_id, "resumed elsewhere")
        with pytest.raises(GatewayError, match="ended"):
            await session.start_turn(StartTurn(message="hello"))
        assert agent.opened == 0
        assert not session.tasks
        await client.send("ping")
        await client.until("pong")
