"""The boundary scanner: does a sentence end at this mark? NO, YES or WAIT.

WAIT is the answer whenever the text that decides lies beyond the end of what has arrived, so a verdict never
depends on how the text was cut into tokens. Mostly one character after the space decides; the whole next word
is needed only after abbreviations, initials, hours and dots.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.text.enumeration import follows, is_item, item_at
from pipeline.text.languages import Language, language, language_of_script
from pipeline.text.nesting import Nesting

__all__ = ["BREATH", "MARKS", "NO", "WAIT", "YES", "Scanner", "Verdict"]

NO, YES, WAIT = 0, 1, 2

MARKS = r".!?…。！？．؟۔।॥։።။｡፧‼⁇⁈⁉;•⁃)"
"""Characters at which a sentence may end (";" in Greek only, ")" and the bullets for lists within a line)."""

BREATH = r",;:—–،؛、，；："
"""Marks at which a clause may end."""

_ANYWHERE = "。！？؟۔।॥።။｡፧"  # these end a sentence without a space after them
_RUN = re.compile(r"(?:\.(?:[ \u00a0]\.){1,31}|[.!?…。！？．؟۔।॥։።။｡፧‼⁇⁈⁉]{1,64})")
_CLOSERS = re.compile(
    r"(?:[\"'”’»›)\]}」』】）〉》“«]|[ \u00a0\u202f](?=»(?!\w))|\[\d{1,3}\]){0,16}"
    r"(?:[ ](?:\[\d{1,3}\]){1,8}(?=\s)){0,4}"  # footnotes
)
_UNSPACED_CLOSERS = re.compile(r"(?:[\"'”’»›)\]}」』】）〉》]|\[\d{1,3}\]){0,16}")
_SPACED_QUOTE = re.compile(r"[ ](''?|\")(?=\s|\Z)")  # in tokenised text
_FOOTNOTE_PART = re.compile(r"[ ](?:\[\d{0,3}\]?){1,8}\Z")
_EMOJI = re.compile(r"(?:[ ]?(?:[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\uFE0F\u200D\u20E3])){1,16}")
_OPENERS = frozenset("\"'“”„«»‹›‘([{¿¡—–-*「『【（ \t\u00a0\u202f")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_SPACED_LETTERS = re.compile(r"(?:[^\W\d_]\.[ \u00a0])+\Z")
_LETTER_NEXT = re.compile(r"[^\W\d_]\.")
_NUMBER_BEFORE = re.compile(r"\d[\s\u00a0]*\Z")
_TIMES = frozenset({"a.m", "p.m", "a.d", "b.c", "b.c.e", "c.e"})
_WHEN = frozenset(["at", "on", "in", "by", "before", "after", "around", "since", "until", "from", "every"])
_ZONE = re.compile(r"(?:[A-Z]{2,4}|(?:[A-Z]\.){2,4})(?![\w.])")
_ZONE_PART = re.compile(r"(?:[A-Z]{1,4}|(?:[A-Z]\.){1,4}[A-Z]?)\Z")
_LOOK = 48  # no abbreviation is longer


class Verdict(NamedTuple):
    """`at` is the cut for YES, where to look on for NO, and where to look again for WAIT."""

    answer: int
    at: int


class Scanner:
    """Judges marks for one text; it remembers only the open quotation marks and the list item it is in."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.language = language(code)
        self.nesting = Nesting()
        self.item = ""

    def begin(self, at: int, item: str = "") -> None:
        """A sentence begins at `at`, in the list item `item`."""
        self.nesting.begin(at)
        self.item = item

    def decide(self, text: str, at: int, start: int, final: bool) -> Verdict:
        """The verdict for the mark at `at`, in the sentence that begins at `start`."""
        mark = text[at]
        if mark in ")•⁃":
            return self._list_mark(text, at, start, final)
        if mark in ";:":
            if self._table(text, at).code != ("el" if mark == ";" else "hy"):
                return Verdict(NO, at + 1)
            end = at + 1
        else:
            run = _RUN.match(text, at)
            assert run is not None
            end = run.end()
        size = len(text)
        if end == size:
            return Verdict(YES, end) if final else Verdict(WAIT, at)
        anywhere = text[end - 1] in _ANYWHERE
        if not anywhere and (text[end].isalnum() or text[end] in "_/@\\&=#%"):
            return self._joined(text, at, start, end, final)
        if at and text[at - 1] == "[" and text[end] == "]":
            return Verdict(NO, end)  # "[...]" is an omission
        closers = (_UNSPACED_CLOSERS if anywhere else _CLOSERS).match(text, end)
        after = closers.end() if closers else end
        quote = _SPACED_QUOTE.match(text, after)
        if quote and self.nesting.awaits(text, at, quote[1]):
            after = quote.end()
        emoji = _EMOJI.match(text, after)
        if emoji:
            after = emoji.end()
        if after == size:
            return Verdict(YES, after) if final else Verdict(WAIT, at)
        if not final and _FOOTNOTE_PART.match(text, after):
            return Verdict(WAIT, at)
        if text[after].isspace():
            return self._spaced(text, at, start, end, after, final)
        if emoji or (anywhere and (after == end or text[after] in "「『【（“(")):
            return self._unless_inside(text, after, end)
        return Verdict(NO, max(after if anywhere else end, at + 1))

    def _unless_inside(self, text: str, after: int, end: int) -> Verdict:
        return Verdict(NO, end) if self.nesting.inside(text, after) else Verdict(YES, after)

    def _joined(self, text: str, at: int, start: int, end: int, final: bool) -> Verdict:
        """A forgotten space, "for you.The": only before a word that begins sentences."""
        word = self._word_before(text, at, start)
        plain = word[-2:].isalnum() and not word[-1:].isupper() and "." not in word
        if not (plain and end - at == 1 and text[end].isupper()):
            return Verdict(NO, end)
        answer = self._starter(text, end, self._table(text, at), final, wanted=True)
        if answer == YES:
            return self._unless_inside(text, end, end)
        return Verdict(answer, at if answer == WAIT else end)

    def _spaced(self, text: str, at: int, start: int, end: int, after: int, final: bool) -> Verdict:
        first, stop = after, min(len(text), after + _LOOK)
        while first < stop and text[first] in _OPENERS:
            first += 1
        if first == len(text):
            return Verdict(YES, after) if final else Verdict(WAIT, at)
        answer = self._by_next(text, at, start, end, first, final)
        if answer == WAIT:
            return Verdict(WAIT, at)
        if answer == NO:
            return Verdict(NO, end)
        if answer < 0:  # the cut is before the mark
            return Verdict(YES, -answer)
        return self._unless_inside(text, after, end)

    def _by_next(self, text: str, at: int, start: int, end: int, first: int, final: bool) -> int:
        c = text[first]
        if text[at] == "." and end - at == 1:
            return self._dot(text, at, start, first, final)
        if c in ",;:.!?)…":
            return NO
        dots = text[at] in ".…"
        if dots and " " in text[at:end]:
            return self._spaced_dots(text, at, start, end, first, final)
        if c.islower():
            return self._lower(text, start, first, final)
        table = self._table(text, at)
        if dots and end - at <= 3 and c == "I" and text[end - 1] in ".…" and table.code == "en":
            return NO  # "I thought... I would go."
        if text[end - 1] in "!?" and self._word_before(text, at, start).lower() in table.names:
            return self._starter(text, first, table, final)
        return YES

    def _spaced_dots(self, text: str, at: int, start: int, end: int, first: int, final: bool) -> int:
        """ ". . ." goes on, ". . . ." ends a sentence: behind its first dot, or with all of them."""
        c = text[first]
        if c.islower() or _blank(text, start, at):
            return NO
        if end - at < 7:
            return NO if c == "I" else self._starter(text, first, self._table(text, at), final)
        return YES if text[at - 1].isspace() else -(at + 1)

    def _lower(self, text: str, start: int, first: int, final: bool) -> int:
        """Lower case goes on, but for "iPhone", and for writers who use no capitals at all."""
        if first + 2 >= len(text) and not final:
            return WAIT
        if any(c.isupper() for c in text[first + 1 : first + 3]):
            return YES
        own = _WORD.search(text, start)
        return YES if own and own.group()[0].islower() and len(own.group()) > 1 else NO

    def _starter(self, text: str, first: int, table: Language, final: bool, wanted: bool = False) -> int:
        """YES before a word that begins sentences (`wanted`: only then; else a table without them says NO)."""
        word = _WORD.match(text, first)
        if word is None:
            return NO if wanted else YES
        end = word.end()
        if end == len(text) and not final:
            return WAIT if end - first < _LOOK else NO
        if end == first + 1 and text[end : end + 1] == ".":
            return NO  # another initial
        key = word.group().lower().replace("’", "'")
        return YES if key in table.starters or (wanted and key in table.titles) else NO

    def _table(self, text: str, at: int) -> Language:
        letter = text[at - 1] if at else ""
        return language_of_script(letter, self.code) if letter.isalpha() else self.language

    def _word_before(self, text: str, at: int, start: int) -> str:
        low = max(start, at - _LOOK)
        n = at
        while n > low and (text[n - 1].isalnum() or text[n - 1] in ".'’°-" or "\u0900" <= text[n - 1] <= "\u0dff"):
            n -= 1  # (Indic vowel signs are not alphanumeric)
        return text[n:at]

    def _dot(self, text: str, at: int, start: int, first: int, final: bool) -> int:
        """A single full stop before a space, when `first` is the next character of weight."""
        c = text[first]
        if at > start + 1 and text[at - 1] == " ":
            at -= 1  # "Mr . Robinson"
        word = self._word_before(text, at, start)
        if is_item(word) and _blank(text, start, at - len(word)):
            return NO  # "1." begins an item
        successor = self._successor(text, at, start, word)
        if successor:
            return successor
        if c in ",;:)…?!":
            return NO
        if word[-1:].isdigit():
            return self._after_number(text, word, start, first, final)
        table = self._table(text, at)
        answer = self._abbreviation(text, at, start, word, first, table, final)
        if answer is not None:
            return answer
        if c.islower():
            return self._lower(text, start, first, final)
        return YES

    def _after_number(self, text: str, word: str, start: int, first: int, final: bool) -> int:
        """An ordinal goes on ("3. Oktober"), any other number ends."""
        c = text[first]
        follow = self.language.follow
        if c.islower():
            return NO if follow is not None else self._lower(text, start, first, final)
        if follow is None or len(word) > 2 or not word.isdigit():
            return YES
        following = _WORD.match(text, first)
        if following is None:
            return YES
        if following.end() == len(text) and not final and following.end() - first < _LOOK:
            return WAIT
        return NO if following.group().lower() in follow else YES

    def _abbreviation(
        self, text: str, at: int, start: int, word: str, first: int, table: Language, final: bool
    ) -> int | None:
        """The answer after an abbreviation or initial; None when the word is neither."""
        c = text[first]
        keys = _keys(text, at, start, word)
        unit = any(key in table.units for key in keys) and _NUMBER_BEFORE.search(text, start, at - len(word))
        if not unit and any(key in table.titles for key in keys):
            if any(key in table.abbreviations for key in keys):
                return self._starter(text, first, table, final) if c.isupper() else NO
            return NO
        if any(key in table.counted for key in keys) and (c.isdigit() or c in "IVXLC#№§"):
            return NO
        if unit or any(key in table.closing for key in keys):
            if keys[-1] in _TIMES:
                return self._time(text, at, start, first, table, final)
            return NO if c.islower() or c.isdigit() else YES
        if any(key in table.abbreviations for key in keys):
            return NO if c.islower() or c.isdigit() else self._starter(text, first, table, final)
        if _INITIALS.fullmatch(word) and (word[0].isupper() or "." in word or not word[0].isascii()):
            return self._initial(text, at, start, word, first, table, final)
        if len(word) == 1 and _LETTER_NEXT.match(text, first):
            return NO  # "s. r. o."
        if any(key in table.counted for key in keys) and c.islower():
            return NO
        return None

    def _time(self, text: str, at: int, start: int, first: int, table: Language, final: bool) -> int:
        """ "At 5 a.m. Mr. Smith went" goes on: it only began. "He left at 6 p.m. Mr. Smith" does not."""
        c = text[first]
        before = re.split(r"[:;]\s", text[max(start, at - 2 * _LOOK) : at])[-1].split()
        if c.islower() or (c.isdigit() and len(before) <= 3):
            return NO
        if not final and _ZONE_PART.match(text, first):
            return WAIT
        if _ZONE.match(text, first):
            return NO  # "p.m. PDT"
        if c.isdigit() or not before or before[0].lower() not in _WHEN:
            return YES
        return self._starter(text, first, table, final)

    def _initial(self, text: str, at: int, start: int, word: str, first: int, table: Language, final: bool) -> int:
        c = text[first]
        if c.islower() or c.isdigit():
            return NO
        if word == "I" and table.code == "en":  # "you and I. Did you" ends, "Albert I. Jones" does not
            previous = text[max(start, at - _LOOK) : at - 1].split()
            if previous and (previous[-1][0].islower() or previous[-1].lower() in table.starters):
                return YES
            return NO if previous else self._starter(text, first, table, final)
        if not table.starters and not c.isupper() and "." not in word:
            return YES if word[0].isascii() else NO
        return self._starter(text, first, table, final)

    # -- lists within a line ------------------------------------------------------------------------------

    def _successor(self, text: str, at: int, start: int, word: str) -> int:
        """ "2." after an item "1.": the cut is before it (as -position), else 0."""
        if not word or not is_item(word):
            return 0
        begin = at - len(word)
        if begin <= start or not text[begin - 1].isspace() or _blank(text, start, begin):
            return 0
        return -begin if follows(item_at(text, start) or self.item, word) else 0

    def _list_mark(self, text: str, at: int, start: int, final: bool) -> Verdict:
        mark, size = text[at], len(text)
        if mark in "•⁃":
            cut = at > start and text[at - 1].isspace() and not _blank(text, start, at)
            return Verdict(YES, at) if cut else Verdict(NO, at + 1)
        word = self._word_before(text, at, start)
        item = word.rstrip(".")
        if item and is_item(item):
            if at + 1 == size and not final:
                return Verdict(WAIT, at)
            if (
                at + 1 < size
                and text[at + 1].isspace()
                and self._successor(text, at - len(word) + len(item), start, item)
            ):
                return Verdict(YES, at - len(word))
        return Verdict(NO, at + 1)


def _blank(text: str, start: int, end: int) -> bool:
    """Whether only opening marks stand between (there is no need to look at long stretches)."""
    return end - start < 12 and not text[start:end].strip(" \"'“«(•⁃-\u00a0")


def _keys(text: str, at: int, start: int, word: str) -> tuple[str, ...]:
    """How a table may name the word before a dot: as it is, without what is joined to it, with letters before."""
    key = word.lower().strip("'’-.")
    if len(key) == 1:
        begin = at - len(word)
        letters = _SPACED_LETTERS.search(text, max(start, begin - 9), begin)
        if letters:  # "z. B."
            key = letters.group().lower().replace(" ", "").replace("\u00a0", "") + key
    bare = re.split(r"['’-]", key)[-1]
    return (key,) if bare == key else (key, bare)
