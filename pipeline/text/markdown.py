"""The streaming markdown filter: raw reply in, plain text and block breaks out.

Whatever cannot be told yet (is this `[` a link?) is left for the next reading, at most to the end of its line or
a few hundred characters; then it counts as text. So the result never depends on how the reply was cut into tokens.
The parts: `reader.py` (buffer and sink), `links.py`, `inline.py`, `code_blocks.py`, `blocks.py`, and here the states.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from pipeline.text.blocks import BlockReader
from pipeline.text.inline import MARKUP
from pipeline.text.models import Block, TextChunk
from pipeline.text.reader import HEADING, INLINE, LINE_START, PARAGRAPH, WAIT, Sink, State

__all__ = ["Break", "MarkdownFilter", "Piece", "Pieces", "Text"]


class MarkdownFilter(BlockReader):
    """`read` raw text; what is certain goes to the sink. `reset` begins another reply."""

    def __init__(self, sink: Sink, max_chars: int = 300, follow: frozenset[str] | None = None) -> None:
        super().__init__(sink)
        self.max_chars = max_chars
        self.follow = follow

    def reset(self) -> None:
        super().reset()
        self._until = None

    def read(self, text: str, *, final: bool = False) -> str:
        """Returns the end of `text` that cannot be told yet: the next reading begins with it.

        While `awaited` is a pattern, that reading may wait until it matches, or until there are `room` characters.
        `final`: the reply ends here.
        """
        self._buffer, self._final, self.awaited = text, final, None
        at, size, base, marks = 0, len(text), self.base, self._marks
        while at < size:
            if self.state is INLINE:
                found = MARKUP.search(text, at)
                if found is None:
                    self._text(text[at:], base + at, base + size)
                    at = size
                    break
                i = found.start()
                if i > at:
                    self._text(text[at:i], base + at, base + i)
                    at = i
                c = text[i]
                if c == "\n":
                    self._newline = base + i
                    self.state = LINE_START
                    if self.current is HEADING:
                        self._break(PARAGRAPH, base + i)
                    at += 1
                    continue
                after = marks[c](self, i)
            elif self.state is LINE_START:
                after = self._line_start(at)
            else:
                after = self._states[self.state](self, at)
            if after == WAIT:
                break
            at = after
        self.base = base + at
        if final and (self.state is State.CODE or self.state is State.INDENTED):
            self._end_code(self.base, self.base)
        return text[at:]

    def loosen(self, held: str) -> str:
        """The stream is idle: give out a held "!" or ":" (they wait only because of "![" and "://")."""
        if held not in {"!", ":"} or self.state is not INLINE:
            return held
        self._text(held, self.base, self.base + 1)
        self.base += 1
        return ""

    def _hidden(self, at: int) -> int:
        assert self._until is not None
        found = self._until.search(self._buffer, at)
        if found:
            self.state = INLINE if self._open else LINE_START
            self._until = None
            return found.end()
        if self._final:
            return len(self._buffer)
        tail = self._buffer.rfind("<", max(at, len(self._buffer) - 32))
        return tail if tail > at else (WAIT if tail == at else len(self._buffer))

    def _plain_of(self, text: str, start: int) -> tuple[str, list[tuple[int, int]]]:
        if text and MARKUP.search(text) is None:
            return text, [(0, start)]
        pieces = Pieces()
        inner = MarkdownFilter(pieces, self.max_chars)
        inner.state, inner.base, inner._said = INLINE, start, start
        inner.read(text, final=True)
        plain, points = "", []
        for piece in pieces:
            if isinstance(piece, Text):
                points.append((len(plain), piece.start))
                if len(piece.text) != piece.end - piece.start:
                    points.append((len(plain) + len(piece.text), piece.end))
                plain += piece.text
        return plain, points

    _states: ClassVar[dict[State, Callable[[MarkdownFilter, int], int]]] = {
        State.CODE: BlockReader._code,
        State.INDENTED: BlockReader._indented,
        State.HIDDEN: _hidden,
    }


class Text(NamedTuple):
    """What the filter wrote to its sink: see there."""

    text: str
    start: int
    end: int
    whole: int


class Break(NamedTuple):
    block: Block
    info: str
    start: int
    closed: int


Piece = Text | Break | TextChunk


class Pieces(list[Piece]):
    """A sink that only collects."""

    def text(self, text: str, start: int, end: int, whole: int) -> None:
        self.append(Text(text, start, end, whole))

    def block(self, block: Block, info: str, start: int, closed: int) -> None:
        self.append(Break(block, info, start, closed))

    def line(self, chunk: TextChunk) -> None:
        self.append(chunk)
