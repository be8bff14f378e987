"""The native wire protocol, without a socket."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.errors import FrameError
from gateway.wire.native import (
    Ack,
    ChunkSpoken,
    HeardPosition,
    Interrupt,
    NativeCodec,
    Ping,
    Pong,
    Resume,
    StartTurn,
)
from pipeline.events import (
    Error,
    ReplyComplete,
    StreamEnd,
    StreamStart,
    StreamToken,
    Timing,
    ToolCall,
    ToolResult,
    TTSReadyChunk,
    TurnEvent,
    TurnInterrupted,
    Usage,
)

CODEC = NativeCodec(max_message_chars=100)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"event":"start_turn","message":"hi"}', StartTurn("hi")),
        (
            '{"event":"start_turn","message":"hi","conversation_id":"c","ref":"r","captions":false,"lang":"pt-BR"}',
            StartTurn("hi", "c", "r", False, "pt-BR"),
        ),
        ('{"event":"start_turn","message":"hi","on_busy":"reject"}', StartTurn("hi", on_busy="reject")),
        ('{"event":"interrupt"}', Interrupt()),
        (
            '{"event":"interrupt","turn_id":"t","heard":{"index":3,"chars":12},"reason":"cough"}',
            Interrupt("t", HeardPosition(3, 12), "cough"),
        ),
        ('{"event":"chunk_spoken","turn_id":"t","index":0}', ChunkSpoken("t", 0)),
        ('{"event":"ack","seq":5}', Ack(5)),
        ('{"event":"resume","session_id":"s","resume_token":"k","last_seq":9}', Resume("s", "k", 9)),
        ('{"event":"ping"}', Ping()),
        ('{"event":"ping","t":1.5}', Ping(1.5)),
        ('{"t":"x","event":"ping"}', Ping("x")),
    ],
)
def test_every_client_frame(text: str, frame: object) -> None:
    assert CODEC.decode(text) == frame


SERVER_FRAMES: list[tuple[TurnEvent, dict[str, Any]]] = [
    (StreamStart("t", "c"), {"event": "stream_start", "turn_id": "t", "conversation_id": "c"}),
    (StreamStart("t", "c", "r"), {"event": "stream_start", "turn_id": "t", "conversation_id": "c", "ref": "r"}),
    (StreamToken("hé", "t"), {"event": "stream_token", "text": "hé", "turn_id": "t"}),
    (
        TTSReadyChunk("t", 2, "Hi.", (4, 9), "sentence", "en", "happy"),
        {
            "event": "tts_ready_chunk",
            "turn_id": "t",
            "index": 2,
            "text": "Hi.",
            "span": [4, 9],
            "boundary": "sentence",
            "lang": "en",
            "emotion": "happy",
        },
    ),
    (
        TTSReadyChunk("t", 0, "Hi.", (0, 3), "end"),
        {"event": "tts_ready_chunk", "turn_id": "t", "index": 0, "text": "Hi.", "span": [0, 3], "boundary": "end"},
    ),
    (
        ToolCall("1", "clock", "t"),
        {"event": "tool_call", "tool_call_id": "1", "name": "clock", "turn_id": "t"},
    ),
    (
        ToolResult("1", "clock", "error", "t"),
        {"event": "tool_result", "tool_call_id": "1", "name": "clock", "status": "error", "turn_id": "t"},
    ),
    (ReplyComplete("t", 4), {"event": "reply_complete", "turn_id": "t", "chunks": 4}),
    (
        StreamEnd("t", "", Timing(None, None, 12)),
        {
            "event": "stream_end",
            "turn_id": "t",
            "text": "",
            "timing": {"first_token_ms": None, "first_chunk_ms": None, "total_ms": 12},
        },
    ),
    (
        StreamEnd("t", "Hi", Timing(1, 2, 3), Usage(4, 5)),
        {
            "event": "stream_end",
            "turn_id": "t",
            "text": "Hi",
            "timing": {"first_token_ms": 1, "first_chunk_ms": 2, "total_ms": 3},
            "usage": {"input_tokens": 4, "output_tokens": 5},
        },
    ),
    (
        TurnInterrupted("t", "user", "", 0),
        {"event": "turn_interrupted", "turn_id": "t", "reason": "user", "heard_text": "", "unheard_chars": 0},
    ),
    (
        Error("agent_error", "Sorry.", "c1", False),
        {"event": "error", "type": "agent_error", "error": "Sorry.", "correlation_id": "c1", "retryable": False},
    ),
]


@pytest.mark.parametrize(("event", "frame"), SERVER_FRAMES)
def test_every_server_frame_carries_its_seq(event: TurnEvent, frame: dict[str, Any]) -> None:
    assert json.loads(CODEC.encode(event, 7)) == {"seq": 7, **frame}


def test_every_event_of_a_turn_has_a_frame_here() -> None:
    assert {type(event) for event, _ in SERVER_FRAMES} == set(get_args(TurnEvent))


def test_control_frames_have_no_seq() -> None:
    assert json.loads(CODEC.encode_control(Pong("x"))) == {"event": "pong", "t": "x"}
    assert json.loads(CODEC.encode_control(Pong())) == {"event": "pong"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("message", "turn_id", "index", "seq", "heard", "reason", "t", "ref", "lang", "last_seq", "captions", "x")
NEARLY = st.builds(
    lambda tag, fields: {"event": tag, **fields},
    st.sampled_from(["start_turn", "interrupt", "chunk_spoken", "ack", "resume", "ping", "stream_end", ""]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
)


@given(st.text() | st.binary() | JSON.map(json.dumps) | NEARLY.map(json.dumps))
def test_whatever_comes_is_a_frame_or_an_explained_error(data: str | bytes) -> None:
    try:
        frame = CODEC.decode(data)
    except FrameError as refusal:
        explained = str(refusal)
        assert explained.endswith(".")
        assert "`$" not in explained
    else:
        again = CODEC.decode(msgspec.json.encode(frame).decode())
        assert again == frame


@given(st.text(), st.integers(0, 2**53))
def test_any_text_survives_the_frame(text: str, seq: int) -> None:
    frame = json.loads(CODEC.encode(StreamToken(text, "t"), seq))
    assert (frame["text"], frame["seq"]) == (text, seq)
