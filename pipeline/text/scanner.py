"""The boundary scanner: does a sentence end at this mark? NO, YES or WAIT.

WAIT is the answer whenever the text that decides lies beyond the end of what has arrived, so a verdict never
depends on how the text was cut into tokens. Mostly one character after the space decides; the whole next word
is needed only after abbreviations, initials, hours and dots.
"""

from __future__ import annotations

import re

from pipeline.text.enumeration import is_item
from pipeline.text.full_stop import LOOK, NO, WAIT, YES, FullStop, begins_quoted, blank, uncased
from pipeline.text.nesting import Nesting

__all__ = ["BREATH", "MARKS", "NO", "WAIT", "YES", "Scanner", "Verdict"]

MARKS = r".!?…。！？．؟۔।॥։።။｡፧‼⁇⁈⁉;•⁃)"
"""Characters at which a sentence may end (";" in Greek only, ")" and the bullets for lists within a line)."""

BREATH = r",;:—–،؛、，；："
"""Marks at which a clause may end."""

_ANYWHERE = "。！？؟۔।॥።။｡፧"  # these end a sentence without a space after them
_RUN = re.compile(r"(?:\.(?:[ \u00a0]\.(?!\.)){2,31}|\.[ \u00a0]\.(?![.\w])|[.!?…。！？．؟۔।॥։።။｡፧‼⁇⁈⁉]{1,64})")
_CLOSERS = re.compile(
    r"(?:[\"'”’»›)\]}」』】）〉》“«]|[ \u00a0\u202f](?=»(?!\w))|\[\d{1,3}\]){0,16}"
    r"(?:[ ](?:\[\d{1,3}\]){1,8}(?=\s)){0,4}"  # footnotes
)
_UNSPACED_CLOSERS = re.compile(r"(?:[\"'”’»›)\]}」』】）〉》]|\[\d{1,3}\]){0,16}")
_SPACED_QUOTE = re.compile(r"[ ](''?|\")(?=\s|\Z)")  # in tokenised text
_PART = re.compile(r"[ ](?:\[\d{0,3}\]?){1,8}\Z|[ ]?[:;]-?\Z")  # of a footnote or smiley
_EMOJI = re.compile(
    r"(?:[ ]?(?:[:;]-?[)(DP](?!\w)|[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\uFE0F\u200D\u20E3])){1,16}"
)
_OPENERS = frozenset("\"'“”„«»‹›‘([{¿¡—–-*「『【（ \t\u00a0\u202f")
_QUOTES = frozenset("\"'”’»")
_DOTS = ".!?…"

Verdict = tuple[int, int]
"""An answer, and a position: the cut for YES, where to look on for NO, and where to look again for WAIT."""


