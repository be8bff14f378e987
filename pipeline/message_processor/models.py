"""A turn: its state machine as one table, and everything it owns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from pipeline.errors import InvalidTransitionError, PipelineError
from pipeline.events import AgentEvent, Cut, StreamToken, Timing, ToolCall, ToolResult, TurnEvent, Usage
from pipeline.message_processor.constants import TokenQueueMark
from pipeline.message_processor.playback import Playback
from pipeline.message_processor.turn_queue import TurnQueue
from pipeline.text import SpeechChunk, TextChunkProcessor, TTSTextProcessor

__all__ = ["TRANSITIONS", "ConversationTurn", "QueuedEvent", "QueuedToken", "TurnStatus"]


class TurnStatus(Enum):
    """Where a turn stands; the last three are terminal."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


TRANSITIONS = MappingProxyType(
    {
        TurnStatus.PENDING: frozenset({TurnStatus.PROCESSING, TurnStatus.FAILED, TurnStatus.INTERRUPTED}),
        TurnStatus.PROCESSING: frozenset({TurnStatus.COMPLETED, TurnStatus.FAILED, TurnStatus.INTERRUPTED}),
        TurnStatus.COMPLETED: frozenset(),
        TurnStatus.FAILED: frozenset(),
        TurnStatus.INTERRUPTED: frozenset(),
    }
)

_LIVE: Final = tuple(status for status, allowed in TRANSITIONS.items() if allowed)

QueuedToken: TypeAlias = StreamToken | ToolCall | ToolResult | TokenQueueMark
QueuedEvent: TypeAlias = TurnEvent | SpeechChunk
"""An event on its way out; a chunk becomes `tts_ready_chunk` when it leaves."""


@dataclass(slots=True, eq=False)
class ConversationTurn:
    """One user message and its answer. Times are of the event loop's clock, in seconds."""

    turn_id: str
    conversation_id: str
    user_input: str
    correlation_id: str
    agent_stream: AsyncGenerator[AgentEvent, None]
    token_queue: TurnQueue[QueuedToken]
    event_queue: TurnQueue[QueuedEvent]
    chunker: TextChunkProcessor
    speech: TTSTextProcessor
    playback: Playback
    captions: bool
    started_at_s: float
    lang: str = "en"
    ref: str | None = None
    max_chars: int = 300
    """How long a chunk may be; chunks that wait are joined up to here."""
    reports_delivery: bool = False
    """Whether the reader says when a chunk was written to the client; else leaving the turn counts."""

    status: TurnStatus = TurnStatus.PENDING
    progress: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was sent or spoken, when the client came or went, and when the turn is over."""
    has_reader: bool = False
    failure: PipelineError | None = None
    usage: Usage | msgspec.UnsetType = msgspec.UNSET
    cut: Cut | msgspec.UnsetType = msgspec.UNSET
    first_token_at_s: float | None = None
    first_chunk_at_s: float | None = None
    ended_at_s: float | None = None
    heard_chars: int | None = None
    """How much of the reply was heard, in raw characters; None while that is open."""
    tool_events: list[tuple[int, ToolCall | ToolResult]] = field(default_factory=list)
    """Tools called and their results, each with the length of the raw reply at that moment."""
    _reply: list[str] = field(default_factory=list)

    @property
    def chunks(self) -> int:
        """How many chunks have left the turn."""
        return self.playback.given_out

    @property
    def is_live(self) -> bool:
        """Whether the turn can still end in more than one way."""
        return self.status in _LIVE  # asked for every token: a tuple needs no hash of an enum

    def advance(self, status: TurnStatus) -> bool:
        """Move to `status`; False when the turn is already over: a lost race, which is normal life.

        Raises InvalidTransitionError for a move that a live turn does not have.
        """
        allowed = TRANSITIONS[self.status]
        if not allowed:
            return False
        if status not in allowed:
            raise InvalidTransitionError(f"A turn cannot go from {self.status.value} to {status.value}.")
        self.status = status
        return True

    def hear(self, text: str, now_s: float) -> None:
        """Take the agent's next piece of text into the raw reply."""
        if self.first_token_at_s is None:
            self.first_token_at_s = now_s
        self._reply.append(text)

    @property
    def reply(self) -> str:
        """The raw reply so far."""
        if len(self._reply) > 1:
            self._reply = ["".join(self._reply)]
        return self._reply[0] if self._reply else ""

    @property
    def heard_text(self) -> str:
        """The raw text that the conversation remembers: all of a completed reply, else what was heard."""
        return self.reply if self.heard_chars is None else self.reply[: self.heard_chars]

    def timing(self, now_s: float) -> Timing:
        """Milliseconds from the start of the turn."""

        def ms(at_s: float) -> int:
            return round((at_s - self.started_at_s) * 1000)

        return Timing(
            first_token_ms=None if self.first_token_at_s is None else ms(self.first_token_at_s),
            first_chunk_ms=None if self.first_chunk_at_s is None else ms(self.first_chunk_at_s),
            total_ms=ms(now_s),
        )
