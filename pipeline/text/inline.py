"""Marks within a line: emphasis, code, entities, formulas, addresses and escapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from html.entities import html5
from typing import ClassVar

from pipeline.text.links import RAISED, LinkReader
from pipeline.text.models import Block, Boundary, TextChunk
from pipeline.text.reader import HOLD, LIST_ITEM, LONG_HOLD, NO_ADDRESS, PARAGRAPH, WAIT

__all__ = ["MARKUP", "InlineReader"]

MARKUP = re.compile(
    r"[*_`\n\r\\\[<&$~^!:=](?:(?<=[*_`\n\r\\])|(?<=\[)(?!\[\[)|(?<=<)(?=[\w/!]|\Z)|(?<=&)(?=[#A-Za-z]|\Z)"
    r"|(?<=\$)(?=[^\s\d]|\Z)|(?<=~)(?=[~\d]|\Z)|(?<=\^)(?=[+\-\d]|\Z)|(?<=!)(?=\[|\Z)|(?<=:)(?=//|/?\Z)"
    r"|(?<==)(?==|\Z))"
)
"""Where text within a line may be more than itself."""

_EMPHASIS = re.compile(r"\*{1,64}|_{1,64}|~{1,64}")
_EMPHASISED = re.compile(
    r"(\*\*(?=[^\s*])|\*(?=[^\W\d_]))((?:[^*_`\n\r\\\[<&$~^!:=]|[!:](?=[ *]))++)(?<=\S)\1(?=[^\w*])"
)  # with nothing else in it
_CODE = re.compile(r"`([^\s`](?:[^`\n]{0,150}[^\s`])?)`(?=[^`])")
_HIGHLIGHT = re.compile(r"==(?=\w)[^=\n]*[^\s=]==(?![\w=])")
_RAISED = re.compile(r"\^([+-]?\d{1,4})\^")
_RAISED_PART = re.compile(r"\^[+-]?\d{0,4}\Z")
_LOWERED = re.compile(r"~(\d{1,4})~")
_LOWERED_PART = re.compile(r"~\d{0,4}\Z")
_EQUALS = re.compile(r"={1,64}")
_TICKS = re.compile(r"`{1,64}")
_TICK_OR_BREAK = re.compile(r"[`\n]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_PART = re.compile(r"&(?:#\d{0,7}|#[xX][0-9a-fA-F]{0,6}|[A-Za-z][A-Za-z0-9]{0,31})?\Z")
_ESCAPED_TAG = re.compile(r"&lt;(/?[A-Za-z][^&<>\n]{0,80})&gt;")
_ESCAPED_TAG_PART = re.compile(r"&lt;(?:/?(?:[A-Za-z][^&<>\n]{0,80}(?:&(?:g(?:t)?)?)?)?)?\Z")
_URL = re.compile(r"://[^\s<>\"`|\[\]{}）」』】。，、！？；]+")
_URL_TAIL = ".,;:!?'*_~"
_CLOSED_MATH = re.compile(r"\$(?=[^\s$\d])[^$\n]*[^\s$\\]\$(?!\d)")


class InlineReader(LinkReader):
    """What stands within a line."""

    def reset(self) -> None:
        super().reset()
        self._highlighted = -1  # raw offset of the "==" that closes one

    def _return(self, i: int) -> int:
        return i + 1

    def _star(self, i: int) -> int:
        if not self._before[-1:].isalnum():
            found = _EMPHASISED.match(self._buffer, i)
            if found:
                begin, end = found.span(2)
                self._text(found[2], self.base + begin, self.base + end)
                self.closed = self.base + found.end()
                return found.end()
        return self._emphasis(i)

    def _emphasis(self, i: int) -> int:
        buffer = self._buffer
        run = _EMPHASIS.match(buffer, i)
        assert run is not None
        end = run.end()
        if end == len(buffer) and not self._final and end - i < 64:
            return WAIT
        mark, size = buffer[i], end - i
        before = self._before[-1:]
        after = buffer[end : end + 1]
        open_left, open_right = not before or before.isspace(), not after or after.isspace()
        keep = open_left and open_right and size < 3
        if mark == "~":
            lowered = _LOWERED.match(buffer, i) if size == 1 and before.isalpha() else None
            if lowered:  # H~2~O
                return self._shown(lowered)
            if size == 1 and before.isalpha() and not self._final and _LOWERED_PART.match(buffer, i):
                return WAIT
            keep = size == 1 or keep
        elif not keep and mark == "_":
            keep = _is_word(before) and _is_word(after)
        elif not keep:
            keep = (before.isdigit() and after.isdigit()) or (
                size == 1 and before.isascii() and after.isascii() and before.isalnum() and after.isalnum()
            )
            if size == 1 and open_left and after.isdigit() and self._before[:1].isdigit():
                keep = True  # "5 *3"
        return self._literal(i, size) if keep else self._mark(i, end)

    def _shown(self, found: re.Match[str]) -> int:
        self._text(found[1], self.base + found.start(1), self.base + found.end(1))
        return found.end()

    def _raised(self, i: int) -> int:
        """x^2^"""
        found = _RAISED.match(self._buffer, i)
        if found and self._before[-1:].isalnum():
            text = found[1].translate(RAISED)
            self._text(text, self.base + found.start(1), self.base + found.end(1))
            return found.end()
        return WAIT if not self._final and _RAISED_PART.match(self._buffer, i) else self._literal(i)

    def _highlight(self, i: int) -> int:
        """==marked words==; other equals signs are text."""
        buffer = self._buffer
        run = _EQUALS.match(buffer, i)
        assert run is not None
        size = run.end() - i
        if run.end() == len(buffer) and not self._final and size < 64:
            return WAIT
        if self.base + i == self._highlighted:
            return self._mark(i, i + 2)
        if size != 2 or self._before[-1:].isalnum():
            return self._literal(i, size)
        found = _HIGHLIGHT.match(buffer, i, i + HOLD)
        if found and found.end() - i < HOLD and (found.end() < len(buffer) or self._final):
            self._highlighted = self.base + found.end() - 2
            return i + 2
        may_close = _is_word(buffer[i + 2]) and "=" not in buffer[i + 2 : -2] if len(buffer) > i + 2 else False
        if self._open_ended(i) and (found or may_close):
            return WAIT
        return self._literal(i, size)

    def _inline_code(self, i: int) -> int:
        buffer = self._buffer
        simple = _CODE.match(buffer, i)
        if simple:
            start, end = simple.span(1)
            self._text(simple[1], self.base + start, self.base + end, self.base + end + 1)
            return self._mark(end, end + 1)
        run = _TICKS.match(buffer, i)
        assert run is not None
        size = run.end() - i
        if run.end() == len(buffer) and not self._final and size < 64:
            return WAIT
        close = re.compile(rf"(?<!`)`{{{size}}}(?!`)").search(buffer, run.end(), i + HOLD)
        if close and close.end() - i < HOLD and "\n" not in buffer[i : close.start()]:
            if close.end() == len(buffer) and not self._final:
                return WAIT
            inside = buffer[run.end() : close.start()]
            start = run.end()
            if inside.strip() and inside[0] == " " == inside[-1]:
                inside, start = inside[1:-1], start + 1
            self._text(inside, self.base + start, self.base + start + len(inside), self.base + close.end())
            return self._mark(start + len(inside), close.end())
        if self._open_ended(i):
            return self._await(_TICK_OR_BREAK, HOLD)
        return run.end()  # an unpaired backtick says nothing

    def _entity(self, i: int) -> int:
        found = _ENTITY.match(self._buffer, i)
        if found:
            if found.group() == "&lt;":  # a tag that is spoken of must not be one for the next stage
                tag = _ESCAPED_TAG.match(self._buffer, i)
                if tag:
                    self._text("‹", self.base + i, self.base + i + 4)
                    self._shown(tag)
                    self._text("›", self.base + tag.end(1), self.base + tag.end())
                    return tag.end()
                if not self._final and _ESCAPED_TAG_PART.match(self._buffer, i):
                    return WAIT
            text = html5.get(found.group()[1:]) or unescape(found.group())
            if text != found.group():
                self._text(text, self.base + i, self.base + found.end())
                return found.end()
        elif not self._final and _ENTITY_PART.match(self._buffer, i):
            return WAIT
        return self._literal(i)

    def _dollar(self, i: int) -> int:
        """Display formulas become chunks, inline ones stay whole, and a price is just text."""
        buffer = self._buffer
        following = buffer[i + 1 : i + 2]
        if not following:
            return self._literal(i) if self._final else WAIT
        if following == "$":
            return self._display(i, "$$")
        if following.isspace() or following.isdigit():
            return self._literal(i)
        found = _CLOSED_MATH.match(buffer, i, i + HOLD)
        if found and found.end() - i == HOLD:
            found = None
        if found and (found.end() < len(buffer) or self._final):
            return self._whole(i, found.end())
        if self._open_ended(i) and (found or "$" not in buffer[i + 1 :]):
            return WAIT
        return self._literal(i)

    def _backslash(self, i: int) -> int:
        buffer = self._buffer
        following = buffer[i + 1 : i + 2]
        if not following:
            return self._literal(i) if self._final else WAIT
        if following == "(":
            close = buffer.find("\\)", i, i + HOLD)
            if close >= 0 and "\n" not in buffer[i:close]:
                return self._whole(i, close + 2)
            return WAIT if self._open_ended(i) else self._literal(i)
        if following == "[":
            return self._display(i, "\\]")
        if following.isascii() and not following.isalnum() and not following.isspace():
            self._text(following, self.base + i + 1, self.base + i + 2)
            return i + 2
        return i + 1 if following == "\n" else self._literal(i)

    def _display(self, i: int, closing: str) -> int:
        buffer = self._buffer
        close = buffer.find(closing, i + 2, i + LONG_HOLD)
        blank = buffer.find("\n\n", i, i + LONG_HOLD)
        if close >= 0 and not 0 <= blank < close:
            block = LIST_ITEM if self.current is LIST_ITEM else PARAGRAPH
            self._break(Block.MATH, self.base + i)
            inside = buffer[i + 2 : close]
            text = inside.strip()
            start = self.base + i + 2 + (len(inside) - len(inside.lstrip()))
            if text:
                self._sink.line(TextChunk(text, start, start + len(text), Boundary.PARAGRAPH, Block.MATH))
            self._break(block, self.base + close + 2)
            return close + 2
        if blank < 0 and not self._final and len(buffer) - i < LONG_HOLD:
            return WAIT
        return i + 2 if closing == "$$" else self._literal(i, 2)

    def _url(self, i: int) -> int:
        buffer = self._buffer
        if not self._before[-1:].isalnum():
            return self._literal(i)
        if not self._final and len(buffer) - i <= 3 and "://".startswith(buffer[i:]):
            return WAIT
        found = _URL.match(buffer, i, i + LONG_HOLD)
        if found is None:
            return self._literal(i)
        end = found.end()
        if end == len(buffer) and not self._final:
            return self._await(NO_ADDRESS, LONG_HOLD)
        while end > i + 3 and (buffer[end - 1] in _URL_TAIL or _stray_bracket(buffer[i:end])):
            end -= 1
        return self._whole(i, end)

    _marks: ClassVar[dict[str, Callable[[InlineReader, int], int]]] = {
        "\r": _return, "*": _star, "_": _emphasis, "~": _emphasis, "=": _highlight, "^": _raised,
        "`": _inline_code, "&": _entity, "$": _dollar, "\\": _backslash, ":": _url,
        "[": LinkReader._bracket, "!": LinkReader._image, "<": LinkReader._angle,
    }  # fmt: skip


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _stray_bracket(url: str) -> bool:
    return url.endswith(")") and url.count(")") > url.count("(")
