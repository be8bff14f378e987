"""What begins a line: headings, lists, quotations, tables, rules, fences and definitions."""

from __future__ import annotations

import re

from pipeline.text.inline import InlineReader
from pipeline.text.models import Block
from pipeline.text.reader import HOLD, LINE_BREAK, LONG_HOLD, WAIT, State
from pipeline.text.tables import Cells, is_delimiter_row, row_chunk, split_cells

__all__ = ["INDENT", "BlockReader"]

ROW_HOLD = 2_000  # a table row is a line, and a line may be long

_FENCE = re.compile(r"`{3,64}|~{3,64}")
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*)(?:\n|\Z)")
_RULE_PART = re.compile(r"(?:(?:\*[ \t]*)+|(?:-[ \t]*)+|(?:_[ \t]*)+|=+[ \t]*)\Z")
_HEADING = re.compile(r"#{1,6}(?=[ \t\n])")
_BULLET = re.compile(r"(?:[-*+](?=[ \t\n])|[•⁃‣◦▪](?=.|\n))[ \t]{0,9}(?:\[[ xX]\](?=[ \t]))?")
_TASK_PART = re.compile(r"[-*+•⁃‣◦▪][ \t]{0,9}(?:\[[ xX]?\]?)?\Z")
_NUMBER = re.compile(r"(?:(\d{1,3})(?:\.\)|[.)])|\((\d{1,3})\))(?=[ \t\n]|\Z)")
_NUMBER_PART = re.compile(r"\d{1,3}(?:\.\)?|\))?\Z|\((?:\d{1,3}\)?)?\Z")
_NEXT_WORD = re.compile(r"[ \t]{1,9}([^\W\d_]{0,24})")
_LETTER = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:\.\)|[.)])[ \t]")
_LETTER_PART = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:\.\)?|\))?\Z")
_TICK_OR_BREAK = re.compile(r"[`\n]")
_NO_DELIMITER = re.compile(r"[^ \t\r|:-]")
INDENT = re.compile(r" {0,3}\t| {4}")
_NO_CODE = "-*+•⁃‣◦▪0123456789>|`~:"  # more likely to begin what they begin elsewhere, though indented
_ADMONITION = re.compile(r":{3,64}[ \t]*(?:[A-Za-z][\w-]*)?[ \t]*(?:\{[^{}\n]*\})?[ \t\r]*")


