"""One connection, over a real socket against real uvicorn."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest
from doubles import ScriptedAgent, StubbornAgent, until, until_still, words
from fake_model import FakeModel, Reply
from serving import Client, serving
from test_conversation_routes import ask
from websockets.exceptions import InvalidStatus

from pipeline.agent.run_config import RunConfig
from pipeline.agent.run_processor import Run
from pipeline.errors import AgentError
from pipeline.events import ToolCall, ToolResult


def check_turn(frames: list[dict[str, Any]]) -> None:
    assert frames[0]["event"] == "stream_start"
    assert {frame["turn_id"] for frame in frames} == {frames[0]["turn_id"]}
    seqs = [frame["seq"] for frame in frames]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    chunks = [frame for frame in frames if frame["event"] == "tts_ready_chunk"]
    assert [chunk["index"] for chunk in chunks] == list(range(len(chunks)))


def spoken(frames: list[dict[str, Any]]) -> str:
    return " ".join(frame["text"] for frame in frames if frame["event"] == "tts_ready_chunk")


# A conversation


async def test_the_first_frame_is_the_session() -> None:
    async with serving() as gateway, gateway.connect() as socket:
        frame = json.loads(await socket.recv())
        assert socket.subprotocol == "voice-turn.v1"
        assert frame.keys() == {
            "event", "session_id", "resume_token", "recovered", "last_seq", "conversation_id", "limits",
        }  # fmt: skip
        assert frame["recovered"] is False
        assert frame["limits"].keys() == {
            "max_message_chars", "max_frame_bytes", "max_unspoken_chunks", "resume_window_s",
        }  # fmt: skip


async def test_a_conversation_with_the_offline_agent() -> None:
    async with serving() as gateway, gateway.client() as client:
        frames = await client.turn("What is 17 times 3?", ref="r1")
        check_turn(frames)
        assert frames[0]["ref"] == "r1"
        assert frames[0]["conversation_id"] == client.session["conversation_id"]
        assert frames[-1]["event"] == "stream_end"
        assert "51" in frames[-1]["text"]
        captions = "".join(frame["text"] for frame in frames if frame["event"] == "stream_token")
        assert captions == frames[-1]["text"]
        assert frames[-1]["timing"].keys() == {"first_token_ms", "first_chunk_ms", "total_ms"}
        chunk = next(frame for frame in frames if frame["event"] == "tts_ready_chunk")
        assert {"turn_id", "index", "text", "span", "boundary"} <= chunk.keys()
        follow_up = await client.turn("Count to 3", captions=False)
        check_turn(follow_up)
        assert "stream_token" not in {frame["event"] for frame in follow_up}
        assert follow_up[0]["seq"] == frames[-1]["seq"] + 1


async def test_tools_are_told_without_arguments_or_output() -> None:
    agent = ScriptedAgent(["Let me look.", ToolCall("c1", "clock"), ToolResult("c1", "clock", "ok"), " Noon."])
    async with serving(agent) as gateway, gateway.client() as client:
        frames = await client.turn("time?", captions=False)
        check_turn(frames)
        call, result = (frame for frame in frames if frame["event"].startswith("tool"))
        assert (call["tool_call_id"], call["name"]) == ("c1", "clock")
        assert (result["tool_call_id"], result["name"], result["status"]) == ("c1", "clock", "ok")


async def test_a_provider_that_fails_ends_the_turn_and_not_the_connection() -> None:
    agent = ScriptedAgent(["It is. And", AgentError("The model fell silent.", code="agent_timeout", retryable=True)])
    async with serving(agent) as gateway, gateway.client() as client:
        frames = await client.turn("hello")
        check_turn(frames)
        error = frames[-1]
        assert (error["type"], error["error"], error["retryable"]) == (
            "agent_timeout",
            "The model fell silent.",
            True,
        )
        assert error["correlation_id"]
        assert spoken(frames) == "It is. And"
        assert (await client.turn("again"))[-1]["event"] == "error"


async def test_the_agent_sees_the_conversation_and_of_a_cut_answer_only_what_was_heard() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["One two three. Four five six. ", "x"])
    async with serving(agent) as gateway, gateway.client() as client:
        await client.turn("first")
        agent.script = ["Seven eight nine. Ten. ", never.wait]
        await client.send("start_turn", message="second", captions=False)
        chunk = (await client.until("tts_ready_chunk"))[-1]
        await client.send("interrupt", heard={"index": 0, "chars": chunk["text"].index("eight") + 5})
        interrupted = (await client.rest())[-1]
        assert interrupted["heard_text"] == "Seven eight"
        assert interrupted["unheard_chars"] > 0
        agent.script = ["Nothing of this is heard. ", never.wait]
        await client.send("start_turn", message="third")
        await client.until("tts_ready_chunk")
        await client.send("interrupt", heard={"index": 0, "chars": 0})
        assert (await client.rest())[-1]["heard_text"] == ""
        agent.script = ["Bye."]
        await client.turn("fourth")
        assert agent.seen[-1] == [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "One two three. Four five six. x"},
            {"role": "user", "content": "second"},
            {"role": "assistant", "content": "Seven eight"},
            {"role": "user", "content": "third"},
            {"role": "user", "content": "fourth"},
        ]


async def test_a_conversation_goes_on_by_its_id_and_only_for_its_owner() -> None:
    agent = ScriptedAgent(["Yes."])
    keys = {"k1": "ann", "k2": "bob"}
    async with serving(agent, api_keys=keys) as gateway:
        ann = {"additional_headers": {"Authorization": "Bearer k1"}}
        async with gateway.client(**ann) as client:
            await client.turn("remember me")
            conversation = client.session["conversation_id"]
        async with gateway.client(**ann) as client:
            frames = await client.turn("who am I?", conversation_id=conversation)
            assert frames[0]["conversation_id"] == conversation
            assert [message["content"] for message in agent.seen[-1]] == ["remember me", "Yes.", "who am I?"]
        async with gateway.client(additional_headers={"Authorization": "Bearer k2"}) as client:
            await client.turn("and I?", conversation_id=conversation)
            assert [message["content"] for message in agent.seen[-1]] == ["and I?"]


async def test_a_turn_may_be_cut_and_spoken_differently() -> None:
    agent = ScriptedAgent(["It costs $5. Really.\n\n", "```python\nprint()\n```\n", "(winks) Bye."])
    async with serving(agent) as gateway, gateway.client() as client:
        usual = spoken(await client.turn("go", captions=False))
        assert usual == "It costs five dollars. Really. Python code, 1 line. (winks) Bye."
        options = {"profile": "sentence", "normalise": "off", "code": "skip", "emotions": {"winks": "playful"}}
        frames = await client.turn("go", captions=False, speech=options)
        chunks = [frame for frame in frames if frame["event"] == "tts_ready_chunk"]
        assert [chunk["text"] for chunk in chunks] == ["It costs $5.", "Really.", "Bye."]
        assert chunks[-1]["emotion"] == "playful"
        assert spoken(await client.turn("go", captions=False)) == usual


# Interrupts


async def test_a_second_start_turn_is_a_barge_in() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["A long story. It begins. ", never.wait])
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("start_turn", message="tell me a story", ref="a")
        await client.until("tts_ready_chunk")
        agent.script = ["Of course."]
        await client.send("start_turn", message="stop, something else", ref="b")
        first = await client.rest()
        assert (first[-1]["event"], first[-1]["reason"]) == ("turn_interrupted", "barge_in")
        second = await client.rest()
        check_turn(second)
        assert second[0]["ref"] == "b"
        assert second[-1]["event"] == "stream_end"


async def test_on_busy_reject_leaves_the_live_turn_alone() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", gate.wait, "Bye."])
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("start_turn", message="hello")
        await client.until("stream_token")
        await client.send("start_turn", message="no", on_busy="reject", ref="r2")
        error = (await client.until("error"))[-1]
        assert (error["type"], error["retryable"]) == ("turn_in_progress", True)
        assert "turn_id" not in error
        gate.set()
        assert (await client.rest())[-1]["event"] == "stream_end"
        assert (await client.turn("now", on_busy="reject", ref="r2"))[-1]["event"] == "stream_end"


async def test_a_repeated_ref_starts_nothing_new() -> None:
    agent = ScriptedAgent(["Yes."])
    async with serving(agent) as gateway, gateway.client() as client:
        await client.turn("hello", ref="same")
        await client.send("start_turn", message="hello", ref="same")
        await client.send("ping", t="after")
        assert await client.frame() == {"event": "pong", "t": "after"}
        assert agent.opened == 1


async def test_start_then_interrupt_in_one_breath_stops_that_turn() -> None:
    never = asyncio.Event()
    async with serving(ScriptedAgent(["Hi. ", never.wait])) as gateway, gateway.client() as client:
        await client.send("start_turn", message="hello")
        await client.send("interrupt")
        frames = await client.rest()
        check_turn(frames)
        assert frames[-1]["event"] == "turn_interrupted"


async def test_interrupts_that_come_too_late_change_nothing() -> None:
    async with serving(ScriptedAgent(["Done."])) as gateway, gateway.client() as client:
        await client.send("interrupt")
        turn_id = (await client.turn("hello"))[0]["turn_id"]
        await client.send("interrupt", turn_id=turn_id)
        await client.send("chunk_spoken", turn_id=turn_id, index=0)
        await client.send("ack", seq=3)
        await client.send("ping")
        assert await client.frame() == {"event": "pong"}


async def test_two_hundred_interrupts_at_random_moments() -> None:
    random = Random(11)
    async with FakeModel(Reply(list(words(300)), piece_delay_s=0.001)) as model:
        agent = Run.open(RunConfig(model="m"), base_url=model.url)
        async with serving(agent) as gateway, gateway.client() as client:
            for number in range(200):
                await client.send("start_turn", message=f"go {number}", captions=number % 2 == 0)
                frames = [await client.frame() for _ in range(random.randrange(1, 12))]
                assert "stream_end" not in {frame["event"] for frame in frames}
                await client.send("interrupt", turn_id=frames[0]["turn_id"])
                frames += await client.rest()
                check_turn(frames)
                assert frames[-1]["event"] == "turn_interrupted"
                await until(lambda: model.open_requests == 0)
            (session,) = gateway.gateway.sessions.all
            assert not session.tasks
            assert (await client.turn("the next at once"))[0]["event"] == "stream_start"
        await agent.aclose()


async def test_the_models_stream_is_closed_when_the_client_does_not_come_back() -> None:
    async with FakeModel(Reply(list(words(10_000)), piece_delay_s=0.001)) as model:
        agent = Run.open(RunConfig(model="m"), base_url=model.url)
        async with serving(agent, resume_window_s=0.1) as gateway:
            async with gateway.client() as client:
                await client.send("start_turn", message="go")
                await client.until("tts_ready_chunk")
                assert model.open_requests == 1
            await until(lambda: model.open_requests == 0)
            await until(lambda: not gateway.gateway.sessions.all)
        await agent.aclose()


async def test_an_agent_that_ignores_cancellation_stops_neither_the_ack_nor_the_next_turn() -> None:
    agent = StubbornAgent()
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("start_turn", message="think")
        await until(agent.busy.is_set)
        await client.send("interrupt")
        await client.send("ping", t=1)
        frames = await client.rest()
        check_turn([frame for frame in frames if frame["event"] != "pong"])
        assert frames[-1]["event"] == "turn_interrupted"
        await client.send("start_turn", message="again")
        assert (await client.until("stream_start"))[-1]["turn_id"] != frames[0]["turn_id"]
        agent.release.set()
        after = await client.rest()
        assert {frame["turn_id"] for frame in after if "turn_id" in frame} == {after[-1]["turn_id"]}


# Slow and rude clients


async def test_a_client_that_does_not_read_stops_the_agent_and_is_closed_as_too_slow() -> None:
    agent = ScriptedAgent(words(100_000))
    async with (
        serving(agent, write_timeout_s=0.5, resume_window_s=0.5) as gateway,
        gateway.client(max_queue=1) as client,
    ):
        client.socket.transport.pause_reading()
        await client.send("start_turn", message="talk on and on")
        await until(lambda: agent.closed == 1)
        assert agent.pulled < 50_000
        client.socket.transport.resume_reading()
        assert await client.close_code() == 1013


async def test_an_interrupt_by_a_client_that_does_not_read() -> None:
    agent = ScriptedAgent(words(100_000))
    async with serving(agent, write_timeout_s=30.0) as gateway, gateway.client(max_queue=1) as client:
        client.socket.transport.pause_reading()
        await client.send("start_turn", message="talk on and on")
        pulled = await until_still(lambda: agent.pulled)
        await client.send("interrupt")
        await until(lambda: agent.closed == 1)
        client.socket.transport.resume_reading()
        frames = await client.rest()
        check_turn(frames)
        assert frames[-1]["event"] == "turn_interrupted"
        assert agent.pulled <= pulled + 2
        agent.script = ["Fine."]
        assert (await client.turn("and now"))[-1]["event"] == "stream_end"


async def test_many_turns_at_once_are_each_begun_and_ended() -> None:
    async with serving(ScriptedAgent(words(1_000))) as gateway, gateway.client() as client:
        for number in range(40):
            await client.send("start_turn", message="now", ref=str(number))
        for number in range(40):
            frames = await client.rest()
            check_turn(frames)
            assert frames[0]["ref"] == str(number)


BAD_FRAMES = [
    ("{", "malformed_frame", "JSON"),
    ("[]", "malformed_frame", "object"),
    ("3", "malformed_frame", "object"),
    ("", "malformed_frame", "JSON"),
    ("[" * 20_000, "malformed_frame", ""),
    ('{"event": "start_turn", "message": ' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "}", "malformed_frame", "message"),
    ("{}", "malformed_frame", "event"),
    ('{"event": "sing"}', "unknown_frame", "start_turn"),
    ('{"event": 7}', "unknown_frame", "start_turn"),
    ('{"event": "start_turn"}', "malformed_frame", "message"),
    ('{"event": "start_turn", "message": 7}', "malformed_frame", "message: expected str, got int"),
    ('{"event": "start_turn", "message": " \\n "}', "malformed_frame", "message"),
    ('{"event": "start_turn", "message": "\\ud800"}', "malformed_frame", ""),
    ('{"event": "start_turn", "message": "hi", "colour": 1}', "malformed_frame", "colour"),
    ('{"event": "start_turn", "message": "hi", "on_busy": "panic"}', "malformed_frame", "on_busy"),
    ('{"event": "start_turn", "message": "hi", "lang": "not a language"}', "malformed_frame", "lang"),
    ('{"event": "start_turn", "message": "hi", "captions": "yes"}', "malformed_frame", "captions"),
    ('{"event": "start_turn", "message": "hi", "speech": {"profile": "loud"}}', "malformed_frame", "profile"),
    ('{"event": "start_turn", "message": "hi", "speech": {"code": "sing"}}', "malformed_frame", "code"),
    ('{"event": "start_turn", "message": "hi", "speech": {"max_chars": 3}}', "malformed_frame", "max_chars"),
    ('{"event": "start_turn", "message": "hi", "speech": {"volume": 3}}', "malformed_frame", "speech.volume"),
    ('{"event": "start_turn", "message": "' + "x" * 8_001 + '"}', "frame_too_large", "message"),
    ('{"event": "interrupt", "turn_id": "nobody"}', "turn_not_found", "turn"),
    ('{"event": "interrupt", "heard": {"index": -1}}', "malformed_frame", "heard.index"),
    ('{"event": "interrupt", "heard": {"index": 0, "words": 1}}', "malformed_frame", "heard.words"),
    ('{"event": "chunk_spoken", "turn_id": "nobody", "index": 0}', "turn_not_found", "turn"),
    ('{"event": "chunk_spoken", "turn_id": "nobody"}', "malformed_frame", "index"),
    ('{"event": "ack", "seq": 99999999999999999999999999}', "malformed_frame", "seq"),
    ('{"event": "resume", "session_id": "x"}', "malformed_frame", "resume_token"),
    (b"\x00\x01", "malformed_frame", "text"),
]


async def test_bad_input_is_explained_and_the_connection_goes_on() -> None:
    async with serving(ScriptedAgent(["Yes."])) as gateway, gateway.client() as client:
        for data, code, names in BAD_FRAMES:
            await client.socket.send(data)
            error = await client.frame()
            assert (error["event"], error["type"]) == ("error", code), data[:80]
            assert names in error["error"], data[:80]
            assert error["correlation_id"]
            assert error["retryable"] is False
            await client.send("ping")
            assert (await client.frame())["event"] == "pong"
        assert (await client.turn("still there?"))[-1]["event"] == "stream_end"


async def test_bad_input_does_not_disturb_a_live_turn() -> None:
    gate = asyncio.Event()
    async with serving(ScriptedAgent(["Hello. ", gate.wait, "Bye."])) as gateway, gateway.client() as client:
        await client.send("start_turn", message="hi")
        await client.until("stream_token")
        await client.socket.send("nonsense")
        assert "turn_id" not in (await client.until("error"))[-1]
        gate.set()
        assert (await client.rest())[-1]["event"] == "stream_end"
        seqs = [frame["seq"] for frame in client.frames[1:]]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_ten_bad_frames_in_a_row_end_the_connection() -> None:
    async with serving() as gateway, gateway.client() as client:
        for _ in range(9):
            await client.socket.send("nonsense")
        await client.send("ping")
        for _ in range(9):
            await client.socket.send("nonsense")
        assert (await client.until("pong"))[-1]["event"] == "pong"
        await client.socket.send("nonsense")
        assert await client.close_code() == 1008
        assert [frame["event"] for frame in client.frames].count("error") == 19


async def test_a_frame_over_the_limit_closes_with_1009() -> None:
    async with serving() as gateway, gateway.client() as client:
        await client.socket.send("x" * 65_537)
        assert await client.close_code() == 1009


async def test_a_bug_of_ours_is_told_and_closes_with_1011(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as gateway, gateway.client() as client:
        (session,) = gateway.gateway.sessions.all

        def broken(frame: object) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr(session, "interrupt", broken)
        await client.send("interrupt")
        error = await client.frame()
        assert (error["type"], "secret" in error["error"]) == ("internal_error", False)
        assert await client.close_code() == 1011


# Who may connect


async def refused(client: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as caught:
        async with client:
            pass
    body: dict[str, Any] = json.loads(caught.value.response.body or b"")
    return caught.value.response.status_code, body


async def test_keys_by_header_or_subprotocol() -> None:
    async with serving(api_keys={"s3cret": "ann"}) as gateway:
        async with gateway.client(additional_headers={"Authorization": "Bearer s3cret"}):
            pass
        async with gateway.connect(subprotocols=["voice-turn.v1", "bearer.s3cret"]) as socket:
            assert socket.subprotocol == "voice-turn.v1"
        for options in (
            {},
            {"additional_headers": {"Authorization": "Bearer wrong"}},
            {"additional_headers": {"Authorization": "Basic s3cret"}},
            {"subprotocols": ["voice-turn.v1", "bearer.wrong"]},
        ):
            status, body = await refused(gateway.connect(**options))
            assert (status, body["event"], body["type"]) == (401, "error", "unauthorized")


@pytest.mark.parametrize(
    ("allowed", "origin", "accepted"),
    [
        ((), None, True),
        ((), "same", True),
        ((), "https://evil.example", False),
        ((), "null", False),
        (("https://app.example",), "https://app.example", True),
        (("https://app.example",), "https://app.example.evil.example", False),
        (("https://app.example",), "http://app.example", False),
        (("https://app.example",), "same", True),
    ],
)
async def test_browser_origins(allowed: tuple[str, ...], origin: str | None, accepted: bool) -> None:
    async with serving(allowed_origins=allowed) as gateway:
        options = {} if origin is None else {"origin": gateway.http_url if origin == "same" else origin}
        if accepted:
            async with gateway.client(**options):
                pass
        else:
            status, body = await refused(gateway.connect(**options))
            assert (status, body["type"]) == (403, "forbidden")


async def test_a_page_is_told_why_its_handshake_is_refused() -> None:
    async with serving(api_keys={"k1": "ann", "k2": "bob"}, max_sessions=1) as gateway:
        assert (await ask(gateway, "/ws", "OPTIONS", Origin="https://evil.example")).status == 204
        free = await ask(gateway, "/ws", "POST", "k1", Origin=gateway.http_url)
        assert (free.status, free.text) == (204, "")
        async with gateway.client(additional_headers={"Authorization": "Bearer k1"}):
            for key, origin, status, code in [
                (None, gateway.http_url, 401, "unauthorized"),
                ("wrong", gateway.http_url, 401, "unauthorized"),
                ("k1", "https://evil.example", 403, "forbidden"),
                ("k2", gateway.http_url, 503, "full"),
            ]:
                reply = await ask(gateway, "/ws", "POST", key, Origin=origin)
                assert (reply.status, reply.json["type"]) == (status, code)
                assert reply.headers["access-control-allow-origin"] == "*"
                assert "access-control-allow-credentials" not in reply.headers


async def test_without_keys_a_foreign_host_name_is_refused() -> None:
    # A page that points its own name at this machine has the same origin as the host it asks for.
    handshake = (
        "GET /ws HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving() as gateway:
        reader, writer = await asyncio.open_connection(*gateway.address)
        writer.write(handshake.encode())
        answer = (await reader.read()).decode()
        writer.close()
        assert answer.startswith("HTTP/1.1 403 ")
        assert '"forbidden"' in answer


async def test_a_foreign_subprotocol_is_refused_and_none_is_fine() -> None:
    async with serving() as gateway:
        status, body = await refused(gateway.connect(subprotocols=["voice-turn.v9"]))
        assert (status, body["type"]) == (400, "bad_subprotocol")
        async with gateway.client(subprotocols=None) as client:
            assert client.socket.subprotocol is None


async def test_a_full_gateway_says_so() -> None:
    keys = {"k1": "ann", "k2": "bob"}
    ann, bob = ({"additional_headers": {"Authorization": f"Bearer {key}"}} for key in keys)
    async with serving(max_sessions=1, api_keys=keys) as gateway, gateway.client(**ann) as client:
        status, body = await refused(gateway.connect(**bob))
        assert (status, body["type"], body["retryable"]) == (503, "full", True)
        async with gateway.connect(**ann) as socket:  # might come to resume the session there is
            assert await Client(socket).close_code() == 1013
        async with gateway.connect(**ann) as socket:  # the same, when it does not wait for its session
            assert await (await Client(socket).send("start_turn", message="hello")).close_code() == 1013
            assert "full" in socket.close_reason
        async with gateway.connect(**ann) as socket:
            again = Client(socket)
            await again.send(
                "resume",
                session_id=client.session["session_id"],
                resume_token=client.session["resume_token"],
                last_seq=0,
            )
            assert (await again.frame())["recovered"] is True


# Shutdown


async def test_a_stop_lets_the_live_turn_end_and_takes_no_new_one() -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", gate.wait, "Bye."])
    async with serving(agent, drain_timeout_s=20) as gateway, gateway.client() as idle, gateway.client() as client:
        await client.send("start_turn", message="hi")
        await client.until("stream_token")
        gateway.server.should_exit = True
        assert await idle.close_code() == 1012
        await client.send("start_turn", message="one more", ref="x")
        error = (await client.until("error"))[-1]
        assert (error["type"], error["retryable"]) == ("shutting_down", True)
        gate.set()
        assert (await client.rest())[-1]["event"] == "stream_end"
        assert await client.close_code() == 1012


async def test_a_turn_that_outlasts_the_stop_is_cut_off() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", never.wait])
    async with serving(agent, drain_timeout_s=0.1) as gateway, gateway.client() as client:
        await client.send("start_turn", message="hi")
        await client.until("stream_token")
        gateway.server.should_exit = True
        assert await client.close_code() == 1012
        await until(lambda: agent.closed == 1)
