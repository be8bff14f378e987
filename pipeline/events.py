"""Every event of a turn: frozen msgspec structs whose tag, the field `event`, is the name on the wire.

An agent yields the first five (`AgentEvent`) without ids; the turn engine fills in `turn_id` and whatever
else a client is told (`TurnEvent`). Times are milliseconds since the turn was started. `seq` is not here:
it belongs to the session, which adds it when a frame is sent.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "AgentEvent",
    "Cut",
    "Error",
    "ReplyComplete",
    "StreamEnd",
    "StreamStart",
    "StreamToken",
    "TTSReadyChunk",
    "TerminalEvent",
    "Timing",
    "ToolCall",
    "ToolResult",
    "TurnEvent",
    "TurnInterrupted",
    "Usage",
]


Cut: TypeAlias = Literal["length", "content_filter"]
"""Why a model stopped before it was done: its limit of tokens, or a filter."""


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event", omit_defaults=True):
    """Base of all events; optional fields at their default stay off the wire."""


class Timing(msgspec.Struct, frozen=True, gc=False):
    """How long a turn took, in whole milliseconds from its start; None: it never happened."""

    first_token_ms: int | None
    first_chunk_ms: int | None
    total_ms: int


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens the model counted, as the provider reported them."""

    input_tokens: int
    output_tokens: int


class StreamStart(_Event, frozen=True, gc=False, tag="stream_start"):
    """The turn exists; always its first event. An agent may yield it empty, which changes nothing."""

    turn_id: str = ""
    conversation_id: str = ""
    ref: str | None = None


class StreamToken(_Event, frozen=True, gc=False, tag="stream_token"):
    """A piece of the raw reply, cut wherever the model cut it.

    A `filler` bridges a silence ("One moment."): it is spoken, but it is no part of the reply.
    """

    text: str
    turn_id: str = ""
    filler: bool = False


class TTSReadyChunk(_Event, frozen=True, gc=False, tag="tts_ready_chunk"):
    """Speakable text, complete in itself. `span` is [start, end) in the raw reply; `index` has no gaps.

    `boundary`, why it ends here: sentence, clause, paragraph, forced or end.
    """

    turn_id: str
    index: int
    text: str
    span: tuple[int, int]
    boundary: str
    lang: str | None = None
    emotion: str | None = None


class ToolCall(_Event, frozen=True, gc=False, tag="tool_call"):
    """The model called a tool. An agent adds the `arguments` for the history; they stay on the server."""

    tool_call_id: str
    name: str
    turn_id: str = ""
    arguments: str = ""


class ToolResult(_Event, frozen=True, gc=False, tag="tool_result"):
    """A tool answered. An agent adds the `output` for the history; it stays on the server."""

    tool_call_id: str
    name: str
    status: Literal["ok", "error"]
    turn_id: str = ""
    output: str = ""


class ReplyComplete(_Event, frozen=True, gc=False, tag="reply_complete"):
    """Nothing more to speak will come (playback clients only); the turn lives on until it is spoken."""

    turn_id: str
    chunks: int


class StreamEnd(_Event, frozen=True, gc=False, tag="stream_end", omit_defaults=False):
    """Terminal: the turn completed. `text` is the whole raw reply, also when it is empty.

    An agent may yield it, with `usage` and `cut` or without anything.
    """

    turn_id: str = ""
    text: str = ""
    timing: Timing | None = None
    usage: Usage | msgspec.UnsetType = msgspec.UNSET
    cut: Cut | msgspec.UnsetType = msgspec.UNSET


class TurnInterrupted(_Event, frozen=True, gc=False, tag="turn_interrupted"):
    """Terminal: the turn was stopped. `heard_text` is the raw text heard, `unheard_chars` the raw rest."""

    turn_id: str
    reason: str
    heard_text: str
    unheard_chars: int


class Error(_Event, frozen=True, gc=False, tag="error"):
    """What went wrong, for a person in `error`, for a program in `type`. With a `turn_id`: terminal."""

    type: str
    error: str
    correlation_id: str
    retryable: bool
    turn_id: str | None = None


AgentEvent: TypeAlias = StreamStart | StreamToken | ToolCall | ToolResult | StreamEnd
TerminalEvent: TypeAlias = StreamEnd | TurnInterrupted | Error
TurnEvent: TypeAlias = StreamStart | StreamToken | TTSReadyChunk | ToolCall | ToolResult | ReplyComplete | TerminalEvent