class BlockReader(InlineReader):
    """What a line begins with."""

    follow: frozenset[str] | None  # what comes after an ordinal number with a dot, in the reply's language

    def reset(self) -> None:
        super().reset()
        self._quoted = False
        self._listed = False  # what is indented may belong to a list item
        self._blank = True  # the line before is blank, or there is none
        self._mark_end = -1  # raw offset behind the marks with which the line begins
        self._cells: Cells | None = None  # the headers, within a table
        self._plain_row = -1  # raw offset of a "|" line that is known not to be a table
        self._fence = ""  # what opened the code block
        self._language = ""
        self._lines = 0

    def _line_start(self, at: int) -> int:
        buffer, final = self._buffer, self._final
        size = len(buffer)
        i = at
        while i < size and buffer[i] in " \t":
            i += 1
            if i - at > HOLD:
                break
        if i == size:
            return size if final else WAIT
        c = buffer[i]
        start = self.base + i
        if c in "\n\r":
            if c == "\n":
                self._blank_line(start)
            return i + 1
        if self.base + at != self._mark_end and self._blank and not self._quoted:
            code = self._indented_code(at, i)
            if code is not None:
                return code
        self._blank = False
        if c == ">":
            if not self._quoted:
                self._quoted = True
                if self._open:
                    self._break(Block.PARAGRAPH, start)
            self._mark_end = start + 1
            return i + 1
        if self._cells is not None and c != "|":
            line = buffer.find("\n", i, i + ROW_HOLD)
            if line < 0 and not final and size - i < ROW_HOLD:
                return self._await(LINE_BREAK, ROW_HOLD)
            if "|" in buffer[i : line if line >= 0 else size]:
                return self._row(i)
            self._cells = None
        after = self._block_start(c, i)
        if after != i:
            return after
        return self._paragraph_line(i)

    def _blank_line(self, start: int) -> None:
        self._quoted = False
        self._blank = True
        self._cells = None
        if self._open or self._block is not Block.PARAGRAPH:
            self._break(Block.PARAGRAPH, start)

    def _block_start(self, c: str, i: int) -> int:
        """The position after a block's opening mark; `i` when there is none; WAIT."""
        if c == "#":
            return self._heading(i)
        if c in "-:":
            found = self._delimiter(i)
            if found != i:
                return found
        if c == ":":
            return self._admonition(i)
        if c in "-*_=":
            found = self._rule(i)
            if found != i:
                return found
        if c in "-*+•⁃‣◦▪":
            return self._bullet(i)
        if c in "0123456789(":
            return self._numbered(i)
        if c in "abcdefghijklmnopqrstuvwxyz":
            return self._lettered(i)
        if c in "`~":
            return self._open_fence(i)
        if c == "|":
            return self._row(i)
        if c == "[":
            return self._definition(i)
        return i

    def _heading(self, i: int) -> int:
        found = _HEADING.match(self._buffer, i)
        if found is None:
            run = len(self._buffer) - i
            return WAIT if not self._final and run <= 6 and self._buffer[i:] == "#" * run else i
        self._break(Block.HEADING, self.base + i)
        self._state = State.INLINE
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
        self._cells = []
        return line + 1

    def _rule(self, i: int) -> int:
        found = _RULE.match(self._buffer, i, i + HOLD)
        if found and (self._final or found.group().endswith("\n")):
            if self._buffer[i] == "=" and not self._open:
                return i
            self._break(Block.PARAGRAPH, self.base + i)
            return found.end()
        if not self._final and len(self._buffer) - i < HOLD and _RULE_PART.match(self._buffer, i):
            return WAIT
        return i

    def _bullet(self, i: int) -> int:
        if not self._final and _TASK_PART.match(self._buffer, i):
            return WAIT
        found = _BULLET.match(self._buffer, i)
        if found is None:
            return i
        self._break(Block.LIST_ITEM, self.base + i)
        return self._item(found.end())

    def _item(self, after: int) -> int:
        self._listed = True
        self._mark_end = self.base + after
        return after

    def _numbered(self, i: int) -> int:
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
        number = found[1] or found[2]
        if self._open and self._block is not Block.LIST_ITEM and number != "1":
            return i  # "in\n45. Nobody": only a 1 may interrupt a paragraph
        self._break(Block.LIST_ITEM, self.base + i, number)
        return self._item(found.end())

    def _lettered(self, i: int) -> int:
        """ "a. " and "ii) " begin items too, but a letter is text."""
        if not self._final and _LETTER_PART.match(self._buffer, i):
            return WAIT
        if _LETTER.match(self._buffer, i):
            self._break(Block.LIST_ITEM, self.base + i)
            self._listed = True
        return i

    def _indented_code(self, at: int, i: int) -> int | None:
        """A line four columns in, after a blank one: code, unless it may belong to a list or reads like prose.
        None when it is text.
        """
        if not INDENT.match(self._buffer, at, i):
            if i == at:
                self._listed = False
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
        self._fence, self._lines, self._state = "", 0, state

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
        self._break(Block.HEADING if after < line else Block.PARAGRAPH, self.base + i)
        if after < line:
            self._state = State.INLINE
            return after
        return min(line + 1, len(buffer))

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
        if self._cells is not None:
            if not is_delimiter_row(row):
                chunk = row_chunk(self._cells, row, self.base + i, self._plain_of)
                if chunk is not None:
                    self._out.append(chunk)
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
        self._cells = [self._plain_of(text, 0)[0].strip() for text, _ in split_cells(row)]
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
            self._break(Block.PARAGRAPH, self.base + i)
            self._state = State.INLINE
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
        if self._block is not Block.PARAGRAPH and self._block is not Block.LIST_ITEM:
            self._break(Block.PARAGRAPH, self.base + i)
        elif self._newline >= 0 and self._open and not self._before.endswith((" ", "\t")):
            self._text(" ", self._newline, self._newline + 1)
        self._newline = -1
        self._line = self.base + i
        self._state = State.INLINE
        return i


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
