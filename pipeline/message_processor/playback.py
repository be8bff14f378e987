"""What of a reply the user has heard. Pure: no clock, no I/O; times are seconds of any one clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.message_processor.constants import SPEAKING_RATE_CPS
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
    """The chunks of one turn that were sent to the client, and how far they were spoken.

    Three ways of knowing the heard position, the best that there is counts: the client's word in the
    interrupt; the last chunk it reported as spoken; what was sent, limited by the time since then at a
    speaking rate and cut back to whole words. Nothing that was not sent counts as heard.
    """

    speaking_rate_cps: float = SPEAKING_RATE_CPS
    reports: bool = False
    """Whether the client reports playback; set by its first report, or from the start."""
    _sent: list[tuple[SpeechChunk, float]] = field(default_factory=list)
    _spoken: int = 0

    def chunk_sent(self, chunk: SpeechChunk, at_s: float) -> None:
        """The next chunk has left for the client."""
        self._sent.append((chunk, at_s))

    def chunk_spoken(self, index: int) -> None:
        """The client has finished speaking chunk `index` and all before it; late and repeated reports are fine."""
        self.reports = True
        self._spoken = max(self._spoken, min(index + 1, len(self._sent)))

    @property
    def sent_until(self) -> int:
        """The raw offset up to which the reply was sent."""
        return self._sent[-1][0].end if self._sent else 0

    def heard_until(self, now_s: float, heard: Heard | None = None) -> int:
        """The raw offset up to which the reply was heard by `now_s`."""
        if heard is not None:
            return self._as_reported(heard)
        if self.reports:
            return self._sent[self._spoken - 1][0].end if self._spoken else 0
        return self._estimate(now_s)

    def _as_reported(self, heard: Heard) -> int:
        if heard.index >= len(self._sent):
            return self.sent_until
        chunk = self._sent[heard.index][0]
        if heard.chars is None:
            return chunk.end
        if heard.chars == 0:
            return self._sent[heard.index - 1][0].end if heard.index else 0
        return chunk.raw_at(heard.chars)

    def _estimate(self, now_s: float) -> int:
        offset, free_at_s = 0, 0.0
        for chunk, sent_at_s in self._sent:
            starts_at_s = max(free_at_s, sent_at_s)
            said = int(max(0.0, now_s - starts_at_s) * self.speaking_rate_cps)
            if said < len(chunk.text):
                if " " in chunk.text:
                    said = max(0, chunk.text.rfind(" ", 0, said + 1))
                return chunk.raw_at(said) if said else offset
            offset = chunk.end
            free_at_s = starts_at_s + len(chunk.text) / self.speaking_rate_cps
        return offset
