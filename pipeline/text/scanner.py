"""The boundary scanner: does a sentence end at this mark? NO, YES or WAIT.

WAIT is the answer whenever the text that decides lies beyond the end of what has arrived, so a verdict never
depends on how the text was cut into tokens.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.text.languages import Language, language, language_of_script
from pipeline.text.nesting import Nesting

__all__ = ["BREATH", "MARKS", "NO", "WAIT", "YES", "Answer", "Scanner", "Verdict"]

Answer = int
NO, YES, WAIT = 0, 1, 2

MARKS = r".!?…。！？．؟۔।॥։።။｡፧‼⁇⁈⁉;•⁃)"
"""Characters at which a sentence may end (";" in Greek only, ")" and the bullets for lists within a line)."""

BREATH = r",;:—–،؛、，；："
"""Marks at which a clause may end."""

_ANYWHERE = "。！？؟۔।॥։።။｡፧"  # these end a sentence without a space after them
_RUN = re.compile(r"(?:\.(?:[ \u00a0]\.){1,31}|[.!?…。！？．؟۔।॥։።။｡፧‼⁇⁈⁉]{1,64})")
_CLOSERS = re.compile(r"(?:[\"'”’»›)\]}」』】）〉》]|[ \u00a0\u202f](?=[»])|\[\d{1,3}\])*")
_EMOJI = re.compile(r"(?:[ ]?(?:[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\uFE0F\u200D\u20E3]))+")
_OPENERS = "\"'“”„«»‘‹›([{¿¡—–-*「『【（ \t\u00a0\u202f"
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_ITEM = re.compile(r"[\s\"'“(]*(\d{1,3}|[a-z])(?:\.\)|[.)])\s")
_HOURS = frozenset({"a.m", "p.m", "am", "pm"})
_LOOK = 48  # no abbreviation is longer


class Verdict(NamedTuple):
    """`at` is the cut for YES, where to look on for NO, and where to look again for WAIT."""

    answer: Answer
    at: int


class Scanner:
    def __init__(self, code: str) -> None:
        self.code = code
        self.language = language(code)
        self.nesting = Nesting()
        self.item = ""  # the number or letter of the list item the sentence stands in

    def begin(self, at: int, item: str = "") -> None:
        """A sentence begins at `at`."""
        self.nesting.begin(at)
        self.item = item

    def shift(self, by: int) -> None:
        """The text before `by` was dropped."""
        self.nesting.shift(by)

    def decide(self, text: str, at: int, start: int, final: bool) -> Verdict:
        """The verdict for the mark at `at`, in the sentence that begins at `start`."""
        mark = text[at]
        if mark in ")•⁃":
            return self._list_mark(text, at, start, final)
        if mark == ";":
            if self._table(text, at).code != "el":
                return Verdict(NO, at + 1)
            end = at + 1
        else:
            run = _RUN.match(text, at)
            assert run is not None
            end = run.end()
        size = len(text)
        if end == size and not final:
            return Verdict(WAIT, at)
        anywhere = text[end - 1] in _ANYWHERE
        if end < size and not anywhere and (text[end].isalnum() or text[end] in "_/@\\&=#%"):
            return Verdict(NO, end)
        closers = _CLOSERS.match(text, end)
        after = closers.end() if closers else end
        if at and text[at - 1] == "[" and text[end : end + 1] == "]":
            return Verdict(NO, end)  # "[...]" is an omission
        if after == size:
            if not final:
                return Verdict(WAIT, at)
            return Verdict(YES, after)
        if not text[after].isspace():
            return self._unspaced(text, at, end, after, anywhere, final)
        return self._spaced(text, at, start, end, after, final)

    def _unspaced(self, text: str, at: int, end: int, after: int, anywhere: bool, final: bool) -> Verdict:
        emoji = _EMOJI.match(text, after)
        if emoji:
            if emoji.end() == len(text) and not final:
                return Verdict(WAIT, at)
            after = emoji.end()
        elif not anywhere:
            return Verdict(NO, end)
        elif after > end and text[after] not in "「『【（“(\n":
            return Verdict(NO, after)
        if self.nesting.inside(text, after):
            return Verdict(NO, after)
        return Verdict(YES, after)

    def _spaced(self, text: str, at: int, start: int, end: int, after: int, final: bool) -> Verdict:
        emoji = _EMOJI.match(text, after)
        if emoji:
            if emoji.end() == len(text) and not final:
                return Verdict(WAIT, at)
            after = emoji.end()
        size = len(text)
        first = after
        while first < size and text[first] in _OPENERS:
            first += 1
        if first == size:
            return Verdict(YES, after) if final else Verdict(WAIT, at)
        answer = self._by_next(text, at, start, end, first, final)
        if answer == WAIT:
            return Verdict(WAIT, at)
        if answer == NO:
            return Verdict(NO, max(end, at + 1))
        if answer < 0:  # the cut is before the mark
            return Verdict(YES, -answer)
        if self.nesting.inside(text, after):
            return Verdict(NO, end)
        return Verdict(YES, after)

    def _by_next(self, text: str, at: int, start: int, end: int, first: int, final: bool) -> int:
        c = text[first]
        if text[at] == "." and end - at == 1:
            return self._dot(text, at, start, first, final)
        if c in ",;:.!?)…":
            return NO
        if text[at] == "." and " " in text[at:end]:
            return self._spaced_dots(text, at, start, end, c)
        if c.islower():
            return self._lower(text, start, first, final)
        table = self._table(text, at)
        if text[end - 1] in "!?" and self._word_before(text, at, start).lower() in table.names:
            return self._starter(text, first, table, final)
        return YES

    def _spaced_dots(self, text: str, at: int, start: int, end: int, c: str) -> int:
        if c.islower() or not text[start:at].strip():
            return NO
        if end - at < 7:
            return NO
        if not text[at - 1].isspace():
            return -(at + 1)
        return YES

    def _lower(self, text: str, start: int, first: int, final: bool) -> int:
        """Lower case goes on, but for "iPhone", and for writers who use no capitals at all."""
        word = _WORD.match(text, first)
        end = word.end() if word else first
        if end == len(text) and not final and end - first < 3:
            return WAIT
        if any(c.isupper() for c in text[first + 1 : first + 3]):
            return YES
        own = _WORD.search(text, start)
        return YES if own and own.group()[0].islower() and own.end() - own.start() > 1 else NO

    def _starter(self, text: str, first: int, table: Language, final: bool) -> int:
        word = _WORD.match(text, first)
        if word is None:
            return YES
        if word.end() == len(text) and not final:
            return WAIT
        if not table.starters:
            return NO
        return YES if word.group().lower().replace("’", "'") in table.starters else NO

    def _table(self, text: str, at: int) -> Language:
        letter = text[at - 1] if at else ""
        if letter.isascii() or not letter:
            letter = "a" if letter.isalpha() else ""
        return language_of_script(letter, self.code) if letter else self.language

    def _word_before(self, text: str, at: int, start: int) -> str:
        low = max(start, at - _LOOK)
        piece = text[low:at]
        for n in range(len(piece) - 1, -1, -1):
            if not (piece[n].isalnum() or piece[n] in ".'’°-"):
                return piece[n + 1 :]
        return piece

    def _dot(self, text: str, at: int, start: int, first: int, final: bool) -> int:
        c = text[first]
        word = self._word_before(text, at, start)
        if not text[start : at - len(word)].strip(" \"'“«(•⁃\u00a0") and _is_item(word):
            return NO  # "1." begins an item
        successor = self._successor(text, at, start, word)
        if successor:
            return successor
        if c in ",;:)…?!":
            return NO
        table = self._table(text, at)
        key = word.lower().lstrip(".'’-")
        bare = key.rsplit("-", 1)[-1]
        if key in table.titles or bare in table.titles:
            if bare in table.abbreviations:
                return NO if not c.isupper() else self._starter(text, first, table, final)
            return NO
        if key in table.counted:
            if c.isdigit() or c in "IVXLC#":
                return NO
            return self._lower(text, start, first, final) if c.islower() else YES
        if key in table.abbreviations or bare in table.abbreviations:
            if c.islower() or c.isdigit():
                return NO
            if key in _HOURS and len(text[start:at].split()) <= 3:
                return NO  # "At 5 a.m. Mr. Smith went": a sentence has more words than an hour
            return self._starter(text, first, table, final)
        if _INITIALS.fullmatch(word) and not word.isdigit():
            if c.islower() or c.isdigit():
                return NO
            if word == "I" and table.code == "en":
                return self._pronoun_i(text, at, start, first, table, final)
            if word[0].isupper() or "." in word:
                return self._starter(text, first, table, final)
        if word.isdigit() and table.ordinals and len(word) <= 2:
            if c.islower():
                return NO
            return self._ordinal(text, first, table, final)
        if c.islower():
            return self._lower(text, start, first, final)
        return YES

    def _pronoun_i(self, text: str, at: int, start: int, first: int, table: Language, final: bool) -> int:
        """ "You and I. Did you" ends a sentence, "Albert I. Jones" does not."""
        previous = text[start : at - 1].split()
        if previous and previous[-1][:1].isupper() and previous[-1].lower() not in table.starters:
            return NO
        return YES if previous else self._starter(text, first, table, final)

    def _ordinal(self, text: str, first: int, table: Language, final: bool) -> int:
        word = _WORD.match(text, first)
        if word is None:
            return YES
        if word.end() == len(text) and not final:
            return WAIT
        key = word.group().lower()
        if key in table.months:
            return NO
        return YES

    # -- lists within a line ------------------------------------------------------------------------------

    def _item_of(self, text: str, start: int) -> str:
        found = _ITEM.match(text, start)
        return found[1] if found else self.item

    def _successor(self, text: str, at: int, start: int, word: str) -> int:
        """ "2." after an item "1.": the cut is before it (as -position), else 0."""
        if not word or not _is_item(word):
            return 0
        begin = at - len(word)
        if begin <= start or not text[begin - 1].isspace() or not text[start:begin].strip():
            return 0
        return -begin if _follows(self._item_of(text, start), word) else 0

    def _list_mark(self, text: str, at: int, start: int, final: bool) -> Verdict:
        mark = text[at]
        if mark in "•⁃":
            if text[start:at].strip() and text[at - 1].isspace():
                return Verdict(YES, at)
            return Verdict(NO, at + 1)
        word = self._word_before(text, at, start)
        if word and at + 1 == len(text) and not final and _is_item(word):
            return Verdict(WAIT, at)
        if word and at + 1 < len(text) and text[at + 1].isspace():
            successor = self._successor(text, at, start, word.rstrip("."))
            if successor:
                return Verdict(YES, at - len(word))
        return Verdict(NO, at + 1)


def _is_item(word: str) -> bool:
    return (word.isdigit() and len(word) <= 3) or (len(word) == 1 and "a" <= word <= "z")


def _follows(item: str, word: str) -> bool:
    if item.isdigit():
        return word.isdigit() and int(word) == int(item) + 1
    return len(item) == 1 == len(word) and ord(word) == ord(item) + 1
