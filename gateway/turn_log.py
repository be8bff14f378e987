"""TurnLog: what the last turns of each user did, and when. In memory, bounded, for their owner alone."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final

import msgspec

from gateway.store import TurnStart
from pipeline.events import (
    AgentEvent,
    Error,
    StreamEnd,
    StreamToken,
    ToolCall,
    ToolResult,
    TTSReadyChunk,
    TurnEvent,
    TurnInterrupted,
)

__all__ = ["ChunkTimes", "Density", "ToolTimes", "TurnLog", "TurnSummary", "TurnTimes"]

MAX_TEXT: Final = 200
MAX_CHUNKS: Final = 500
MAX_TOOLS: Final = 100
MAX_BINS: Final = 120
FIRST_BIN_MS: Final = 20
_MAX_STEPS: Final = 20_000


class Density(msgspec.Struct):
    """How many tokens came in each `bin_ms` since the turn began. Bins grow, so that there are never many."""

    bin_ms: int = FIRST_BIN_MS
    counts: list[int] = msgspec.field(default_factory=list)

    def add(self, moments_ms: Iterable[float]) -> None:
        """Tokens came at these moments."""
        bin_ms, counts = self.bin_ms, self.counts
        for at_ms in moments_ms:
            while at_ms >= bin_ms * MAX_BINS:
                counts = [sum(counts[at : at + 2]) for at in range(0, len(counts), 2)]
                bin_ms *= 2
            at = int(at_ms // bin_ms)
            if at >= len(counts):
                counts += [0] * (at + 1 - len(counts))
            counts[at] += 1
        self.bin_ms, self.counts = bin_ms, counts


class ChunkTimes(msgspec.Struct):
    """A chunk on its way, in milliseconds since the turn began; null: not yet, or never.

    `written_ms`: the model had said its last character. `ready_ms`: it was its turn to be sent. `sent_ms`:
    the socket took it. `spoken_ms`: the client said that it was spoken.
    """

    index: int
    text: str
    chars: int
    written_ms: int
    ready_ms: int
    sent_ms: int | None = None
    spoken_ms: int | None = None


class ToolTimes(msgspec.Struct):
    """A tool's call and its answer."""

    tool_call_id: str
    name: str
    called_ms: int
    answered_ms: int | None = None
    status: str | None = None


class TurnSummary(msgspec.Struct, kw_only=True):
    """A turn in short. Times are milliseconds since `started_at` (Unix seconds).

    `silent_ms`: when the interrupt was carried out, that is, `turn_interrupted` was sent.
    """

    turn_id: str
    conversation_id: str
    started_at: float
    text: str
    status: str = "processing"
    reason: str | None = None
    tokens: int = 0
    first_token_ms: int | None = None
    last_token_ms: int | None = None
    first_chunk_ms: int | None = None
    interrupt_ms: int | None = None
    silent_ms: int | None = None
    ended_ms: int | None = None


class TurnTimes(TurnSummary, kw_only=True):
    """A turn in full. Of very many chunks the first are kept."""

    density: Density = msgspec.field(default_factory=Density)
    chunks: list[ChunkTimes] = msgspec.field(default_factory=list)
    tools: list[ToolTimes] = msgspec.field(default_factory=list)


class _Recording:
    """A turn that is being recorded."""

    def __init__(self, user_id: str, times: TurnTimes, began_s: float) -> None:
        self.user_id = user_id
        self.times = times
        self.began_s = began_s
        self.chars = 0
        # The raw reply's length after each token, and when that was: a chunk's text ends at one of them.
        self.lengths: list[int] = []
        self.moments: list[float] = []
        self.counted = 0

    def count(self) -> TurnTimes:
        """The times, with the tokens that came since this was last asked."""
        fresh, self.counted = self.moments[self.counted :], len(self.moments)
        if fresh:
            self.add(fresh)
        return self.times

    def add(self, moments: Sequence[float]) -> None:
        """Tokens came at these moments."""
        times = self.times
        times.tokens += len(moments)
        times.last_token_ms = self.ms(moments[-1])
        if times.first_token_ms is None:
            times.first_token_ms = self.ms(moments[0])
        times.density.add([(moment - self.began_s) * 1000 for moment in moments])

    def ms(self, moment: float) -> int:
        """Milliseconds since the turn began."""
        return round((moment - self.began_s) * 1000)


