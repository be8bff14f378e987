"""When a chunk leaves: the limits and their named profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PROFILES", "ChunkLimits"]

_SIZES = ("first_min_chars", "first_min_words", "min_chars", "max_chars", "first_max_words", "clause_chars")


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """Sizes in characters of plain text (without markdown).

    The first chunk leaves at the first sentence end, else at a clause mark with `first_min_words` words and
    `first_min_chars` characters before it, else after `first_max_words` words (the last two only with
    `clause_first`). Later chunks are whole sentences; shorter ones than `min_chars` go with the next.
    `clause_chars`: from this size on later chunks may end at a clause mark too (0: only when forced).
    """

    first_min_chars: int = 12
    first_min_words: int = 3
    min_chars: int = 25
    max_chars: int = 300
    clause_first: bool = True
    first_max_words: int = 12
    clause_chars: int = 0

    def __post_init__(self) -> None:
        for name in _SIZES:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"{name} must be a whole number of 0 or more, not {value!r}")
        if self.max_chars < 20:
            raise ValueError(f"max_chars must be at least 20, not {self.max_chars}")
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars ({self.min_chars}) must not be above max_chars ({self.max_chars})")

    @classmethod
    def profile(cls, name: str) -> ChunkLimits:
        """The limits of a named profile: balanced, fast, prosody or sentence."""
        try:
            return PROFILES[name]
        except KeyError:
            raise ValueError(f"unknown profile {name!r}; there are {', '.join(PROFILES)}") from None

    @classmethod
    def sentences(cls) -> ChunkLimits:
        """Every sentence by itself: no merging, no clause cuts, no cap below 2,000 characters."""
        return PROFILES["sentence"]


PROFILES: Mapping[str, ChunkLimits] = MappingProxyType(
    {
        "balanced": ChunkLimits(),
        "fast": ChunkLimits(
            first_min_chars=8,
            first_min_words=2,
            min_chars=12,
            max_chars=160,
            first_max_words=8,
            clause_chars=40,
        ),
        "prosody": ChunkLimits(min_chars=120, max_chars=250, clause_first=False),
        "sentence": ChunkLimits(min_chars=0, max_chars=2_000, clause_first=False),
    }
)
