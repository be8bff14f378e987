"""What begins a line: headings, lists, quotations, tables, rules, admonitions and definitions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from pipeline.text.code_blocks import CodeReader
from pipeline.text.models import Block
from pipeline.text.reader import HEADING, HOLD, INLINE, LINE_BREAK, LIST_ITEM, LONG_HOLD, PARAGRAPH, WAIT
from pipeline.text.tables import Cells, is_delimiter_row, row_chunk, split_cells

__all__ = ["BlockReader"]

ROW_HOLD = 2_000  # a table row is a line, and a line may be long

_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*)(?:\n|\Z)")
_RULE_PART = re.compile(r"(?:(?:\*[ \t]*)+|(?:-[ \t]*)+|(?:_[ \t]*)+|=+[ \t]*)\Z")
_HEADING = re.compile(r"#{1,6}(?=[ \t\n])")
_BULLET = re.compile(r"(?:[-*+](?=[ \t\n])|[•⁃‣◦▪](?=.|\n))[ \t]{0,9}(?:\[[ xX]\](?=[ \t]))?")
_TASK_PART = re.compile(r"[-*+•⁃‣◦▪][ \t]{0,9}(?:\[[ xX]?\]?)?\Z")
_NUMBER = re.compile(r"(?:(\d{1,3})(?:\.\)|[.)])|\((\d{1,3})\))(?=[ \t\n]|\Z)")
_SIMPLE_NUMBER = re.compile(r"(\d{1,3})[.)][ ](?=[^\s])")
_NUMBER_PART = re.compile(r"\d{1,3}(?:\.\)?|\))?\Z|\((?:\d{1,3}\)?)?\Z")
_NEXT_WORD = re.compile(r"[ \t]{1,9}([^\W\d_]{0,24})")
_LETTER = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:\.\)|[.)])[ \t]")
_LETTER_PART = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:\.\)?|\))?\Z")
_LETTER_NEXT = ".)ivx"
_NO_DELIMITER = re.compile(r"[^ \t\r|:-]")
_ADMONITION = re.compile(r":{3,64}[ \t]*(?:[A-Za-z][\w-]*)?[ \t]*(?:\{[^{}\n]*\})?[ \t\r]*")


class BlockReader(CodeReader):
    """What a line begins with."""

    follow: frozenset[str] | None  # what comes after an ordinal number with a dot, in the reply's language

    def reset(self) -> None:
        super().reset()
        self._quoted = False
        self._mark_end = -1  # raw offset behind the marks with which the line begins
        self.cells: Cells | None = None  # the headers, within a table
        self._plain_row = -1  # raw offset of a "|" line that is known not to be a table

    def _line_start(self, at: int) -> int:
        buffer = self._buffer
        i, c = at, buffer[at]
        if c in " \t":
            size = len(buffer)
            while i < size and buffer[i] in " \t" and i - at <= HOLD:
                i += 1
            if i == size:
                return size if self._final else WAIT
            c = buffer[i]
        if c == "\n":
            self._blank_line(self.base + i)
            return i + 1
        if c == "\r":
            return i + 1
        if self._blank and not self._quoted and self.base + at != self._mark_end:
            code = self._indented_code(at, i)
            if code is not None:
                return code
        self._blank = False
        if c == ">":
            if not self._quoted:
                self._quoted = True
                if self._open:
                    self._break(PARAGRAPH, self.base + i)
            self._mark_end = self.base + i + 1
            return i + 1
        if self.cells is not None and c != "|":
            line = buffer.find("\n", i, i + ROW_HOLD)
            if line < 0 and not self._final and len(buffer) - i < ROW_HOLD:
                return self._await(LINE_BREAK, ROW_HOLD)
            if "|" in buffer[i : line if line >= 0 else len(buffer)]:
                return self._row(i)
            self.cells = None
        for read in self._starts.get(c, ()):
            after = read(self, i)
            if after != i:
                return after
        return self._paragraph_line(i)

    def _blank_line(self, start: int) -> None:
        self._quoted = False
        self._blank = True
        self.cells = None
        if self._open or self.current is not PARAGRAPH:
            self._break(PARAGRAPH, start)

    def _heading(self, i: int) -> int:
        found = _HEADING.match(self._buffer, i)
        if found is None:
            run = len(self._buffer) - i
            return WAIT if not self._final and run <= 6 and self._buffer[i:] == "#" * run else i
        self._break(HEADING, self.base + i)
        self.state = INLINE
        return found.end()

    def _delimiter(self, i: int) -> int:
        """ "--- | ---" below a header without a leading bar: rows follow, the header is already text."""
        line = self._buffer.find("\n", i, i + HOLD)
        if line < 0:
            part = not self._final and len(self._buffer) - i < HOLD
            return WAIT if part and not self._buffer[i:].strip(" \t\r|:-") else i
        if not is_delimiter_row(self._buffer[i:line]):
            return i
        self._break(Block.TABLE_ROW, self.base + i)
        self.cells = []
        return line + 1

    def _rule(self, i: int) -> int:
        found = _RULE.match(self._buffer, i, i + HOLD)
        if found and (self._final or found.group().endswith("\n")):
            if self._buffer[i] == "=" and not self._open:
                return i
            self._break(PARAGRAPH, self.base + i)
            return found.end()
        if not self._final and len(self._buffer) - i < HOLD and _RULE_PART.match(self._buffer, i):
            return WAIT
        return i

    def _simple_bullet(self, i: int) -> int:
        """ "- word" is nothing else."""
        if self._buffer[i + 1 : i + 2] == " " and self._buffer[i + 2 : i + 3].isalnum():
            self._break(LIST_ITEM, self.base + i)
            return self._item(i + 2)
        return i

    def _bullet(self, i: int) -> int:
        if not self._final and _TASK_PART.match(self._buffer, i):
            return WAIT
        found = _BULLET.match(self._buffer, i)
        if found is None:
            return i
        self._break(LIST_ITEM, self.base + i)
        return self._item(found.end())

    def _item(self, after: int) -> int:
        self._listed = True
        self._mark_end = self.base + after
        return self._paragraph_line(after) if self._buffer[after : after + 1].isupper() else after

    def _numbered(self, i: int) -> int:
        simple = _SIMPLE_NUMBER.match(self._buffer, i)
        if simple and not self.follow:
            return self._number(i, simple[1], simple.end())
        if not self._final and _NUMBER_PART.match(self._buffer, i):
            return WAIT
        found = _NUMBER.match(self._buffer, i)
        if found is None:
            return i
        if self.follow and found.group().endswith("."):
            word = _NEXT_WORD.match(self._buffer, found.end())
            if word and word.end() == len(self._buffer) and not self._final:
                return WAIT
            if word and word[1].lower() in self.follow:
                return i  # "3. Oktober" is a date
        return self._number(i, found[1] or found[2], found.end())

    def _number(self, i: int, number: str, after: int) -> int:
        if self._open and self.current is not LIST_ITEM and number != "1":
            return i  # "in\n45. Nobody": only a 1 may interrupt a paragraph
        self._break(LIST_ITEM, self.base + i, number)
        return self._item(after)

    def _lettered(self, i: int) -> int:
        """ "a. " and "ii) " begin items too, but a letter is text."""
        if self._buffer[i + 1 : i + 2] not in _LETTER_NEXT:
            return i
        if not self._final and _LETTER_PART.match(self._buffer, i):
            return WAIT
        if _LETTER.match(self._buffer, i):
            self._break(LIST_ITEM, self.base + i)
            self._listed = True
        return i

    def _admonition(self, i: int) -> int:
        """ ":::note" and the ":::" that closes it say nothing; a title behind it is a heading."""
        buffer = self._buffer
        if not buffer.startswith(":::", i):
            return i
        line = buffer.find("\n", i, i + HOLD)
        if line < 0:
            if not self._final:
                return WAIT if len(buffer) - i < HOLD else i
            line = min(len(buffer), i + HOLD)
        found = _ADMONITION.match(buffer, i, line)
        assert found is not None
        after = found.end()
        self._break(HEADING if after < line else PARAGRAPH, self.base + i)
        if after < line:
            self.state = INLINE
            return after
        return min(line + 1, len(buffer))

    def _row(self, i: int) -> int:
        buffer = self._buffer
        if self.base + i == self._plain_row:
            return i
        line = buffer.find("\n", i)
        if line < 0:
            if len(buffer) - i > ROW_HOLD:
                self._plain_row = self.base + i
                return i
            if not self._final:
                return self._await(LINE_BREAK, ROW_HOLD)
            line = len(buffer)
        if line - i > ROW_HOLD:
            return i
        row = buffer[i:line]
        if self.cells is not None:
            if not is_delimiter_row(row):
                chunk = row_chunk(self.cells, row, self.base + i, self._plain_of)
                if chunk is not None:
                    self._sink.line(chunk)
            return min(line + 1, len(buffer))
        following = buffer.find("\n", line + 1)
        after = buffer[line + 1 : following if following >= 0 else len(buffer)]
        undecided = following < 0 and not self._final and len(after) <= ROW_HOLD
        if undecided and not after.strip(" \t\r|:-"):
            return self._await(_NO_DELIMITER, ROW_HOLD)
        if not is_delimiter_row(after):
            self._plain_row = self.base + i
            return i
        self._break(Block.TABLE_ROW, self.base + i)
        self.cells = [self._plain_of(text, 0)[0].strip() for text, _ in split_cells(row)]
        return min(line + 1, len(buffer))

    def _definition(self, i: int) -> int:
        """`[label]: url` is dropped, of `[^1]: note` only the marker."""
        buffer = self._buffer
        close = buffer.find("]", i, i + HOLD)
        if close < 0:
            return WAIT if self._open_ended(i) else i
        if "\n" in buffer[i:close]:
            return i
        if close + 1 == len(buffer):
            return i if self._final else WAIT
        if self._quoted and buffer[i + 1] == "!" and buffer[i + 2 : close].isalpha():
            return close + 1  # "> [!NOTE]"
        if buffer[close + 1] != ":":
            return i
        if buffer[i + 1] == "^":
            self._break(PARAGRAPH, self.base + i)
            self.state = INLINE
            return close + 2
        line = buffer.find("\n", i, i + LONG_HOLD)
        if line < 0:
            if not self._final and len(buffer) - i < LONG_HOLD:
                return WAIT
            line = len(buffer)
        target = buffer[close + 2 : line].split()
        if target and ("://" in target[0] or target[0].startswith(("<", "/", "#", "mailto:"))):
            return min(line + 1, len(buffer))
        return i

    def _paragraph_line(self, i: int) -> int:
        block = self.current
        if block is not PARAGRAPH and block is not LIST_ITEM:
            self._break(PARAGRAPH, self.base + i)
        elif self._newline >= 0 and self._open and not self._before.endswith((" ", "\t")):
            self._text(" ", self._newline, self._newline + 1)
        self._newline = -1
        self._line = self.base + i
        self.state = INLINE
        return i

    _starts: ClassVar[dict[str, tuple[Callable[[BlockReader, int], int], ...]]] = {
        "#": (_heading,), "-": (_simple_bullet, _delimiter, _rule, _bullet), "*": (_simple_bullet, _rule, _bullet),
        "+": (_simple_bullet, _bullet), **dict.fromkeys("•⁃‣◦▪", (_bullet,)), "_": (_rule,), "=": (_rule,),
        ":": (_delimiter, _admonition), **dict.fromkeys("0123456789(", (_numbered,)),
        **dict.fromkeys("abcdefghijklmnopqrstuvwxyz", (_lettered,)),
        **dict.fromkeys("`~", (CodeReader._open_fence,)), "|": (_row,), "[": (_definition,),
    }  # fmt: skip
    """What each character may begin; the readers return the position behind it, `i` when it is not there, or WAIT."""
