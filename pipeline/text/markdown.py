"""The streaming markdown filter: raw reply in, plain text and block breaks out.

Whatever cannot be told yet (is this `[` a link?) is held, at most to the end of its line or a few hundred
characters; then it counts as text. So the result never depends on how the reply was cut into tokens.
"""

from __future__ import annotations

import re
from enum import Enum
from html import unescape
from typing import NamedTuple

from pipeline.text.models import Block, Boundary, TextChunk
from pipeline.text.tables import Cells, is_delimiter_row, row_chunk, split_cells

__all__ = ["Break", "MarkdownFilter", "Piece", "Text"]

_HOLD = 200  # an unclosed mark is text after so many characters
_LONG_HOLD = 600  # link targets, URLs and display formulas run longer than that
_ROW_HOLD = 2_000  # a table row is a line, and a line may be long

_WAIT = -1


class Text(NamedTuple):
    """Plain text for raw [start, end); `whole` text must not be cut inside."""

    text: str
    start: int
    end: int
    whole: bool = False


class Break(NamedTuple):
    """The block so far ends; what follows, from raw `start` on, is a `block`."""

    block: Block
    info: str
    start: int


Piece = Text | Break | TextChunk


class _State(Enum):
    LINE_START = 1
    INLINE = 2
    CODE = 3
    HIDDEN = 4


_INLINE = re.compile(r"[*_`\[<&$\\~\n\r]|!(?=\[|\Z)|:(?=//|/?\Z)")
_EMPHASIS = re.compile(r"\*{1,64}|_{1,64}|~{1,64}")
_TICKS = re.compile(r"`{1,64}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_PART = re.compile(r"&(?:#\d{0,7}|#[xX][0-9a-fA-F]{0,6}|[A-Za-z][A-Za-z0-9]{0,31})?\Z")
_URL = re.compile(r"://[^\s<>\"`|\[\]{}*）」』】。，、！？；]+")
_URL_TAIL = ".,;:!?'_~"
_LABEL = re.compile(r"\[(?:[^\[\]\n\\]|\\.|\[[^\[\]\n]*\])*\]")
_LABEL_PART = re.compile(r"\[(?:[^\[\]\n\\]|\\.|\[[^\[\]\n]*\])*(?:\[[^\[\]\n]*|\\)?\Z")
_TARGET = re.compile(
    r"\([ \t]*(?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*\)"
)
_TARGET_PART = re.compile(
    r"\([ \t]*(?:<[^<>\n]*>?|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*(?:\([^\s()]*)?)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"?|'[^'\n]*'?|\([^()\n]*\)?)?)?[ \t]*\Z"
)
_ATTRIBUTE = r"[ \t]+[\w:.@-]+[ \t]*=[ \t]*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+)"
_TAG = re.compile(rf"<(/?)([A-Za-z][\w:-]*)(?:{_ATTRIBUTE})*[ \t]*/?>")
_TAG_PART = re.compile(
    rf"</?(?:[A-Za-z][\w:-]*(?:{_ATTRIBUTE})*"
    r"(?:[ \t]+(?:[\w:.@-]+[ \t]*(?:=[ \t]*(?:\"[^\"<>]*|'[^'<>]*|[^\s\"'<>=]*)?)?)?|[ \t]*/)?)?\Z"
)
_AUTOLINK = re.compile(r"<(?:mailto:)?([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)>")
_AUTOLINK_PART = re.compile(r"<[A-Za-z][^\s<>]*\Z")
_THINK = frozenset({"think", "thinking", "reasoning"})
_KEPT_TAGS = frozenset({"emotion"})  # the normaliser turns these into a chunk's emotion
_BLOCK_TAGS = frozenset(
    {"p", "div", "ul", "ol", "li", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote"}
)
_INLINE_TAGS = frozenset(
    {
        "a",
        "b",
        "code",
        "del",
        "em",
        "i",
        "ins",
        "kbd",
        "mark",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "u",
    }
)  # others after a letter are no tags: List<String>
_FENCE = re.compile(r"`{3,64}|~{3,64}")
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*)(?:\n|\Z)")
_RULE_PART = re.compile(r"(?:(?:\*[ \t]*)+|(?:-[ \t]*)+|(?:_[ \t]*)+|=+[ \t]*)\Z")
_HEADING = re.compile(r"#{1,6}(?=[ \t\n])")
_BULLET = re.compile(r"(?:[-*+](?=[ \t\n])|[•⁃‣◦▪](?=.|\n))[ \t]{0,9}(?:\[[ xX]\](?=[ \t]))?")
_TASK_PART = re.compile(r"[-*+•⁃‣◦▪][ \t]{0,9}(?:\[[ xX]?\]?)?\Z")
_NUMBER = re.compile(r"(?:(\d{1,3})(?:\.\)|[.)])|\((\d{1,3})\))(?=[ \t\n]|\Z)")
_NUMBER_PART = re.compile(r"\d{1,3}(?:\.\)?|\))?\Z|\((?:\d{1,3}\)?)?\Z")
_LETTER = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:\.\)|[.)])[ \t]")
_LETTER_PART = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:\.\)?|\))?\Z")
_CLOSED_MATH = re.compile(r"\$(?=[^\s$\d])[^$\n]*[^\s$\\]\$(?!\d)")


