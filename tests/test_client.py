"""The Python client against a real gateway: turns, interrupts, and a network that does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat
from random import Random
from typing import Any

import aiohttp
import pytest
from doubles import ScriptedAgent, until, words
from proxy import Proxy
from serving import Served, serving
from websockets.asyncio.server import ServerConnection, serve

from gateway.client import (
    Caption,
    Chunk,
    Completed,
    Failed,
    GatewayUnavailableError,
    Interrupted,
    Notice,
    ToolCall,
    ToolResult,
    VoiceClient,
    backoff_delays,
)
from pipeline.errors import AgentError
from pipeline.events import StreamEnd
from pipeline.events import ToolCall as AgentToolCall
from pipeline.events import ToolResult as AgentToolResult
from pipeline.events import Usage as AgentUsage

SENTENCES = [f"This is the sentence with number {number} of them. " for number in range(40)]


def at_once() -> Iterator[float]:
    """Connect again without a pause, for a while."""
    return repeat(0.0, 200)


class Notices(list[Notice]):
    """What a client was told, by type."""

    @property
    def types(self) -> list[str]:
        return [notice.type for notice in self]


async def no_client_left() -> None:
    await until(lambda: not any(task.get_name() == "voice client" for task in asyncio.all_tasks()))


# Turns


async def test_a_conversation() -> None:
    agent = ScriptedAgent(["Hello there. ", "How are you? ", StreamEnd(usage=AgentUsage(3, 5))])
    async with serving(agent) as gateway, VoiceClient(gateway.url) as client:
        turn = await client.say("hi")
        chunks = [chunk async for chunk in turn]
        assert [chunk.text for chunk in chunks] == ["Hello there.", "How are you?"]
        assert chunks[1].index == 1
        assert chunks[1].span[1] <= len("Hello there. How are you? ")
        assert isinstance(turn.outcome, Completed)
        assert turn.outcome.text == "Hello there. How are you? "
        assert turn.outcome.timing.total_ms >= 0
        assert turn.outcome.usage is not None
        assert turn.outcome.usage.output_tokens == 5
        assert await turn.finished() is turn.outcome
        assert [chunk async for chunk in turn] == []
        assert [chunk.index async for chunk in await client.say("and?", lang="de")] == [0, 1]
        assert len(agent.seen[1]) == 3


async def test_captions_and_tools_come_in_their_order() -> None:
    agent = ScriptedAgent(["Let me see. ", AgentToolCall("c1", "look"), AgentToolResult("c1", "look", "ok"), "Found."])
    async with serving(agent) as gateway, VoiceClient(gateway.url) as client:
        turn = await client.say("look", captions=True)
        events = [event async for event in turn.events()]
        assert "".join(event.text for event in events if isinstance(event, Caption)) == "Let me see. Found."
        assert [event for event in events if not isinstance(event, Caption | Chunk)] == [
            ToolCall("c1", "look"),
            ToolResult("c1", "look", "ok"),
        ]
        assert [event.text for event in events if isinstance(event, Chunk)] == ["Let me see.", "Found."]


async def test_a_conversation_can_be_named_and_gone_on_with() -> None:
    agent = ScriptedAgent(["Fine. "])
    async with serving(agent) as gateway:
        async with VoiceClient(gateway.url, conversation_id="ours") as client:
            await (await client.say("one")).finished()
        async with VoiceClient(gateway.url) as client:
            assert client.conversation_id not in (None, "ours")
            await (await client.say("two", conversation_id="ours")).finished()
            await (await client.say("three")).finished()
            assert client.conversation_id == "ours"
        assert [len(messages) for messages in agent.seen] == [1, 3, 5]


async def test_an_interrupt_is_silence_at_once_and_cuts_to_the_character() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent([*SENTENCES[:3], gate.wait, *SENTENCES[3:]])
    async with serving(agent) as gateway, VoiceClient(gateway.url, playback=True) as client:
        turn = await client.say("go")
        first, second = await anext(turn), await anext(turn)
        await turn.spoken(first)
        heard = second.text.index("number") + len("num")
        waiting = asyncio.ensure_future(anext(turn, None))  # the third is here, or on its way
        await client.interrupt(heard=(second.index, heard))
        assert turn.outcome is None  # not a word of the gateway yet
        await waiting
        assert await anext(turn, None) is None
        outcome = await turn.finished()
        assert isinstance(outcome, Interrupted)
        assert outcome.heard_text == SENTENCES[0] + SENTENCES[1][:heard]
        assert outcome.reason == "user"
        await client.interrupt()  # harmless
        agent.script = ["Fine."]
        again = await client.say("next")
        async for chunk in again:
            await again.spoken(chunk)
        assert agent.seen[1][1] == {"role": "assistant", "content": outcome.heard_text}


async def test_an_interrupt_before_the_gateway_has_begun_the_turn() -> None:
    async with serving(ScriptedAgent(SENTENCES)) as gateway, VoiceClient(gateway.url) as client:
        turn = await client.say("go")
        await client.interrupt(reason="cough")
        assert turn.turn_id is None
        assert [chunk async for chunk in turn] == []
        outcome = await turn.finished()
        assert isinstance(outcome, Interrupted)
        assert outcome.reason == "cough"


async def test_barge_in_silences_the_turn_before() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent([*SENTENCES[:3], gate.wait])
    async with serving(agent) as gateway, VoiceClient(gateway.url) as client:
        before = await client.say("go")
        await anext(before)
        gate.set()
        agent.script = ["Now this."]
        turn = await client.say("no, that")
        assert await anext(before, None) is None
        assert [chunk.text async for chunk in turn] == ["Now this."]
        assert before.outcome is not None  # told before the next turn


async def test_playback_holds_the_gateway_back_and_ends_the_turn() -> None:
    agent = ScriptedAgent(SENTENCES)
    async with serving(agent, max_unspoken_chunks=3) as gateway, VoiceClient(gateway.url, playback=True) as client:
        turn = await client.say("go")
        spoken: list[Chunk] = []
        async for chunk in turn:
            assert len(turn.waiting) < 3
            assert turn.outcome is None
            spoken.append(chunk)
            await turn.spoken(chunk)
        assert isinstance(turn.outcome, Completed)
        assert " ".join(chunk.text for chunk in spoken).count("sentence") == len(SENTENCES)


async def test_a_long_reply_waits_for_an_app_that_does_not_take_it() -> None:
    agent = ScriptedAgent(list(words(20_000)))
    async with serving(agent) as gateway, VoiceClient(gateway.url) as client:
        turn = await client.say("go", captions=True)
        await anext(turn)
        pulled = -1
        while agent.pulled != pulled:  # until everything on the way is full
            pulled = agent.pulled
            await asyncio.sleep(0.1)
        assert agent.pulled < 4_000
        assert len(turn.waiting) <= 2_000
        await client.interrupt()
        assert isinstance(await turn.finished(), Interrupted)
        turn = await client.say("again", captions=True)
        captions = [event.text async for event in turn.events() if isinstance(event, Caption)]
        assert "".join(captions) == "".join(words(20_000))


async def test_few_but_large_frames_are_acknowledged_by_their_size() -> None:
    script = ["```\n", *["x = 1\n" * 10_000] * 40, "```\n"]  # code is shown, not spoken
    async with serving(ScriptedAgent(script)) as gateway, VoiceClient(gateway.url) as client:
        turn = await client.say("go", captions=True)
        async with asyncio.timeout(20):
            captions = [event.text async for event in turn.events() if isinstance(event, Caption)]
        assert "".join(captions) == "".join(script)


async def test_errors_are_outcomes() -> None:
    notices = Notices()
    agent = ScriptedAgent(["First sentence here. ", AgentError("No.", code="agent_timeout", retryable=True)])
    async with serving(agent) as gateway, VoiceClient(gateway.url, on_notice=notices.append) as client:
        turn = await client.say("go")
        assert [chunk.text async for chunk in turn] == ["First sentence here."]
        assert isinstance(turn.outcome, Failed)
        assert (turn.outcome.type, turn.outcome.retryable) == ("agent_timeout", True)
        assert turn.outcome.correlation_id
        refused = await (await client.say("x" * 9_000)).finished()
        assert isinstance(refused, Failed)
        assert refused.type == "frame_too_large"
        refused = await (await client.say("hi", lang="no language")).finished()
        assert isinstance(refused, Failed)
        assert "lang" in refused.error
        with pytest.raises(ValueError, match="blank"):
            await client.say(" ")
        never = asyncio.Event()
        agent.script = [never.wait]
        async with aiohttp.ClientSession(gateway.http_url) as http:
            body = {"thread_id": client.conversation_id, "message": "over HTTP"}
            request = asyncio.create_task(http.post("/chat", json=body))
            await until(lambda: agent.opened == 2)
            agent.script = ["Hello."]
            assert isinstance(await (await client.say("hi")).finished(), Completed)  # a barge-in
            assert (await request).status == 409
        agent.script = ["Fine."]
        assert isinstance(await (await client.say("hi")).finished(), Completed)
        assert notices == []


# Connections


async def test_nobody_there_and_a_wrong_key() -> None:
    with pytest.raises(GatewayUnavailableError) as nobody:
        async with VoiceClient("ws://127.0.0.1:9/ws"):
            pass
    assert (nobody.value.code, nobody.value.is_final) == (None, False)
    async with serving(ScriptedAgent(["Hello."]), api_keys={"k1": "ann"}) as gateway:
        with pytest.raises(GatewayUnavailableError, match="401") as refused:
            async with VoiceClient(gateway.url, key="wrong"):
                pass
        assert (refused.value.code, refused.value.is_final) == (401, True)
        async with VoiceClient(gateway.url, key="k1") as client:
            assert isinstance(await (await client.say("hi")).finished(), Completed)


async def test_something_else_that_speaks_websocket() -> None:
    async def echo(socket: ServerConnection) -> None:
        async for text in socket:
            await socket.send(f"you said {text!s}")

    async with serve(echo, "127.0.0.1", 0, subprotocols=["voice-turn.v1"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(GatewayUnavailableError, match="no voice-turn"):
            async with VoiceClient(f"ws://127.0.0.1:{port}"):
                pass


async def test_leaving_in_mid_turn_stops_it_and_leaves_no_task() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent([*SENTENCES[:2], gate.wait])
    async with serving(agent) as gateway:
        before = asyncio.all_tasks()
        with pytest.raises(ZeroDivisionError):
            async with VoiceClient(gateway.url) as client:
                turn = await client.say("go")
                await anext(turn)
                raise ZeroDivisionError
        await no_client_left()
        outcome = await turn.finished()
        assert isinstance(outcome, Failed | Interrupted)
        assert [chunk async for chunk in turn] == []
        with pytest.raises(GatewayUnavailableError, match="closed"):
            await client.say("more")
        await until(lambda: agent.closed)
        await until(lambda: not {t for t in asyncio.all_tasks() - before if "relay" not in t.get_name()})


async def test_a_cancelled_app_leaves_no_task() -> None:
    async with serving(ScriptedAgent([asyncio.Event().wait])) as gateway:

        async def app() -> None:
            async with VoiceClient(gateway.url) as client:
                async for _ in await client.say("go"):
                    pass

        running = asyncio.create_task(app())
        await until(lambda: gateway.gateway.sessions.all and gateway.gateway.sessions.all[0].tasks)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await no_client_left()


@pytest.mark.parametrize("seed", range(3))
async def test_cuts_in_mid_turn_lose_and_double_nothing(seed: int) -> None:
    random = Random(seed)
    tokens = list(words(1_000))

    async def breath() -> None:
        await asyncio.sleep(0.001)

    script: list[Any] = [step for token in tokens for step in (token, breath)]
    notices = Notices()
    async with serving(ScriptedAgent(script), max_sessions=50) as gateway, Proxy(gateway.address[1]) as proxy:

        async def cut() -> None:
            while True:
                await asyncio.sleep(random.choice([0.001, 0.01, 0.03]))
                proxy.cut()

        async with VoiceClient(proxy.url, delays=at_once, on_notice=notices.append) as client:
            cutting = asyncio.create_task(cut())
            turn = await client.say("go", captions=True)
            events = [event async for event in turn.events()]
            cutting.cancel()
            assert isinstance(turn.outcome, Completed)
            assert turn.outcome.text == "".join(tokens)
            assert "".join(event.text for event in events if isinstance(event, Caption)) == "".join(tokens)
            chunks = [event for event in events if isinstance(event, Chunk)]
            assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
            assert " ".join(chunk.text for chunk in chunks) == "".join(tokens).strip()
        assert notices.types.count("connection_resumed") > 10
        assert set(notices.types) == {"connection_lost", "connection_resumed"}


@pytest.mark.parametrize("seed", range(3))
async def test_commands_survive_cuts(seed: int) -> None:
    """Whatever was under way when the connection dropped has happened once, in its order."""
    random = Random(seed)
    agent = ScriptedAgent(SENTENCES[:4])
    async with serving(agent, max_sessions=50) as gateway, Proxy(gateway.address[1]) as proxy:
        said: list[str] = []
        async with VoiceClient(proxy.url, playback=True, delays=at_once) as client:
            for number in range(30):
                if random.random() < 0.5:
                    proxy.cut()
                said.append(f"message {number}")
                turn = await client.say(said[-1])
                if random.random() < 0.5:
                    proxy.cut()
                if random.random() < 0.3:
                    await client.interrupt()
                    if random.random() < 0.5:
                        proxy.cut()
                    assert isinstance(await turn.finished(), Interrupted)
                    continue
                async for chunk in turn:
                    await turn.spoken(chunk)
                    if random.random() < 0.2:
                        proxy.cut()
                assert isinstance(turn.outcome, Completed)
        heard = [message["content"] for message in agent.seen[-1] if message["role"] == "user"]
        assert heard == said[: len(heard)]
        assert len(heard) >= 29 or not agent.seen[-1]


async def test_what_is_said_while_the_connection_is_lost_is_said_after() -> None:
    pause = asyncio.Event()
    notices = Notices()

    def delays() -> Iterator[float]:
        pause.set()
        return repeat(0.01, 500)

    agent = ScriptedAgent(["Hello there."])
    async with (
        serving(agent) as gateway,
        Proxy(gateway.address[1]) as proxy,
        VoiceClient(proxy.url, delays=delays, on_notice=notices.append) as client,
    ):
        proxy.cut()
        await pause.wait()
        dropped = await client.say("never mind")
        turn = await client.say("are you there?")
        assert [chunk.text async for chunk in turn] == ["Hello there."]
        assert isinstance(await dropped.finished(), Interrupted | Completed)
        assert notices.types == ["connection_lost", "connection_resumed"]
        assert agent.seen[-1][-1] == {"role": "user", "content": "are you there?"}


async def test_a_session_that_is_gone_fails_its_turn_and_the_conversation_goes_on() -> None:
    gate = asyncio.Event()
    notices = Notices()
    agent = ScriptedAgent(["First sentence here. ", gate.wait])
    async with (
        serving(agent, resume_window_s=0) as gateway,
        Proxy(gateway.address[1]) as proxy,
        VoiceClient(proxy.url, delays=lambda: repeat(0.05, 50), on_notice=notices.append) as client,
    ):
        turn = await client.say("go")
        await anext(turn)
        conversation = client.conversation_id
        proxy.cut()
        outcome = await turn.finished()
        assert isinstance(outcome, Failed)
        assert (outcome.type, outcome.retryable) == ("session_lost", True)
        assert await anext(turn, None) is None
        agent.script = ["Still here."]
        again = await client.say("hello?")
        assert [chunk.text async for chunk in again] == ["Still here."]
        assert client.conversation_id == conversation
        assert [message["content"] for message in agent.seen[-1] if message["role"] == "user"] == ["go", "hello?"]
        assert notices.types == ["connection_lost", "session_lost"]


async def test_a_restart_of_the_gateway_is_a_new_session_on_the_same_conversation() -> None:
    notices = Notices()
    agent = ScriptedAgent(["Hello there."])
    serving_first = serving(agent)
    gateway = await serving_first.__aenter__()
    async with VoiceClient(gateway.url, delays=lambda: repeat(0.02, 500), on_notice=notices.append) as client:
        await (await client.say("one")).finished()
        conversation = client.conversation_id
        stopping = asyncio.create_task(serving_first.__aexit__(None, None, None))
        await until(lambda: notices)
        assert notices[0].type == "connection_lost"
        assert "1012" in notices[0].text
        await stopping
        said = await client.say("two")  # while there is nobody
        async with serving(agent, port=gateway.address[1]) as again:
            assert again.address == gateway.address
            assert isinstance(await said.finished(), Completed)
            assert client.conversation_id == conversation
            assert notices.types == ["connection_lost", "session_lost"]


async def test_a_session_taken_over_is_not_taken_back() -> None:
    notices = Notices()
    async with (
        serving(ScriptedAgent([asyncio.Event().wait])) as gateway,
        VoiceClient(gateway.url, delays=at_once, on_notice=notices.append) as client,
    ):
        turn = await client.say("go")
        (session,) = gateway.gateway.sessions.all
        await _take_over(gateway, client)
        outcome = await turn.finished()
        assert isinstance(outcome, Failed)
        assert (outcome.type, outcome.retryable) == ("connection_failed", False)
        with pytest.raises(GatewayUnavailableError, match="taken over") as gone:
            await client.say("hello?")
        assert gone.value.code == 1008
        assert notices.types == ["connection_failed"]
        assert session in gateway.gateway.sessions.all


async def _take_over(gateway: Served, client: VoiceClient) -> None:
    async with VoiceClient(gateway.url) as thief:
        thief._resume = client._resume
        await (await thief._connect()).close()


async def test_a_gateway_that_stays_away_is_given_up() -> None:
    tries = iter([0.0] * 5)
    notices = Notices()
    async with serving(ScriptedAgent([asyncio.Event().wait])) as gateway:
        async with (
            Proxy(gateway.address[1]) as proxy,
            VoiceClient(proxy.url, delays=lambda: tries, on_notice=notices.append) as client,
        ):
            turn = await client.say("go")
            proxy._server.close()
            proxy.cut()
            outcome = await turn.finished()
            assert isinstance(outcome, Failed)
            assert (outcome.type, outcome.retryable) == ("connection_failed", True)
            assert list(tries) == []
            with pytest.raises(GatewayUnavailableError):
                await client.say("hello?")
        assert notices.types == ["connection_lost", "connection_failed"]


async def test_a_resume_that_comes_late_is_told_from_one_that_fails() -> None:
    """The gateway opens a session of its own when no `resume` comes in time; only the last `session` counts."""
    sent: list[list[str]] = []
    opening = '"session_id":"s","resume_token":"t","last_seq":0,"conversation_id":"c"'

    def session(recovered: str) -> str:
        return f'{{"event":"session","recovered":{recovered},{opening}}}'

    answers = [
        [session("false")],
        [session("false"), session("true")],
        [session("false"), session("false")],
        [session("false")],
    ]
    notices = Notices()
    pong = '{"event":"pong","t":"session"}'

    async def gateway(socket: ServerConnection) -> None:
        if answers:
            for frame in (*answers.pop(0), pong):
                await socket.send(frame)
            sent.append([str(await socket.recv()) for _ in range(2)])
            if answers:
                socket.transport.abort()
                return
        await socket.wait_closed()

    async with serve(gateway, "127.0.0.1", 0, subprotocols=["voice-turn.v1"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        async with VoiceClient(f"ws://127.0.0.1:{port}", delays=at_once, on_notice=notices.append):
            await until(lambda: notices.types.count("session_lost") == 2)
    assert [name for name in notices.types if name != "connection_lost"] == [
        "connection_resumed",
        "session_lost",
        "session_lost",
    ]
    assert ['"ping"' in first for first, _ in sent] == [True, False, False, False]


def test_the_pauses_grow_up_to_a_bound_and_end() -> None:
    assert list(backoff_delays(6, base_s=0.25, cap_s=2.0, rng=lambda: 1.0)) == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    assert all(0 <= delay <= 10 for delay in backoff_delays())
    assert 0 < len(list(backoff_delays())) < 100
    with suppress(StopIteration):
        assert next(backoff_delays(rng=lambda: 0.0)) == 0
