"""Tokens in, speakable chunks out: markdown filter, boundary scanner and policy in one object per turn.

Sans-I/O: no task, no clock. Every method returns the list of the chunks that are certain now; the chunks of a
reply are the same for every way of cutting it into tokens (only `release()`, the caller's clock, is not).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.text.cutter import Cutter
from pipeline.text.limits import ChunkLimits
from pipeline.text.markdown import MarkdownFilter
from pipeline.text.models import TextChunk
from pipeline.text.reader import CODE, HEADING, HIDDEN, INLINE, LINE_BREAK, LINE_START
from pipeline.text.scanner import BREATH, MARKS

__all__ = ["ChunkLimits", "TextChunkProcessor"]

_DEFAULT = ChunkLimits()
_HIDDEN_ROOM = 1_000
_LONG = 2_000  # a longer token is taken in parts: what is read is copied with what is not spoken yet
_GOES_ON = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")  # a mark before these ends nothing: "3.5"

_Search = Callable[[str], re.Match[str] | None]


class _Wake:
    """What may let a chunk leave, when every mark so far is decided: a mark, the end of a line, of a tag or of a
    formula. When it is the last of the text, the next token decides: group 1 is a mark, group 2 with a space behind
    it, or a line break.
    """

    def __init__(self, more: str = "") -> None:
        signs = rf"{MARKS}{more}>$\\\n"
        mark = r"(?<=[.!?…])(?:([.!?…]{0,3}\Z)|([.!?…]{0,3} {1,3}\Z)|(?![a-z0-9]))|(?<=[。！？])( ?\Z)"
        other = r"(?<=\$)(?![ \d])|(?<![.!?…$])"
        self.line = re.compile(rf"[{signs}](?:{mark}|{other})").search
        self.inline = re.compile(rf"[{signs}](?:{mark}|(?<=\n)(\Z)|{other})").search
        item = r"(?:[0-9]{1,3}[.)] |[-*+] )?"
        self.nothing = re.compile(rf"\s*{item}[^{signs}]*|[ ]{{0,3}}{item}[^\W_][^{signs}]*(\n)").fullmatch


_WAKE, _CLAUSE_WAKE, _ARMENIAN_WAKE = _Wake(), _Wake(BREATH), _Wake(":")
_TAG_END = re.compile(">").search
_ANYTHING = re.compile(r"(?s).").match


class TextChunkProcessor:
    """Cuts a reply into chunks. `feed` tokens, `release` when they pause, `flush` at the end.

    After `flush` it is as new: offsets count from 0 again and the next chunk is a first chunk.
    """

    def __init__(self, *, lang: str = "en", limits: ChunkLimits = _DEFAULT) -> None:
        self.lang = lang
        self.limits = limits
        self._cutter = Cutter(lang, limits)
        self._filter = MarkdownFilter(self._cutter, limits.max_chars, self._cutter.scanner.language.follow)
        armenian = self._cutter.scanner.language.code == "hy"
        self._wake = _CLAUSE_WAKE if limits.clause_chars else _ARMENIAN_WAKE if armenian else _WAKE
        self._held = ""  # raw text that is not read yet, or not decided
        self._wakes: _Search = _ANYTHING  # unless this finds something, ...
        self._room = 0  # ... or the held text grows as long as this, no chunk can leave
        self._usual = self._wakes  # what it is when the last mark is decided
        self._line_begins = False  # what is held is the beginning of a line, and nothing waits before it

    def feed(self, text: str) -> list[TextChunk]:
        held = self._held + text
        if len(held) < self._room:
            # Most tokens end here: nothing in them can let a chunk leave.
            found = self._wakes(text)
            if found is None or self._can_wait(found, held):
                self._held = held
                return []
        if len(text) > _LONG:
            return [chunk for at in range(0, len(text), _LONG) for chunk in self.feed(text[at : at + _LONG])]
        self._held = self._filter.read(held)
        self._cutter.look()
        return self._taken()

    def release(self) -> list[TextChunk]:
        """The stream is idle: what is a finished sentence as far as one can see, is given out."""
        self._held = self._filter.loosen(self._filter.read(self._held))
        self._cutter.look()
        self._cutter.release()
        return self._taken()

    def flush(self) -> list[TextChunk]:
        self._filter.read(self._held, final=True)
        out = self._cutter.flush(self._filter.closed)
        self._filter.reset()
        self._held, self._room = "", 0
        return out

    def _can_wait(self, found: re.Match[str], held: str) -> bool:
        """Whether what was found lets no chunk leave before the next token."""
        if found.lastindex:
            self._wakes = self._after_mark if found.lastindex == 1 else _ANYTHING
            return True
        if self._line_begins:
            nothing = self._wake.nothing(held)
            if nothing and nothing.lastindex:
                self._wakes = _ANYTHING
            return nothing is not None
        return False

    def _after_mark(self, text: str) -> re.Match[str] | None:
        """The text so far ended in a mark."""
        if text[:1] not in _GOES_ON:
            return _ANYTHING(text)
        self._wakes = self._usual
        return self._usual(text)

    def _taken(self) -> list[TextChunk]:
        """The chunks; and how long the raw text can be held unread, since no chunk can leave."""
        markdown, state = self._filter, self._filter.state
        out, room = self._cutter.take(state is INLINE)
        self._line_begins = False
        if markdown.awaited is not None:
            self._wakes, self._room = markdown.awaited.search, markdown.room
        elif state is INLINE or state is LINE_START:
            wake = self._wake
            wakes = wake.inline if state is INLINE and markdown.current is not HEADING else wake.line
            self._line_begins = state is LINE_START and markdown.cells is None
            self._wakes = self._usual = wakes
            self._room = 0 if self._held and wakes(self._held) else room
        elif state is HIDDEN:
            self._wakes, self._room = _TAG_END, _HIDDEN_ROOM
        elif state is CODE:
            self._wakes, self._room = LINE_BREAK.search, self.limits.max_chars
        else:
            self._room = 0
        return out