class MarkdownFilter:
    """Feed it raw text; it returns the pieces that are certain. `feed(..., final=True)` ends the reply."""

    def __init__(self, max_chars: int = 300) -> None:
        self.max_chars = max_chars
        self._reset()

    def _reset(self) -> None:
        self.held = ""  # raw text not yet decided
        self.base = 0  # raw offset of held[0]
        self._state = _State.LINE_START
        self._before = ""  # the last two plain characters: emphasis goes by its neighbours
        self._block = Block.PARAGRAPH
        self._open = False  # the block has text, so a line break in it may be a space
        self._newline = -1  # raw offset of a line break not yet decided: a space or the end of the block
        self._quoted = False
        self._fence = ""
        self._language = ""
        self._lines = 0
        self._until: re.Pattern[str] | None = None
        self._cells: Cells | None = None
        self._plain_row = -1  # raw offset of a "|" line that is known not to be a table

    @property
    def inline(self) -> bool:
        """Nothing is held, and text without markup would pass as it is."""
        return self._state is _State.INLINE and not self.held

    def skip(self, text: str) -> None:
        """Note plain text that the caller took past the filter (only while `inline`)."""
        self.base += len(text)
        self._before = (self._before + text)[-2:]

    def feed(self, text: str, *, final: bool = False) -> list[Piece]:
        buffer = (self.held + text) if self.held else text
        self._buffer, self._final = buffer, final
        self._out: list[Piece] = []
        at, size = 0, len(buffer)
        while at < size:
            match self._state:
                case _State.INLINE:
                    after = self._inline(at)
                case _State.LINE_START:
                    after = self._line_start(at)
                case _State.CODE:
                    after = self._code(at)
                case _State.HIDDEN:
                    after = self._hidden(at)
            if after == _WAIT:
                break
            at = after
        self.base += at
        self.held = buffer[at:]
        out = self._out
        if final:
            if self._state is _State.CODE:
                self._end_code(self.base, self.base)
            self._reset()
        return out

    def loosen(self) -> list[Piece]:
        """The stream is idle: give out a held "!" (it waits only because "![" would begin an image)."""
        if self.held != "!" or self._state is not _State.INLINE:
            return []
        self._out = []
        self._text("!", self.base, self.base + 1)
        self.base += 1
        self.held = ""
        return self._out

    # -- output -------------------------------------------------------------------------------------------

    def _text(self, text: str, start: int, end: int, whole: bool = False) -> None:
        self._out.append(Text(text, start, end, whole))
        self._before = text[-2:] if len(text) > 1 else (self._before + text)[-2:]
        self._open = True

    def _break(self, block: Block, start: int, info: str = "") -> None:
        self._out.append(Break(block, info, start))
        self._block, self._open, self._newline, self._before = block, False, -1, ""

    def _code_line(self, text: str, start: int, boundary: Boundary) -> None:
        end = start + len(text)
        self._out.append(TextChunk(text, start, end, boundary, Block.CODE, self._language))

    # -- blocks -------------------------------------------------------------------------------------------

    def _line_start(self, at: int) -> int:
        buffer, final = self._buffer, self._final
        size = len(buffer)
        i = at
        while i < size and buffer[i] in " \t":
            i += 1
            if i - at > _HOLD:
                break
        if i == size:
            return size if final else _WAIT
        c = buffer[i]
        start = self.base + i
        if c in "\n\r":
            if c == "\n":
                self._blank_line(start)
            return i + 1
        if c == ">":
            if not self._quoted:
                self._quoted = True
                if self._open:
                    self._break(Block.PARAGRAPH, start)
            return i + 1
        if self._cells is not None and c != "|":
            self._cells = None
        after = self._block_start(c, i)
        if after != i:
            return after
        return self._paragraph_line(i)

    def _blank_line(self, start: int) -> None:
        self._quoted = False
        self._cells = None
        if self._open or self._block is not Block.PARAGRAPH:
            self._break(Block.PARAGRAPH, start)

    def _block_start(self, c: str, i: int) -> int:
        """The position after a block's opening mark; `i` when there is none; _WAIT."""
        if c == "#":
            return self._heading(i)
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
            return _WAIT if not self._final and run <= 6 and self._buffer[i:] == "#" * run else i
        self._break(Block.HEADING, self.base + i)
        self._state = _State.INLINE
        return found.end()

    def _rule(self, i: int) -> int:
        found = _RULE.match(self._buffer, i, i + _HOLD)
        if found and (self._final or found.group().endswith("\n")):
            if self._buffer[i] == "=" and not self._open:
                return i
            self._break(Block.PARAGRAPH, self.base + i)
            return found.end()
        if not self._final and len(self._buffer) - i < _HOLD and _RULE_PART.match(self._buffer, i):
            return _WAIT
        return i

    def _bullet(self, i: int) -> int:
        if not self._final and _TASK_PART.match(self._buffer, i):
            return _WAIT
        found = _BULLET.match(self._buffer, i)
        if found is None:
            return i
        self._break(Block.LIST_ITEM, self.base + i)
        return found.end()

    def _numbered(self, i: int) -> int:
        if not self._final and _NUMBER_PART.match(self._buffer, i):
            return _WAIT
        found = _NUMBER.match(self._buffer, i)
        if found is None:
            return i
        number = found[1] or found[2]
        if self._open and self._block is not Block.LIST_ITEM and number != "1":
            return i  # "in\n45. Nobody": only a 1 may interrupt a paragraph
        self._break(Block.LIST_ITEM, self.base + i, number)
        return found.end()

    def _lettered(self, i: int) -> int:
        """ "a. " and "ii) " begin items too, but a letter is text."""
        if not self._final and _LETTER_PART.match(self._buffer, i):
            return _WAIT
        if _LETTER.match(self._buffer, i):
            self._break(Block.LIST_ITEM, self.base + i)
        return i

    def _open_fence(self, i: int) -> int:
        buffer = self._buffer
        run = _FENCE.match(buffer, i)
        if run is None:
            return _WAIT if not self._final and buffer[i : i + 3] in {"`", "``", "~", "~~"} else i
        end = run.end()
        line = buffer.find("\n", end, end + _HOLD)
        if line < 0:
            if not self._final:
                return _WAIT if len(buffer) - end < _HOLD and "`" not in buffer[end:] else i
            line = len(buffer)
        info = buffer[end:line]
        if "`" in info:
            return i  # ```code``` within a line
        self._break(Block.CODE, self.base + i)
        words = info.split()
        self._language = words[0].strip("{}.").lower() if words else ""
        self._fence, self._lines, self._state = run.group(), 0, _State.CODE
        return min(line + 1, len(buffer))

    def _row(self, i: int) -> int:
        buffer = self._buffer
        if self.base + i == self._plain_row:
            return i
        line = buffer.find("\n", i)
        if line < 0:
            if len(buffer) - i > _ROW_HOLD:
                self._plain_row = self.base + i
                return i
            if not self._final:
                return _WAIT
            line = len(buffer)
        if line - i > _ROW_HOLD:
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
        undecided = following < 0 and not self._final and len(after) <= _ROW_HOLD
        if undecided and not after.strip(" \t\r|:-"):
            return _WAIT
        if not is_delimiter_row(after):
            self._plain_row = self.base + i
            return i
        self._break(Block.TABLE_ROW, self.base + i)
        self._cells = [self._plain_of(text, 0)[0].strip() for text, _ in split_cells(row)]
        return min(line + 1, len(buffer))

    def _plain_of(self, text: str, start: int) -> tuple[str, list[tuple[int, int]]]:
        """Inline text without its markdown, and the map from it to raw offsets."""
        inner = MarkdownFilter(self.max_chars)
        inner._state = _State.INLINE
        inner.base = start
        plain, points = "", []
        for piece in inner.feed(text, final=True):
            if isinstance(piece, Text):
                points.append((len(plain), piece.start))
                if len(piece.text) != piece.end - piece.start:
                    points.append((len(plain) + len(piece.text), piece.end))
                plain += piece.text
        return plain, points

    def _definition(self, i: int) -> int:
        """`[label]: url` is dropped, of `[^1]: note` only the marker."""
        buffer = self._buffer
        close = buffer.find("]", i, i + _HOLD)
        if close < 0 or "\n" in buffer[i:close]:
            return i
        if close + 1 == len(buffer):
            return i if self._final else _WAIT
        if buffer[close + 1] != ":":
            return i
        if buffer[i + 1] == "^":
            self._break(Block.PARAGRAPH, self.base + i)
            self._state = _State.INLINE
            return close + 2
        line = buffer.find("\n", i, i + _LONG_HOLD)
        if line < 0:
            if not self._final and len(buffer) - i < _LONG_HOLD:
                return _WAIT
            line = len(buffer)
        target = buffer[close + 2 : line].split()
        if target and ("://" in target[0] or target[0].startswith(("<", "/", "#", "mailto:"))):
            return min(line + 1, len(buffer))
        return i

    def _paragraph_line(self, i: int) -> int:
        if self._block is Block.HEADING or (self._block in {Block.TABLE_ROW, Block.CODE, Block.MATH}):
            self._break(Block.PARAGRAPH, self.base + i)
        elif self._newline >= 0 and self._open and not self._before.endswith((" ", "\t")):
            self._text(" ", self._newline, self._newline + 1)
        self._newline = -1
        self._state = _State.INLINE
        return i

    # -- code and hidden text -----------------------------------------------------------------------------

    def _code(self, at: int) -> int:
        buffer = self._buffer
        line = buffer.find("\n", at)
        if line < 0:
            text = buffer[at:]
            if not self._final:
                if len(text) <= self.max_chars + len(self._fence):
                    return _WAIT
                piece = text[: self.max_chars]
                self._code_line(piece, self.base + at, Boundary.FORCED)
                return at + len(piece)
            line = len(buffer)
        text = buffer[at:line]
        bare = text.strip()
        after = min(line + 1, len(buffer))
        if len(bare) >= len(self._fence) and bare == self._fence[0] * len(bare):
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

    def _end_code(self, start: int, end: int) -> None:
        info = f"{self._language}:{self._lines}"
        if self._lines:
            self._out.append(TextChunk("", start, end, Boundary.PARAGRAPH, Block.CODE_END, info))
        self._break(Block.PARAGRAPH, end)
        self._state = _State.LINE_START

    def _hidden(self, at: int) -> int:
        assert self._until is not None
        found = self._until.search(self._buffer, at)
        if found:
            self._state = _State.INLINE if self._open else _State.LINE_START
            self._until = None
            return found.end()
        if self._final:
            return len(self._buffer)
        tail = self._buffer.rfind("<", max(at, len(self._buffer) - 32))
        return tail if tail > at else (_WAIT if tail == at else len(self._buffer))

    # -- inline -------------------------------------------------------------------------------------------

    def _inline(self, at: int) -> int:
        found = _INLINE.search(self._buffer, at)
        if found is None:
            self._text(self._buffer[at:], self.base + at, self.base + len(self._buffer))
            return len(self._buffer)
        i = found.start()
        if i > at:
            self._text(self._buffer[at:i], self.base + at, self.base + i)
            return i
        match self._buffer[i]:
            case "\n":
                self._newline = self.base + i
                self._state = _State.LINE_START
                if self._block is Block.HEADING:
                    self._break(Block.PARAGRAPH, self.base + i)
                return i + 1
            case "\r":
                return i + 1
            case "*" | "_" | "~":
                return self._emphasis(i)
            case "`":
                return self._inline_code(i)
            case "[":
                return self._link(i, i)
            case "!":
                return self._image(i)
            case "<":
                return self._angle(i)
            case "&":
                return self._entity(i)
            case "$":
                return self._dollar(i)
            case "\\":
                return self._backslash(i)
            case _:
                return self._url(i)

    def _literal(self, i: int, size: int = 1) -> int:
        self._text(self._buffer[i : i + size], self.base + i, self.base + i + size)
        return i + size

    def _open_ended(self, i: int, limit: int = _HOLD) -> bool:
        """More text may still close the mark at `i`."""
        return not self._final and len(self._buffer) - i < limit and "\n" not in self._buffer[i:]

    def _emphasis(self, i: int) -> int:
        buffer = self._buffer
        run = _EMPHASIS.match(buffer, i)
        assert run is not None
        end = run.end()
        if end == len(buffer) and not self._final and end - i < 64:
            return _WAIT
        mark, size = buffer[i], end - i
        before = self._before[-1:]
        after = buffer[end : end + 1]
        open_left, open_right = not before or before.isspace(), not after or after.isspace()
        keep = open_left and open_right and size < 3
        if mark == "~":
            keep = size == 1 or keep
        elif not keep and mark == "_":
            keep = _is_word(before) and _is_word(after)
        elif not keep:
            keep = (before.isdigit() and after.isdigit()) or (
                size == 1 and before.isascii() and after.isascii() and before.isalnum() and after.isalnum()
            )
            if size == 1 and open_left and after.isdigit() and self._before[:1].isdigit():
                keep = True  # "5 *3"
        return self._literal(i, size) if keep else end

    def _inline_code(self, i: int) -> int:
        buffer = self._buffer
        run = _TICKS.match(buffer, i)
        assert run is not None
        size = run.end() - i
        if run.end() == len(buffer) and not self._final and size < 64:
            return _WAIT
        close = re.compile(rf"(?<!`)`{{{size}}}(?!`)").search(buffer, run.end(), i + _HOLD)
        if close and close.end() - i < _HOLD and "\n" not in buffer[i : close.start()]:
            if close.end() == len(buffer) and not self._final:
                return _WAIT
            inside = buffer[run.end() : close.start()]
            start = run.end()
            if inside.strip() and inside[0] == " " == inside[-1]:
                inside, start = inside[1:-1], start + 1
            self._text(inside, self.base + start, self.base + start + len(inside), whole=True)
            return close.end()
        if self._open_ended(i):
            return _WAIT
        return run.end()  # an unpaired backtick says nothing

    def _link(self, i: int, label_at: int) -> int:
        """`[label](target)` and `[label][ref]` say their label; any other bracket is text."""
        buffer = self._buffer
        label = _LABEL.match(buffer, label_at, label_at + _HOLD)
        if label is None:
            if self._open_ended(i) and _LABEL_PART.match(buffer, label_at):
                return _WAIT
            return self._literal(i, label_at - i + 1)
        end = label.end()
        if end == len(buffer) and not self._final:
            return _WAIT
        inside = buffer[label_at + 1 : end - 1]
        if inside.isdigit():
            return self._literal(i, label_at - i + 1)  # "[1]" is a source's number
        if inside.startswith("^") and len(inside) > 1 and " " not in inside:
            return end  # a footnote's mark
        following = buffer[end : end + 1]
        if following == "(":
            target = _TARGET.match(buffer, end, end + _LONG_HOLD)
            if target:
                return self._label(inside, label_at + 1, target.end())
            if self._open_ended(end, _LONG_HOLD) and _TARGET_PART.match(buffer, end):
                return _WAIT
        elif following == "[" and inside:
            ref = re.compile(r"\[[^\[\]\n]*\]").match(buffer, end, end + _HOLD)
            if ref:
                return self._label(inside, label_at + 1, ref.end())
            if self._open_ended(end) and "[" not in buffer[end + 1 :]:
                return _WAIT
        return self._literal(i, label_at - i + 1)

    def _label(self, inside: str, at: int, after: int) -> int:
        plain, points = self._plain_of(inside, self.base + at)
        if plain:
            self._pieces(plain, points, self.base + at + len(inside))
        return after

    def _pieces(self, plain: str, points: list[tuple[int, int]], end: int) -> None:
        """One uncuttable text in several pieces, each with its own raw offset."""
        for n, (here, raw) in enumerate(points):
            there, raw_end = points[n + 1] if n + 1 < len(points) else (len(plain), end)
            if there > here:
                self._text(plain[here:there], raw, min(raw + there - here, raw_end), whole=True)

    def _image(self, i: int) -> int:
        if i + 1 == len(self._buffer):
            return self._literal(i) if self._final else _WAIT
        return self._link(i, i + 1)

    def _angle(self, i: int) -> int:
        buffer = self._buffer
        following = buffer[i + 1 : i + 2]
        if not following:
            return self._literal(i) if self._final else _WAIT
        if following == "!":
            return self._comment(i)
        if not (following.isalpha() or following == "/"):
            return self._literal(i)
        tag = _TAG.match(buffer, i, i + _HOLD)
        if tag:
            return self._tag(i, tag)
        link = _AUTOLINK.match(buffer, i, i + _LONG_HOLD)
        if link:
            self._text(link[1], self.base + link.start(1), self.base + link.end(1), whole=True)
            return link.end()
        if self._open_ended(i) and (_TAG_PART.match(buffer, i) or _AUTOLINK_PART.match(buffer, i)):
            return _WAIT
        return self._literal(i)

    def _tag(self, i: int, tag: re.Match[str]) -> int:
        name = tag[2].lower()
        if name in _THINK:
            if not tag[1]:
                self._until = re.compile(rf"</{name}\s*>", re.IGNORECASE)
                self._state = _State.HIDDEN
        elif name in _KEPT_TAGS:
            self._text(tag.group(), self.base + i, self.base + tag.end(), whole=True)
        elif name == "br":
            if self._open and not self._before.endswith(" "):
                self._text(" ", self.base + i, self.base + tag.end())
        elif name in _BLOCK_TAGS:
            self._break(Block.LIST_ITEM if name == "li" and not tag[1] else Block.PARAGRAPH, self.base + i)
        elif self._before[-1:].isalnum() and not tag[1] and name not in _INLINE_TAGS:
            self._text(tag.group(), self.base + i, self.base + tag.end(), whole=True)  # List<String>
        return tag.end()

    def _comment(self, i: int) -> int:
        end = self._buffer.find("-->", i, i + _LONG_HOLD)
        if self._buffer.startswith("<!--", i) and end >= 0:
            return end + 3
        part = self._buffer[i : i + 4]
        if not self._final and "<!--".startswith(part) and len(self._buffer) - i < _LONG_HOLD:
            return _WAIT
        return self._literal(i)

    def _entity(self, i: int) -> int:
        found = _ENTITY.match(self._buffer, i)
        if found:
            text = unescape(found.group())
            if text != found.group():
                self._text(text, self.base + i, self.base + found.end())
                return found.end()
        elif not self._final and _ENTITY_PART.match(self._buffer, i):
            return _WAIT
        return self._literal(i)

    def _dollar(self, i: int) -> int:
        """Display formulas become chunks, inline ones stay whole, and a price is just text."""
        buffer = self._buffer
        following = buffer[i + 1 : i + 2]
        if not following:
            return self._literal(i) if self._final else _WAIT
        if following == "$":
            return self._display(i, "$$")
        if following.isspace() or following.isdigit():
            return self._literal(i)
        found = _CLOSED_MATH.match(buffer, i, i + _HOLD)
        if found and found.end() - i == _HOLD:
            found = None
        if found and (found.end() < len(buffer) or self._final):
            return self._whole(i, found.end())
        if self._open_ended(i) and (found or "$" not in buffer[i + 1 :]):
            return _WAIT
        return self._literal(i)

    def _whole(self, i: int, end: int) -> int:
        self._text(self._buffer[i:end], self.base + i, self.base + end, whole=True)
        return end

    def _backslash(self, i: int) -> int:
        buffer = self._buffer
        following = buffer[i + 1 : i + 2]
        if not following:
            return self._literal(i) if self._final else _WAIT
        if following == "(":
            close = buffer.find("\\)", i, i + _HOLD)
            if close >= 0 and "\n" not in buffer[i:close]:
                return self._whole(i, close + 2)
            return _WAIT if self._open_ended(i) else self._literal(i)
        if following == "[":
            return self._display(i, "\\]")
        if following.isascii() and not following.isalnum() and not following.isspace():
            self._text(following, self.base + i + 1, self.base + i + 2)
            return i + 2
        return i + 1 if following == "\n" else self._literal(i)

    def _display(self, i: int, closing: str) -> int:
        buffer = self._buffer
        close = buffer.find(closing, i + 2, i + _LONG_HOLD)
        blank = buffer.find("\n\n", i, i + _LONG_HOLD)
        if close >= 0 and not 0 <= blank < close:
            block = self._block if self._block is Block.LIST_ITEM else Block.PARAGRAPH
            self._break(Block.MATH, self.base + i)
            inside = buffer[i + 2 : close]
            text = inside.strip()
            start = self.base + i + 2 + (len(inside) - len(inside.lstrip()))
            if text:
                self._out.append(TextChunk(text, start, start + len(text), Boundary.PARAGRAPH, Block.MATH))
            self._break(block, self.base + close + 2)
            return close + 2
        if blank < 0 and not self._final and len(buffer) - i < _LONG_HOLD:
            return _WAIT
        return i + 2 if closing == "$$" else self._literal(i, 2)

    def _url(self, i: int) -> int:
        buffer = self._buffer
        if not self._before[-1:].isalnum():
            return self._literal(i)
        if not self._final and len(buffer) - i < 3 and "://".startswith(buffer[i:]):
            return _WAIT
        found = _URL.match(buffer, i, i + _LONG_HOLD)
        if found is None:
            return self._literal(i)
        end = found.end()
        if end == len(buffer) and not self._final:
            return _WAIT
        while end > i + 3 and (buffer[end - 1] in _URL_TAIL or _stray_bracket(buffer[i:end])):
            end -= 1
        return self._whole(i, end)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _stray_bracket(url: str) -> bool:
    return url.endswith(")") and url.count(")") > url.count("(")
