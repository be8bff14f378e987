"""Links, images, autolinks, tags and comments."""

from __future__ import annotations

import re

from pipeline.text.reader import HOLD, LIST_ITEM, LONG_HOLD, NO_ADDRESS, PARAGRAPH, WAIT, Reader, State
from pipeline.text.speech_rules import DEFAULT_EMOTIONS

__all__ = ["RAISED", "LinkReader"]

_LABEL = re.compile(r"\[(?:[^\[\]\n\\]|\\.|\[[^\[\]\n]*\])*\]")
_LABEL_MARKS = re.compile(r"[\[\]\\\n]")
_LABEL_PART = re.compile(r"\[(?:[^\[\]\n\\]|\\.|\[[^\[\]\n]*\])*(?:\[[^\[\]\n]*|\\)?\Z")
_TARGET = re.compile(
    r"\([ \t]*(?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*\)"
)
_TARGET_PART = re.compile(
    r"\([ \t]*(?:<[^<>\n]*>?|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*(?:\([^\s()]*)?)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"?|'[^'\n]*'?|\([^()\n]*\)?)?)?[ \t]*\Z"
)
_LINK = re.compile(r"\[([^\[\]\n*_`\r\\<&$~^!:=]{1,150})\]\([^\s()<>]{1,500}\)")  # the most usual
_REFERENCE = re.compile(r"\[[^\[\]\n]*\]")
_ATTRIBUTE = r"[ \t]+[\w:.@-]+[ \t]*=[ \t]*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+)"
_TAG = re.compile(rf"<(/?)([A-Za-z][\w:-]*)(?:{_ATTRIBUTE})*[ \t]*/?>")
_TAG_PART = re.compile(
    rf"</?(?:[A-Za-z][\w:-]*(?:{_ATTRIBUTE})*"
    r"(?:[ \t]+(?:[\w:.@-]+[ \t]*(?:=[ \t]*(?:\"[^\"<>]*|'[^'<>]*|[^\s\"'<>=]*)?)?)?|[ \t]*/)?)?\Z"
)
_AUTOLINK = re.compile(r"<(?:mailto:)?([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)>")
_AUTOLINK_PART = re.compile(r"<[A-Za-z][^\s<>]*\Z")
_THINK = frozenset({"think", "thinking", "reasoning"})
_CODE_TAGS = frozenset({"script", "style", "pre"})  # what they contain is no text
_CLOSE = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _THINK | _CODE_TAGS}
_SUPERSCRIPT = re.compile(r"[ \t]{0,9}(?:([+−-]?\d{1,4})|([A-Za-z]))[ \t]{0,9}</sup>", re.IGNORECASE)
_SUPERSCRIPT_PART = re.compile(
    r"[ \t]{0,9}(?:[+−-]?\d{0,4}|[A-Za-z])[ \t]{0,9}(?:<(?:/(?:s(?:u(?:p)?)?)?)?)?\Z", re.IGNORECASE
)
RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_LINE_END = re.compile(r"[ \t\r]{0,32}\n")
# The normaliser turns these into a chunk's emotion: <emotion value="…"/>, <sigh/>, <whisper>
_KEPT_TAGS = frozenset({"emotion"} | {name for name in DEFAULT_EMOTIONS if name.isascii()})
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


