"""What passes between the stages: raw reply -> `TextChunk` (plain text) -> `SpeechChunk` (words to say)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Block", "Boundary", "Mapping", "SpeechChunk", "TextChunk"]

Mapping = tuple[tuple[int, int], ...]
"""Break points (position here, position in the raw reply), both ascending, the first at position 0.

Between two points both sides advance together, one character for one, but never past the next point's
raw position. Text that was inserted (it has no raw characters) stands at one raw position; so does a
rewritten form, which is there only at its end: two points at one position here.
"""


_WITHOUT_SPACES = frozenset({"zh", "ja"})
"""Languages written without spaces between sentences."""


class Boundary(StrEnum):
    """Why a chunk ends where it ends."""

    SENTENCE = "sentence"
    CLAUSE = "clause"
    PARAGRAPH = "paragraph"
    FORCED = "forced"
    END = "end"


class Block(StrEnum):
    """The kind of markdown block a chunk comes from."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"
    CODE_END = "code_end"
    MATH = "math"


class TextChunk(NamedTuple):
    """Plain text of the reply, without markdown, cut where speech may pause.

    `start` and `end` are offsets into the raw reply; successive chunks are in order and never overlap.
    `info` belongs to the block: a list item's number ("3"), a code block's language ("python"), and for
    CODE_END "language:lines".
    `mapping` leads from positions in `text` to raw offsets; empty means `start + position`.
    """

    text: str
    start: int
    end: int
    boundary: Boundary
    block: Block = Block.PARAGRAPH
    info: str = ""
    mapping: Mapping = ()


class SpeechChunk(NamedTuple):
    """Words ready for a speech synthesiser, for the raw characters [start, end). A named tuple, as making a frozen
    dataclass takes a third of the time of a plain chunk.

    `raw_at` and `spoken_at` lead from one to the other, exactly at the ends of words.
    """

    text: str
    start: int
    end: int
    boundary: Boundary
    block: Block = Block.PARAGRAPH
    lang: str | None = None
    emotion: str | None = None
    mapping: Mapping = ()

    def raw_at(self, spoken: int) -> int:
        """The raw offset that has been said when `spoken` characters of `text` were heard (clamped)."""
        if spoken <= 0:
            return self.start
        if spoken >= len(self.text):
            return self.end
        at = bisect_right(self.mapping, spoken, key=lambda point: point[0]) - 1
        if at < 0:
            return min(self.start + spoken, self.end)
        here, raw = self.mapping[at]
        limit = self.mapping[at + 1][1] if at + 1 < len(self.mapping) else self.end
        return min(raw + spoken - here, limit)

    def spoken_at(self, raw: int) -> int:
        """The position in `text` that has been reached when the reply is said up to offset `raw` (clamped)."""
        if raw <= self.start:
            return 0
        if raw >= self.end:
            return len(self.text)
        at = bisect_left(self.mapping, raw, key=lambda point: point[1])
        if at < len(self.mapping) and self.mapping[at][1] == raw:
            return self.mapping[at][0]  # nothing of what was inserted there
        at -= 1
        if at < 0:
            return min(raw - self.start, len(self.text))
        here, origin = self.mapping[at]
        limit = self.mapping[at + 1][0] if at + 1 < len(self.mapping) else len(self.text)
        return min(here + raw - origin, limit)

    def joined(self, following: SpeechChunk, *, max_chars: int) -> SpeechChunk | None:
        """This chunk and the one after it as one; None when that is longer than `max_chars`, or when they
        differ in language or emotion.
        """
        space = "" if self.lang in _WITHOUT_SPACES else " "
        text = f"{self.text}{space}{following.text}"
        if len(text) > max_chars or (self.lang, self.emotion) != (following.lang, following.emotion):
            return None
        shift = len(text) - len(following.text)
        mapping = [*(self.mapping or ((0, self.start),)), (len(self.text), self.end)]
        mapping += [(here + shift, raw) for here, raw in following.mapping or ((0, following.start),)]
        return SpeechChunk(
            text=text,
            start=self.start,
            end=following.end,
            boundary=following.boundary,
            block=following.block,
            lang=self.lang,
            emotion=self.emotion,
            mapping=tuple(mapping),
        )