class Scanner(FullStop):
    """Judges marks for one text; it remembers only the open quotation marks and the list item it is in."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.nesting = Nesting()

    def begin(self, at: int, item: str = "") -> None:
        """A sentence begins at `at`, in the list item `item`."""
        self.nesting.begin(at)
        self.item = item

    def decide(self, text: str, at: int, start: int, final: bool) -> Verdict:
        """The verdict for the mark at `at`, in the sentence that begins at `start`."""
        mark = text[at]
        following = text[at + 1 : at + 3]
        if mark in _ANYWHERE:
            if following[:1].isalpha():
                return self._unless_inside(text, at + 1, at + 1)
        elif mark in ".!?…" and following[:1] == " " and (following[1:].isalpha() or following[1:].isdecimal()):
            return self._by_next(text, at, start, at + 1, at + 1, at + 2, final)
        if mark in ")•⁃":
            return self._list_mark(text, at, start, final)
        if mark in ";:":
            if self._table(text, at).code != ("el" if mark == ";" else "hy"):
                return (NO, at + 1)
            end = at + 1
        else:
            run = _RUN.match(text, at)
            assert run is not None
            end = run.end()
        size = len(text)
        if end == size:
            return (YES, end) if final else (WAIT, at)
        anywhere = text[end - 1] in _ANYWHERE
        if not anywhere and (text[end].isalnum() or text[end] in "_/@\\&=#%"):
            return self._joined(text, at, start, end, final)
        if text[end] == " " and text[end + 1 : end + 2] in _DOTS and end + 1 < size:
            return self._spaced(text, at, start, end, end, final)
        if at and text[at - 1] == "[" and text[end] == "]":
            return (NO, end)  # "[...]" is an omission
        after = end
        if text[end] != " " or text[end + 1 : end + 2] <= "»":
            closers = (_UNSPACED_CLOSERS if anywhere else _CLOSERS).match(text, end)
            after = closers.end() if closers else end
            quote = _SPACED_QUOTE.match(text, after)
            if quote and self.nesting.awaits(text, at, quote[1]):
                after = quote.end()
        emoji = _EMOJI.match(text, after)
        if emoji:
            after = emoji.end()
        if after == size:
            return (YES, after) if final else (WAIT, at)
        if not final and _PART.match(text, after):
            return (WAIT, at)
        if text[after].isspace():
            return self._spaced(text, at, start, end, after, final)
        if anywhere and text[after - 1] in "）)":  # （…。） ends a sentence that it began
            quoted_end = text[start : start + 8].lstrip()[:1] in {"（", "("}
        else:
            quoted_end = self.language.code == "ja" and not "ぁ" <= text[after] <= "ん"  # 「…。」と goes on
        if emoji or (anywhere and (after == end or quoted_end or text[after] in "「『【（“(")):
            return self._unless_inside(text, after, end)
        return (NO, max(after if anywhere else end, at + 1))

    def _unless_inside(self, text: str, after: int, end: int) -> Verdict:
        return (NO, end) if self.nesting.inside(text, after) else (YES, after)

    def _joined(self, text: str, at: int, start: int, end: int, final: bool) -> Verdict:
        """A forgotten space, "for you.The": only before a word that begins sentences."""
        if end - at > 1 or not text[end].isupper() or text[at] not in ".!?":
            return (NO, end)
        word = self._word_before(text, at, start)
        if not word[-2:].isalnum() or word[-1:].isupper() or "." in word:
            return (NO, end)
        answer = self._starter(text, end, self._table(text, at), final, wanted=True)
        if answer == YES:
            return self._unless_inside(text, end, end)
        return (answer, at if answer == WAIT else end)

    def _spaced(self, text: str, at: int, start: int, end: int, after: int, final: bool) -> Verdict:
        first, stop = after, min(len(text), after + LOOK)
        while first < stop and text[first] in _OPENERS:
            first += 1
        if text[first : first + 1] == "." and text[first + 1 : first + 2].isalpha():
            first += 1  # ".NET"
        if first == len(text) or (text[first] == "." and first + 1 == len(text) and not final):
            return (YES, after) if final else (WAIT, at)
        return self._by_next(text, at, start, end, after, first, final)

    def _by_next(self, text: str, at: int, start: int, end: int, after: int, first: int, final: bool) -> Verdict:
        """The verdict for marks up to `end`, with what closes up to `after`, when `first` is the next character of
        weight.
        """
        if end - at == 1 and text[at] == ".":
            answer = self._dot(text, at, start, first, final)
        else:
            answer = self._other(text, at, start, end, first, final)
        if answer == YES:
            return self._unless_inside(text, after, end)
        if answer == WAIT:
            return (WAIT, at)
        return (NO, end) if answer == NO else (YES, -answer)  # below 0: the cut is before the mark

    def _other(self, text: str, at: int, start: int, end: int, first: int, final: bool) -> int:
        """Marks that are no single full stop, before a space."""
        c = text[first]
        if c in ",;:.!?)…":
            return NO
        dots = text[at] in ".…"
        if dots and " " in text[at:end]:
            return self._spaced_dots(text, at, start, end, first, final)
        if c.islower():
            return self._lower(text, start, first, final)
        if uncased(c) and (dots or (text[end] in _QUOTES and begins_quoted(text, start))):
            return NO  # without capitals nothing else tells
        table = self._table(text, at)
        if dots and end - at <= 3 and c == "I" and text[end - 1] in ".…" and table.code == "en":
            return NO  # "I thought... I would go."
        if text[end - 1] in "!?" and self._word_before(text, at, start).lower() in table.names:
            return self._starter(text, first, table, final)
        return YES

    def _spaced_dots(self, text: str, at: int, start: int, end: int, first: int, final: bool) -> int:
        """ ". . ." goes on, ". . . ." ends a sentence: behind its first dot, or with all of them."""
        c = text[first]
        if c.islower() or blank(text, start, at):
            return NO
        if end - at < 7:
            return NO if c == "I" else self._starter(text, first, self._table(text, at), final)
        return YES if text[at - 1].isspace() else -(at + 1)

    def _list_mark(self, text: str, at: int, start: int, final: bool) -> Verdict:
        mark, size = text[at], len(text)
        if mark in "•⁃":
            cut = at > start and text[at - 1].isspace() and not blank(text, start, at)
            return (YES, at) if cut else (NO, at + 1)
        word = self._word_before(text, at, start)
        item = word.rstrip(".")
        if item and is_item(item):
            if at + 1 == size and not final:
                return (WAIT, at)
            if (
                at + 1 < size
                and text[at + 1].isspace()
                and self._successor(text, at - len(word) + len(item), start, item)
            ):
                return (YES, at - len(word))
        return (NO, at + 1)