class LinkReader(Reader):
    """What stands in `[ ]` and `< >`."""

    _until: re.Pattern[str] | None  # what ends the hidden text

    def _plain_of(self, text: str, start: int) -> tuple[str, list[tuple[int, int]]]:
        """The plain text of a label or cell, and the map from it to raw offsets."""
        raise NotImplementedError

    def _bracket(self, i: int) -> int:
        found = _LINK.match(self._buffer, i)
        if found is None or found[1].isdigit():
            return self._link(i, i)
        start, end = found.span(1)
        self._text(found[1], self.base + start, self.base + end, self.base + end)
        self.closed = self.base + found.end()
        return found.end()

    def _link(self, i: int, label_at: int) -> int:
        """`[label](target)` and `[label][ref]` say their label; any other bracket is text."""
        buffer = self._buffer
        label = _LABEL.match(buffer, label_at, label_at + HOLD)
        if label is None:
            if self._open_ended(i) and _LABEL_PART.match(buffer, label_at):
                return self._await(_LABEL_MARKS, HOLD)
            return self._literal(i, label_at - i + 1)
        end = label.end()
        if end == len(buffer) and not self._final:
            return WAIT
        inside = buffer[label_at + 1 : end - 1]
        if inside.isdigit():
            return self._literal(i, label_at - i + 1)  # "[1]" is a source's number
        if inside.startswith("^") and len(inside) > 1 and " " not in inside:
            return end  # a footnote's mark
        following = buffer[end : end + 1]
        if following == "(":
            target = _TARGET.match(buffer, end, end + LONG_HOLD)
            if target:
                return self._label(inside, label_at + 1, target.end())
            if self._open_ended(end, LONG_HOLD) and _TARGET_PART.match(buffer, end):
                return self._await(NO_ADDRESS, LONG_HOLD) if buffer[-1].isalnum() else WAIT
        elif following == "[" and inside:
            ref = _REFERENCE.match(buffer, end, end + HOLD)
            if ref:
                return self._label(inside, label_at + 1, ref.end())
            if self._open_ended(end) and "[" not in buffer[end + 1 :]:
                return WAIT
        return self._literal(i, label_at - i + 1)

    def _label(self, inside: str, at: int, after: int) -> int:
        plain, points = self._plain_of(inside, self.base + at)
        if plain:
            self._pieces(plain, points, self.base + at + len(inside))
            return self._mark(self._said - self.base, after)
        return after

    def _pieces(self, plain: str, points: list[tuple[int, int]], end: int) -> None:
        """One uncuttable text in several pieces, each with its own raw offset."""
        for n, (here, raw) in enumerate(points):
            there, raw_end = points[n + 1] if n + 1 < len(points) else (len(plain), end)
            if there > here:
                self._text(plain[here:there], raw, min(raw + there - here, raw_end), end)

    def _image(self, i: int) -> int:
        if i + 1 == len(self._buffer):
            return self._literal(i) if self._final else WAIT
        return self._link(i, i + 1)

    def _angle(self, i: int) -> int:
        buffer = self._buffer
        following = buffer[i + 1 : i + 2]
        if not following:
            return self._literal(i) if self._final else WAIT
        if following == "!":
            return self._comment(i)
        if not (following.isalpha() or following == "/"):
            return self._literal(i)
        tag = _TAG.match(buffer, i, i + HOLD)
        if tag:
            return self._tag(i, tag)
        link = _AUTOLINK.match(buffer, i, i + LONG_HOLD)
        if link:
            self._text(link[1], self.base + link.start(1), self.base + link.end(1), self.base + link.end())
            return self._mark(link.end(1), link.end())
        if self._open_ended(i) and (_TAG_PART.match(buffer, i) or _AUTOLINK_PART.match(buffer, i)):
            return WAIT
        return self._literal(i)

    def _tag(self, i: int, tag: re.Match[str]) -> int:
        name = tag[2].lower()
        if name in _THINK:
            if not tag[1]:
                self._hide(name)
        elif name in _CODE_TAGS:
            return tag.end() if tag[1] else self._code_tag(i, name, tag.end())
        elif name in _KEPT_TAGS:
            self._text(tag.group(), self.base + i, self.base + tag.end(), self.base + tag.end())
        elif name == "sup" and not tag[1]:
            return self._superscript(tag.end())
        elif name == "br":
            if self._open and not self._before.endswith(" "):
                self._text(" ", self.base + i, self.base + tag.end())
        elif name in _BLOCK_TAGS:
            self._break(LIST_ITEM if name == "li" and not tag[1] else PARAGRAPH, self.base + i)
        elif self._before[-1:].isalnum() and not tag[1] and name not in _INLINE_TAGS:
            self._text(tag.group(), self.base + i, self.base + tag.end(), self.base + tag.end())  # List<String>
        elif tag[1]:
            self._mark(i, tag.end())
        return tag.end()

    def _hide(self, name: str) -> None:
        self._until = _CLOSE[name]
        self.state = State.HIDDEN

    def _code_tag(self, i: int, name: str, after: int) -> int:
        """Alone at an end of its line it hides all up to its closing tag; between words ("the <script> tag") only
        what is closed on the same line.
        """
        if self.base + i == self._line:
            self._hide(name)
            return after
        close = _CLOSE[name].search(self._buffer, after, i + LONG_HOLD)
        if close and "\n" not in self._buffer[i : close.start()]:
            return close.end()
        if self._open_ended(i, LONG_HOLD):
            return WAIT
        if _LINE_END.match(self._buffer, after):
            self._hide(name)
        return after

    def _superscript(self, at: int) -> int:
        """x<sup>2</sup> is "x²" and x<sup>n</sup> "x^n"; what is longer ("1<sup>st</sup>") just goes on."""
        found = _SUPERSCRIPT.match(self._buffer, at)
        if found is None:
            return WAIT if not self._final and _SUPERSCRIPT_PART.match(self._buffer, at) else at
        before = self._before
        if found[1] and before[-1:].strip():
            self._text(found[1].translate(RAISED), self.base + found.start(1), self.base + found.end(1))
        elif found[2] and before[-1:].isalnum() and not before[-2:-1].isalpha():
            self._text("^" + found[2], self.base + found.start(2), self.base + found.end(2))
        else:
            return at
        return found.end()

    def _comment(self, i: int) -> int:
        end = self._buffer.find("-->", i, i + LONG_HOLD)
        if self._buffer.startswith("<!--", i) and end >= 0:
            return end + 3
        part = self._buffer[i : i + 4]
        if not self._final and "<!--".startswith(part) and len(self._buffer) - i < LONG_HOLD:
            return WAIT
        return self._literal(i)
