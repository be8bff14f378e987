"""Code: fenced, or four columns in."""

from __future__ import annotations

import re

from pipeline.text.inline import InlineReader
from pipeline.text.models import Block, Boundary, TextChunk
from pipeline.text.reader import HOLD, LINE_BREAK, LINE_START, PARAGRAPH, WAIT, State

__all__ = ["CodeReader"]

_FENCE = re.compile(r"`{3,64}|~{3,64}")
_TICK_OR_BREAK = re.compile(r"[`\n]")
_INDENT = re.compile(r" {0,3}\t| {4}")
_NO_CODE = "-*+•⁃‣◦▪0123456789>|`~:"  # more likely to begin what they begin elsewhere, though indented


class CodeReader(InlineReader):
    """Every line of code is given out by itself, and a last one that says how many there were."""

    max_chars: int

    def reset(self) -> None:
        super().reset()
        self._blank = True  # the line before is blank, or there is none
        self._listed = False  # what is indented may belong to a list item
        self._fence = ""  # what opened the code block
        self._language = ""
        self._lines = 0

    def _open_fence(self, i: int) -> int:
        buffer = self._buffer
        run = _FENCE.match(buffer, i)
        if run is None:
            return WAIT if not self._final and buffer[i : i + 3] in {"`", "``", "~", "~~"} else i
        end = run.end()
        line = buffer.find("\n", end, end + HOLD)
        if line < 0:
            if not self._final:
                return self._await(_TICK_OR_BREAK, HOLD) if len(buffer) - end < HOLD and "`" not in buffer[end:] else i
            line = len(buffer)
        info = buffer[end:line]
        if "`" in info:
            return i  # ```code``` within a line
        self._begin_code(self.base + i, info, State.CODE)
        self._fence = run.group()
        return min(line + 1, len(buffer))

    def _indented_code(self, at: int, i: int) -> int | None:
        """A line four columns in, after a blank one: code, unless it may belong to a list or reads like prose.
        None when it is text.
        """
        if i == at:
            self._listed = False
            return None
        if not _INDENT.match(self._buffer, at, i):
            return None
        if self._listed or self._buffer[i] in _NO_CODE:
            return None
        line = self._buffer.find("\n", i, i + HOLD)
        opening = self._buffer[i : line if line >= 0 else i + HOLD]
        words = opening.split(maxsplit=4)
        if line < 0 and not self._final and len(words) < 5 and len(opening) < HOLD:
            return WAIT
        if _is_prose(words[:4]):
            return None
        self._begin_code(self.base + i, "", State.INDENTED)
        return at

    def _begin_code(self, start: int, info: str, state: State) -> None:
        self._break(Block.CODE, start)
        words = info.split()
        self._language = words[0].strip("{}.").lower() if words else ""
        self._fence, self._lines, self.state = "", 0, state

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
        indent = _INDENT.match(buffer, at)
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
        self._sink.line(TextChunk(text, start, end, boundary, Block.CODE, self._language))

    def _end_code(self, start: int, end: int) -> None:
        info = f"{self._language}:{self._lines}"
        if self._lines:
            self._sink.line(TextChunk("", start, end, Boundary.PARAGRAPH, Block.CODE_END, info))
        self._break(PARAGRAPH, end)
        self.state = LINE_START


def _is_prose(words: list[str]) -> bool:
    """ "Once upon a time": a capitalised word and three more, or fewer and a mark at the line's end ("Dear Bob,")."""
    if len(words) < 4 and (not words or words[-1][-1] not in ",.!?…"):
        return False
    first = words[0].lstrip("\"'“‘«¡¿")
    return (
        first[:1].isupper()
        and (first[1:].islower() or first in {"A", "I"})
        and all(word.strip("\"'“”‘’«»¡¿,;:.!?").replace("'", "").replace("’", "").isalpha() for word in words)
    )
