"""What of a reply the user has heard. Pure: no clock, no I/O; times are seconds of any one clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.message_processor.constants import SILENCE_GRACE_S, SPEAKING_RATE_CPS
from pipeline.text import SpeechChunk

__all__ = ["Heard", "Playback"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A client's own word: `chars` characters of chunk `index`'s text were heard (None: all of them),
    and every chunk before it in full."""

    index: int
    chars: int | None = None


@dataclass(slots=True)
class Playback:
    """The chunks of one turn on their way to the user's ear: given out, sent, spoken.

    Three ways of knowing the heard position, the best that there is counts: the client's word in the
    interrupt; the last chunk it reported as spoken; what was sent, limited by the time since then at a
    speaking rate and cut back to whole words. Nothing that was not sent counts as heard.
    """

    speaking_rate_cps: float = SPEAKING_RATE_CPS
    max_unspoken: int | None = None
    """How many chunks may be given out and not yet spoken; None: the client promises no reports."""
    attached: bool = True
    """Whether the client is there; one that is away can report nothing, and is waited for."""
    _chunks: list[SpeechChunk] = field(default_factory=list)
    _sent_at_s: list[float] = field(default_factory=list)
    _spoken: int = 0
    _reported: int = 0
    _reported_at_s: float | None = None
    _back_at_s: float = 0.0

    @property
    def given_out(self) -> int:
        """How many chunks there are so far; the next one's index."""
        return len(self._chunks)

    @property
    def unspoken(self) -> int:
        """How many chunks were given out and not spoken."""
        return len(self._chunks) - self._spoken

    @property
    def unsent(self) -> int:
        """How many chunks were given out and not sent."""
        return len(self._chunks) - len(self._sent_at_s)

    @property
    def sent_until(self) -> int:
        """The raw offset up to which the reply was sent."""
        return self._end_of(len(self._sent_at_s))

    @property
    def played_until(self) -> int:
        """The raw offset that counts as heard when a turn fails: what a client that reports has spoken; all that was
        sent to one that does not, and goes on speaking it.
        """
        return self.sent_until if self.max_unspoken is None else self._end_of(self._spoken)

    def give_out(self, chunk: SpeechChunk) -> int:
        """The next chunk leaves the turn; returns its index."""
        self._chunks.append(chunk)
        return len(self._chunks) - 1

    def chunk_sent(self, index: int, at_s: float) -> None:
        """Chunk `index`, and all before it, has been written to the client; again after a reconnect is fine."""
        while len(self._sent_at_s) <= min(index, len(self._chunks) - 1):
            self._sent_at_s.append(at_s)

    def chunk_lost(self, index: int) -> None:
        """Chunk `index`, and all after it, never arrived: they are to be sent again, and silence meant nothing."""
        self._spoken = min(self._spoken, max(index, self._reported))
        del self._sent_at_s[max(index, self._spoken) :]

    def come_back(self, at_s: float) -> None:
        """The client is there again; how long it has been silent counts from now."""
        self.attached = True
        self._back_at_s = at_s

    def chunk_spoken(self, index: int, at_s: float) -> None:
        """The client has finished speaking chunk `index` and all before it; late and repeated reports are fine."""
        self._reported_at_s = at_s
        self.chunk_sent(index, at_s)  # who has spoken it has got it
        self._reported = max(self._reported, min(index + 1, len(self._chunks)))
        self._spoken = max(self._spoken, self._reported)

    def silent_from_s(self) -> float | None:
        """When a client that reports must be taken to have spoken all it has, since it reports no more:
        the estimated speaking time and SILENCE_GRACE_S after the last sign of it. None: it is away, or lacks chunks.
        """
        if not self.attached or len(self._sent_at_s) < len(self._chunks) or not self._chunks:
            return None
        unspoken_chars = sum(len(chunk.text) for chunk in self._chunks[self._spoken :])
        last_sign_s = max(self._sent_at_s[-1], self._reported_at_s or 0.0, self._back_at_s)
        return last_sign_s + unspoken_chars / self.speaking_rate_cps + SILENCE_GRACE_S

    def assume_spoken(self) -> None:
        """All that was sent counts as spoken."""
        self._spoken = len(self._sent_at_s)

    def heard_until(self, now_s: float, heard: Heard | None = None) -> int:
        """The raw offset up to which the reply was heard by `now_s`."""
        if heard is not None:
            return self._as_reported(heard)
        if self.max_unspoken is not None or self._reported_at_s is not None:
            return self._end_of(self._spoken)
        return self._estimate(now_s)

    def _end_of(self, count: int) -> int:
        return self._chunks[count - 1].end if count else 0

    def _as_reported(self, heard: Heard) -> int:
        if heard.index >= len(self._sent_at_s):
            return self.sent_until
        if heard.chars is None:
            return self._end_of(heard.index + 1)
        if heard.chars == 0:
            return self._end_of(heard.index)
        return self._chunks[heard.index].raw_at(heard.chars)

    def _estimate(self, now_s: float) -> int:
        offset, free_at_s = 0, 0.0
        for chunk, sent_at_s in zip(self._chunks, self._sent_at_s, strict=False):
            starts_at_s = max(free_at_s, sent_at_s)
            said = int(max(0.0, now_s - starts_at_s) * self.speaking_rate_cps)
            if said < len(chunk.text):
                if " " in chunk.text:
                    said = max(0, chunk.text.rfind(" ", 0, said + 1))
                return chunk.raw_at(said) if said else offset
            offset = chunk.end
            free_at_s = starts_at_s + len(chunk.text) / self.speaking_rate_cps
        return offset