class TurnLog:
    """The last `size` turns of every user; 0 records nothing.

    Sessions and HTTP requests tell it of all that happens to their turns; turns that it does not know are ignored.
    """

    def __init__(self, size: int, *, clock: Callable[[], float] = monotonic) -> None:
        self.size = size
        self._clock = clock
        self._turns: dict[str, _Recording] = {}
        self._of_user: dict[str, deque[str]] = {}

    def turns(self, user_id: str) -> list[TurnSummary]:
        """The user's last turns in short, newest first."""
        fields = TurnSummary.__struct_fields__
        times = (self._turns[turn_id].count() for turn_id in reversed(self._of_user.get(user_id, ())))
        return [TurnSummary(**{name: getattr(turn, name) for name in fields}) for turn in times]

    def turn(self, user_id: str, turn_id: str) -> TurnTimes | None:
        """One of the user's last turns in full."""
        recording = self._turns.get(turn_id)
        return recording.count() if recording is not None and recording.user_id == user_id else None

    # What happens, in the order of a turn's life

    def began(self, user_id: str, turn: TurnStart, text: str) -> None:
        """The user said `text`."""
        if self.size == 0:
            return
        times = TurnTimes(
            turn_id=turn.turn_id,
            conversation_id=turn.conversation_id,
            started_at=turn.started_at,
            text=_short(text),
        )
        self._turns[turn.turn_id] = _Recording(user_id, times, self._clock())
        ring = self._of_user.setdefault(user_id, deque())
        ring.append(turn.turn_id)
        if len(ring) > self.size:
            del self._turns[ring.popleft()]

    def answered(self, turn_id: str, event: AgentEvent) -> None:
        """The agent yielded this."""
        turn = self._turns.get(turn_id)
        if turn is None:
            return
        if isinstance(event, StreamToken):
            if event.filler:
                return
            turn.chars += len(event.text)
            if len(turn.moments) < _MAX_STEPS:  # counted when somebody looks: there are very many
                turn.lengths.append(turn.chars)
                turn.moments.append(self._clock())
            else:
                turn.count()
                turn.add([self._clock()])
        elif isinstance(event, ToolCall):
            if len(turn.times.tools) < MAX_TOOLS:
                turn.times.tools.append(ToolTimes(event.tool_call_id, event.name, self._ms(turn)))
        elif isinstance(event, ToolResult):
            for tool in turn.times.tools:
                if tool.tool_call_id == event.tool_call_id:
                    tool.answered_ms, tool.status = self._ms(turn), event.status

    def ready(self, event: TurnEvent) -> None:
        """An event of the turn is about to be sent."""
        if not isinstance(event, TTSReadyChunk) or (turn := self._turns.get(event.turn_id)) is None:
            return
        now_ms = self._ms(turn)
        if turn.times.first_chunk_ms is None:
            turn.times.first_chunk_ms = now_ms
        if len(turn.times.chunks) < MAX_CHUNKS:
            at = bisect_left(turn.lengths, event.span[1])
            written_ms = turn.ms(turn.moments[at]) if at < len(turn.moments) else now_ms
            turn.times.chunks.append(ChunkTimes(event.index, _short(event.text), len(event.text), written_ms, now_ms))

    def chunk_sent(self, turn_id: str, index: int) -> None:
        """The socket took this chunk."""
        turn = self._turns.get(turn_id)
        if turn is not None and index < len(turn.times.chunks) and turn.times.chunks[index].sent_ms is None:
            turn.times.chunks[index].sent_ms = self._ms(turn)

    def chunk_spoken(self, turn_id: str, index: int) -> None:
        """The client has spoken this chunk, and all before it."""
        turn = self._turns.get(turn_id)
        if turn is not None:
            for chunk in reversed(turn.times.chunks[: index + 1]):
                if chunk.spoken_ms is not None:
                    break
                chunk.spoken_ms = self._ms(turn)

    def interrupt_asked(self, turn_id: str) -> None:
        """Somebody wants silence."""
        if turn := self._turns.get(turn_id):
            turn.times.interrupt_ms = self._ms(turn)

    def ended(self, turn_id: str, status: str, reason: str | None) -> None:
        """The turn's outcome is decided."""
        if turn := self._turns.get(turn_id):
            turn.times.status, turn.times.reason = status, reason
            turn.times.ended_ms = self._ms(turn)
            turn.count()
            turn.lengths, turn.moments, turn.counted = [], [], 0

    def sent(self, event: TurnEvent) -> None:
        """An event of the turn was sent."""
        if isinstance(event, StreamEnd | Error | TurnInterrupted) and (turn := self._turns.get(event.turn_id or "")):
            turn.times.ended_ms = self._ms(turn)
            if isinstance(event, TurnInterrupted):
                turn.times.silent_ms = turn.times.ended_ms

    def _ms(self, turn: _Recording) -> int:
        return turn.ms(self._clock())


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
