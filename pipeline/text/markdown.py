"""The streaming markdown filter: raw reply in, plain text and block breaks out.

Whatever cannot be told yet (is this `[` a link?) is held, at most to the end of its line or a few hundred
characters; then it counts as text. So the result never depends on how the reply was cut into tokens.
The parts: `reader.py` (buffer and output), `links.py`, `inline.py`, `blocks.py`, and here the states.
"""

from __future__ import annotations

from pipeline.text.blocks import INDENT, BlockReader
from pipeline.text.models import Block, Boundary, TextChunk
from pipeline.text.reader import HOLD, LINE_BREAK, WAIT, Break, Piece, State, Text

__all__ = ["Break", "MarkdownFilter", "Piece", "Text"]


class MarkdownFilter(BlockReader):
    """Feed it raw text; it returns the pieces that are certain.

    `feed(..., final=True)` ends the reply, `reset` begins another.
    """

    def __init__(self, max_chars: int = 300, follow: frozenset[str] | None = None) -> None:
        super().__init__()
        self.max_chars = max_chars
        self.follow = follow

    def reset(self) -> None:
        super().reset()
        self._until = None

    @property
    def inline(self) -> bool:
        """Nothing is held, and text without markup would pass as it is."""
        return self._state is State.INLINE and not self.held

    def skip(self, text: str) -> None:
        """Note plain text that the caller took past the filter (only while `inline`)."""
        self.base += len(text)
        self._said = self.base
        self._before = (self._before + text)[-2:]

    def feed(self, text: str, *, final: bool = False) -> list[Piece]:
        if self._awaited is not None:
            if not final and len(self.held) + len(text) < self._room and self._awaited.search(text) is None:
                self.held += text
                return []
            self._awaited = None
        buffer = (self.held + text) if self.held else text
        self._buffer, self._final = buffer, final
        self._out: list[Piece] = []
        at, size = 0, len(buffer)
        while at < size:
            match self._state:
                case State.INLINE:
                    after = self._inline(at)
                case State.LINE_START:
                    after = self._line_start(at)
                case State.CODE:
                    after = self._code(at)
                case State.INDENTED:
                    after = self._indented(at)
                case State.HIDDEN:
                    after = self._hidden(at)
            if after == WAIT:
                break
            at = after
        self.base += at
        self.held = buffer[at:]
        if final and (self._state is State.CODE or self._state is State.INDENTED):
            self._end_code(self.base, self.base)
        return self._out

    def loosen(self) -> list[Piece]:
        """The stream is idle: give out a held "!" or ":" (they wait only because of "![" and "://")."""
        if self.held not in {"!", ":"} or self._state is not State.INLINE:
            return []
        self._out = []
        self._text(self.held, self.base, self.base + 1)
        self.base += 1
        self.held = ""
        return self._out

    def _indented(self, at: int) -> int:
        """A line of an indented code block, or the line behind it."""
        buffer, i = self._buffer, at
        if self.base + at == self._line:
            return self._code(at)  # within a long line
        while i < len(buffer) and buffer[i] in " \t" and i - at <= HOLD:
            i += 1
        if i == len(buffer):
            return i if self._final else WAIT
        if buffer[i] in "\r\n":
            return i + 1
        indent = INDENT.match(buffer, at)
        if indent is None:
            self._end_code(self.base + at, self.base + at)
            self._blank = False
            return at
        self._line = self.base + indent.end()
        return indent.end()

    def _code(self, at: int) -> int:
        buffer = self._buffer
        line = buffer.find("\n", at)
        if line < 0:
            text = buffer[at:]
            if not self._final:
                if len(text) <= self.max_chars + len(self._fence):
                    return self._await(LINE_BREAK, self.max_chars)
                piece = text[: self.max_chars]
                self._code_line(piece, self.base + at, Boundary.FORCED)
                self._line = self.base + at + len(piece)
                return at + len(piece)
            line = len(buffer)
        text = buffer[at:line]
        bare = text.strip()
        after = min(line + 1, len(buffer))
        if self._fence and len(bare) >= len(self._fence) and bare == self._fence[0] * len(bare):
            self._end_code(self.base + at, self.base + line)
            return after
        self._lines += 1
        start = self.base + at
        text = text.rstrip()
        while len(text) > self.max_chars:
            self._code_line(text[: self.max_chars], start, Boundary.FORCED)
            text, start = text[self.max_chars :], start + self.max_chars
        if text:
            self._code_line(text, start, Boundary.SENTENCE)
        return after

    def _code_line(self, text: str, start: int, boundary: Boundary) -> None:
        end = start + len(text)
        self._out.append(TextChunk(text, start, end, boundary, Block.CODE, self._language))

    def _end_code(self, start: int, end: int) -> None:
        info = f"{self._language}:{self._lines}"
        if self._lines:
            self._out.append(TextChunk("", start, end, Boundary.PARAGRAPH, Block.CODE_END, info))
        self._break(Block.PARAGRAPH, end)
        self._state = State.LINE_START

    def _hidden(self, at: int) -> int:
        assert self._until is not None
        found = self._until.search(self._buffer, at)
        if found:
            self._state = State.INLINE if self._open else State.LINE_START
            self._until = None
            return found.end()
        if self._final:
            return len(self._buffer)
        tail = self._buffer.rfind("<", max(at, len(self._buffer) - 32))
        return tail if tail > at else (WAIT if tail == at else len(self._buffer))

    def _inside(self, text: str, start: int) -> list[Text]:
        inner = MarkdownFilter(self.max_chars)
        inner._state, inner.base, inner._said = State.INLINE, start, start
        return [piece for piece in inner.feed(text, final=True) if isinstance(piece, Text)]
