"""The plain text that is not spoken yet, with the map from it to raw offsets and what must stay whole in it."""

from __future__ import annotations

from bisect import bisect_right
from sys import maxsize

from pipeline.text.models import Mapping

__all__ = ["PlainText"]


class PlainText:
    """Positions count in `_text`; what was dropped before it is counted in `_dropped`."""

    def _reset(self) -> None:
        self._text = ""
        self._dropped = 0
        self._block_begin = 0  # position of the first character of the block
        self._raw: list[tuple[int, int]] = [(0, 0)]  # (plain position since the start, raw offset)
        self._shift = 0  # by how much the raw offset is larger behind the last of them
        self._whole: list[tuple[int, int]] = []  # ranges that must not be cut
        self._construct = 0  # what the last of them belongs to

    def text(self, text: str, start: int, end: int, whole: int) -> None:
        here = len(self._text)
        at = self._dropped + here
        if start - at != self._shift:
            # Marks were dropped here. The point stands behind the first character after them, so that the
            # end of the word before them leads to its own end in the raw text.
            step = 0 if here == self._block_begin else 1
            self._raw.append((at + step, start + step))
            self._shift = start - at
        if whole:
            begin = self._whole.pop()[0] if self._whole and whole == self._construct else here
            self._whole.append((begin, here + len(text)))
            self._construct = whole
        self._text += text
        if len(text) != end - start:  # a decoded entity
            self._raw.append((at + len(text), end))
            self._shift = end - at - len(text)

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

    def _span(self, begin: int, stop: int) -> tuple[int, int, Mapping]:
        """For a chunk its raw start, its raw end with the marks that close right behind it ("**Stop.** Then"), and
        its map.
        """
        first, last = self._dropped + begin, self._dropped + stop
        if self._raw[-1][0] <= first:
            return first + self._shift, last + self._shift, ()
        points = self._raw
        size = len(points)
        n = bisect_right(points, (first, maxsize))
        here, raw = points[n - 1]
        start = raw + first - here
        if n < size and points[n][1] < start:
            start = points[n][1]
        mapping = [(0, start)]
        while n < size and points[n][0] < last:
            here, raw = points[n]
            mapping.append((here - first, raw))
            n += 1
        while n < size and points[n][0] <= last:
            here, raw = points[n]
            n += 1
        end = raw + last - here
        if n < size:
            here, raw = points[n]
            if raw < end:
                end = raw
            while here == last + 1 and n + 1 < size and points[n + 1][0] == here:
                n += 1
                raw = points[n][1]
            if here == last + 1 and self._text[stop : stop + 1].isspace():
                end = raw - 1
        return start, end, tuple(mapping) if len(mapping) > 1 else ()
