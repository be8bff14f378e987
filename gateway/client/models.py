"""What a client hears from its gateway: events and outcomes of a turn, and notices about the connection."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

__all__ = [
    "EVENTS",
    "OUTCOMES",
    "Caption",
    "Chunk",
    "Completed",
    "Event",
    "Failed",
    "Interrupted",
    "Notice",
    "Outcome",
    "Timing",
    "ToolCall",
    "ToolResult",
    "Usage",
]


class Chunk(msgspec.Struct, frozen=True):
    """Speakable text; `span` is [start, end) of the raw reply, `boundary` why it ends here."""

    index: int
    text: str
    span: tuple[int, int]
    boundary: str
    lang: str | None = None
    emotion: str | None = None


class Caption(msgspec.Struct, frozen=True):
    """A piece of the raw reply, as the model wrote it (`say(captions=True)`)."""

    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """The agent called a tool."""

    tool_call_id: str
    name: str


class ToolResult(msgspec.Struct, frozen=True):
    """A tool answered; `status` is `ok` or `error`."""

    tool_call_id: str
    name: str
    status: str


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds since the gateway started the turn; None: it never happened."""

    first_token_ms: int | None
    first_chunk_ms: int | None
    total_ms: int


class Usage(msgspec.Struct, frozen=True):
    """Tokens, as the model's provider counted them."""

    input_tokens: int
    output_tokens: int


class Completed(msgspec.Struct, frozen=True):
    """The turn came to its end (with playback: was spoken to its end); `text` is the whole raw reply."""

    text: str
    timing: Timing
    usage: Usage | None = None


class Interrupted(msgspec.Struct, frozen=True):
    """The turn was stopped. The conversation holds `heard_text`, raw; `unheard_chars` were cut."""

    reason: str
    heard_text: str
    unheard_chars: int


class Failed(msgspec.Struct, frozen=True):
    """The turn failed: `type` for a program, `error` for a person.

    Besides the gateway's own codes: `session_lost` (the gateway no longer knows the turn; the conversation
    goes on), `connection_failed` (given up) and `closed` (the client was closed first).
    """

    type: str
    error: str
    retryable: bool = False
    correlation_id: str | None = None


class Notice(msgspec.Struct, frozen=True):
    """Something that is not about one turn.

    `type`: `connection_lost`, then `connection_resumed` (nothing is missing), `session_lost` (connected
    again, but a turn that was live is gone) or `connection_failed` (given up); or the code of an error of
    the gateway.
    """

    type: str
    text: str


Event: TypeAlias = Chunk | Caption | ToolCall | ToolResult
Outcome: TypeAlias = Completed | Interrupted | Failed

EVENTS: Final[dict[str, type[Event]]] = {
    "tts_ready_chunk": Chunk,
    "stream_token": Caption,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
}
OUTCOMES: Final[dict[str, type[Outcome]]] = {
    "stream_end": Completed,
    "turn_interrupted": Interrupted,
    "error": Failed,
}
