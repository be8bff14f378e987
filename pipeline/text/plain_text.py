"""The plain text that is not spoken yet, with the map from it to raw offsets and what must stay whole in it."""

from __future__ import annotations

from bisect import bisect_right
from sys import maxsize

from pipeline.text.models import Mapping
from pipeline.text.reader import Text

__all__ = ["PlainText"]


class PlainText:
    """Positions count in `_text`; what was dropped before it is counted in `_dropped`."""

    def _reset(self) -> None:
        self._text = ""
        self._dropped = 0
        self._block_begin = 0  # position of the first character of the block
        self._raw: list[tuple[int, int]] = [(0, 0)]  # (plain position since the start, raw offset)
        self._whole: list[tuple[int, int]] = []  # ranges that must not be cut
        self._construct = 0  # what the last of them belongs to

    def _append(self, piece: Text) -> None:
        here = len(self._text)
        at = self._dropped + here
        position, raw = self._raw[-1]
        if raw + at - position != piece.start:
            # Marks were dropped here. The point stands behind the first character after them, so that the
            # end of the word before them leads to its own end in the raw text.
            step = 0 if here == self._block_begin else 1
            self._raw.append((at + step, piece.start + step))
        if piece.whole:
            begin = self._whole.pop()[0] if self._whole and piece.whole == self._construct else here
            self._whole.append((begin, here + len(piece.text)))
            self._construct = piece.whole
        self._text += piece.text
        if len(piece.text) != piece.end - piece.start:  # a decoded entity
            self._raw.append((at + len(piece.text), piece.end))

    def _forget(self, count: int, needed: int) -> None:
        """Drop the first `count` characters, and what only leads to positions before `needed`."""
        self._text = self._text[count:]
        self._dropped += count
        self._block_begin -= count
        self._whole = [(begin - count, end - count) for begin, end in self._whole if end > count]
        keep = bisect_right(self._raw, (self._dropped + needed - count, maxsize)) - 1
        del self._raw[: max(keep, 0)]

    def _guard(self, at: int) -> tuple[int, int] | None:
        """The range around the character at `at` that must not be cut."""
        if not self._whole:
            return None
        n = bisect_right(self._whole, (at, maxsize)) - 1
        return self._whole[n] if n >= 0 and at < self._whole[n][1] else None

    def _splits(self, at: int) -> bool:
        """Whether a cut at `at` would be inside such a range."""
        guard = self._guard(at)
        return guard is not None and guard[0] < at

    def _raw_of(self, at: int) -> int:
        position = self._dropped + at
        n = bisect_right(self._raw, (position, maxsize)) - 1
        here, raw = self._raw[max(n, 0)]
        value = raw + position - here
        return min(value, self._raw[n + 1][1]) if n + 1 < len(self._raw) else value

    def _raw_after(self) -> int:
        """The raw offset behind the text."""
        here, raw = self._raw[-1]
        return raw + self._dropped + len(self._text) - here

    def _raw_end(self, stop: int) -> int:
        """The raw end of a chunk: with the marks that close right behind it ("**Stop.** Then")."""
        position = self._dropped + stop + 1
        n = bisect_right(self._raw, (position, maxsize)) - 1
        if n > 0 and self._raw[n][0] == position and self._text[stop : stop + 1].isspace():
            return self._raw[n][1] - 1
        return self._raw_of(stop)

    def _mapping(self, begin: int, stop: int, start: int) -> Mapping:
        first, last = self._dropped + begin, self._dropped + stop
        n = bisect_right(self._raw, (first, maxsize))
        points = [(0, start)]
        while n < len(self._raw) and self._raw[n][0] < last:
            here, raw = self._raw[n]
            points.append((here - first, raw))
            n += 1
        return tuple(points) if len(points) > 1 else ()
