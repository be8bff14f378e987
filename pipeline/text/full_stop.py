"""The full stop: an abbreviation's, an initial's, a number's, or a sentence's."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.text.enumeration import follows, is_item, item_at
from pipeline.text.languages import Language, language, language_of_script
from pipeline.text.languages.model import words

__all__ = ["LOOK", "NO", "WAIT", "YES", "FullStop", "begins_quoted", "blank", "uncased"]

NO, YES, WAIT = 0, 1, 2

LOOK = 48  # no abbreviation is longer, and no word that decides
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]")
_ROMAN = re.compile(r"(?:[IVXLC]{2,}|[VXLC])(?![\w'’])")
_SPACED_LETTERS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.[ \u00a0]){1,3}\Z")
_JOINT = re.compile(r".*['’-]")
_LETTER_NEXT = re.compile(r"[^\W\d_]\.")
_NUMBER_BEFORE = re.compile(r"\d[\s\u00a0]*\Z")
_TIMES = frozenset({"a.m", "p.m", "a.d", "b.c", "b.c.e", "c.e"})
_WHEN = frozenset(["at", "on", "in", "by", "before", "after", "around", "since", "until", "from", "every"])
_DAYS = words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december"
)  # (May is more often a question)
_ZONE = re.compile(r"(?:[A-Z]{2,4}|(?:[A-Z]\.){2,4})(?![\w.])")
_ZONE_PART = re.compile(r"(?:[A-Z]{1,4}|(?:[A-Z]\.){1,4}[A-Z]?)\Z")
_ZONE_NAMES = frozenset(["eastern", "central", "mountain", "pacific", "atlantic", "greenwich"])
_ZONE_NAMED = re.compile(r"\w+(?:[.,;:!?)]| (?:time|standard|daylight|mean|and|or)\b)")
_GRADE = re.compile(
    r"(?:\b(?:answer|choice|option|grade|solution|letter)[ ](?:is|was)"
    r"|\b(?:got|gets?|gave|earned|earns?|received|scored|deserves?)(?:[ ][a-z]+)?[ ]an?)[ ]\Z",
    re.IGNORECASE,
)
_BEFORE_GRADE = frozenset(["a", "an", "is", "was"])
_CURRENCY = frozenset("€$£¥₹₽₩₺%")
_QUOTES = frozenset("\"'”’»")


class FullStop:
    """Answers NO, YES, WAIT, or a negative number: cut before the mark, at that position."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.language = language(code)
        self.item = ""  # the number or letter of the list item the sentence stands in

    def _dot(self, text: str, at: int, start: int, first: int, final: bool) -> int:
        """A single full stop before a space, when `first` is the next character of weight."""
        c = text[first]
        quoted = text[at + 1 : at + 2] in _QUOTES
        if at > start + 1 and text[at - 1] == " ":
            at -= 1  # "Mr . Robinson"
        word = self._word_before(text, at, start)
        long = len(word) > 4  # neither an item nor an initial
        if not (word.isalpha() and (long or word.isupper())):
            if is_item(word) and blank(text, start, at - len(word)):
                return NO  # "1." begins an item
            successor = self._successor(text, at, start, word)
            if successor:
                return successor
        if c in ",;:)…?!":
            return NO
        if word[-1:].isdigit():
            return self._after_number(text, at, word, start, first, final)
        table = self._table(text, at)
        if not (long and word.isalpha()) or table.endings or word.lower() in table.known:
            answer = self._abbreviation(text, at, start, word, first, table, final)
            if answer is not None:
                return answer
        if c.islower():
            return self._lower(text, start, first, final)
        return NO if quoted and uncased(c) and begins_quoted(text, start) else YES

    def _after_number(self, text: str, at: int, word: str, start: int, first: int, final: bool) -> int:
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
        if not final and _unfinished(text, first, following.end()):
            return WAIT
        key = following.group().lower()
        if key in follow:
            return NO
        before = text[max(start, at - LOOK) : at - len(word)].split()
        article = bool(before) and before[-1].lower() in self.language.articles
        return NO if article and key not in self.language.starters else YES

    def _abbreviation(
        self, text: str, at: int, start: int, word: str, first: int, table: Language, final: bool
    ) -> int | None:
        """The answer after an abbreviation or initial; None when the word is neither."""
        c = text[first]
        if len(word) == 1 and word.isupper() and c.isupper() and self._is_label(text, at - 1, start, table):
            if first + 1 == len(text) and not final:
                return WAIT
            return NO if _LETTER_NEXT.match(text, first) else YES  # "Plan B. Then"
        keys = [key for key in _keys(text, at, start, word) if key in table.known]
        if not keys:
            return self._unlisted(text, at, start, word, first, table, final)
        if (
            c in _CURRENCY
            and keys[-1] not in _TIMES
            and _NUMBER_BEFORE.search(text[max(start, at - LOOK) : at - len(word)])
        ):
            return NO  # "1,2 Mio. €"
        unit = any(key in table.units for key in keys) and _NUMBER_BEFORE.search(text, start, at - len(word))
        if not unit and any(key in table.titles for key in keys):
            if any(key in table.abbreviations for key in keys):
                return self._starter(text, first, table, final) if c.isupper() else NO
            return NO
        if any(key in table.counted for key in keys):
            if c.isdigit() or c in "#№§" or c.islower():
                return NO
            if c in "IVXLC":
                word_end = _WORD.match(text, first)
                if not final and word_end and _unfinished(text, first, word_end.end()):
                    return WAIT
                if _ROMAN.match(text, first):
                    return NO  # "Vol. II"
        if unit or any(key in table.closing for key in keys):
            if keys[-1] in _TIMES:
                return self._time(text, at, start, first, table, final)
            return NO if c.islower() or c.isdigit() else YES
        if any(key in table.abbreviations for key in keys):
            return NO if c.islower() or c.isdigit() else self._starter(text, first, table, final)
        return self._unlisted(text, at, start, word, first, table, final)

    def _is_label(self, text: str, at: int, start: int, table: Language) -> bool:
        """Whether a letter at `at` names something: "Plan B", "the answer is B", "You got an A"."""
        if text[at - 2 : at] == ". ":
            return False  # one of several initials
        last = _last_word(text, at, start)
        if last in table.labels:
            return True
        if last not in _BEFORE_GRADE or table.code != "en":
            return False
        return _GRADE.search(text, max(start, at - LOOK), at) is not None

    def _unlisted(
        self, text: str, at: int, start: int, word: str, first: int, table: Language, final: bool
    ) -> int | None:
        """The same for a word that is in no table: an initial, or a letter of "s. r. o."."""
        c = text[first]
        if table.endings and c.isdigit() and word.endswith(table.endings):
            return NO
        if len(word) > 1 and "." not in word:
            return None
        letters = (len(word) == 1 and word.isalpha()) or _INITIALS.fullmatch(word)
        if letters and (word[0].isupper() or "." in word or not word[0].isascii()):
            return self._initial(text, at, start, word, first, table, final)
        if len(word) == 1 and c.isalpha():
            if first + 1 == len(text) and not final:
                return WAIT
            if _LETTER_NEXT.match(text, first):
                return NO  # "s. r. o."
        return None

    def _time(self, text: str, at: int, start: int, first: int, table: Language, final: bool) -> int:
        """ "At 5 a.m. Mr. Smith went" goes on: it only began. "He left at 6 p.m. Mr. Smith" does not."""
        c = text[first]
        before = re.split(r"[:;]\s", text[max(start, at - 2 * LOOK) : at])[-1].split()
        if c.islower() or (c.isdigit() and len(before) <= 3):
            return NO
        if not final and _ZONE_PART.match(text, first):
            return WAIT
        if _ZONE.match(text, first):
            return NO  # "p.m. PDT"
        day = _WORD.match(text, first)
        if day and not final and _unfinished(text, first, day.end()):
            return WAIT
        if day and day.group().lower() in _DAYS:
            return NO  # "5 p.m. Friday"
        if day and day.group().lower() in _ZONE_NAMES:
            if not final and len(text) - day.end() < 10:
                return WAIT
            if _ZONE_NAMED.match(text, first):
                return NO  # "5 p.m. Eastern time"
        if c.isdigit() or not before or before[0].lower() not in _WHEN:
            return YES
        return self._starter(text, first, table, final)

    def _initial(self, text: str, at: int, start: int, word: str, first: int, table: Language, final: bool) -> int:
        c = text[first]
        if c.islower() or c.isdigit():
            return NO
        if word == "I" and table.code == "en":  # "you and I. Did you" ends, "Albert I. Jones" does not
            previous = text[max(start, at - LOOK) : at - 1].split()
            if previous and (previous[-1][0].islower() or previous[-1].lower() in table.starters):
                return YES
            return self._starter(text, first, table, final)
        if not table.starters and not c.isupper() and "." not in word:
            return YES if word[0].isascii() else NO
        return self._starter(text, first, table, final)

    def _lower(self, text: str, start: int, first: int, final: bool) -> int:
        """Lower case goes on, but for "iPhone", and for writers who use no capitals at all."""
        if first + 2 >= len(text) and not final:
            return WAIT
        if any(c.isupper() for c in text[first + 1 : first + 3]):
            return YES
        own = _WORD.search(text, start)
        return YES if own and own.group()[0].islower() and (len(own.group()) > 1 or own.group() == "i") else NO

    def _starter(self, text: str, first: int, table: Language, final: bool, wanted: bool = False) -> int:
        """YES before a word that begins sentences (`wanted`: only then; else a table without them says NO)."""
        word = _WORD.match(text, first)
        if word is None:
            return NO if wanted else YES
        end = word.end()
        if not final and _unfinished(text, first, end):
            return WAIT
        if end == first + 1 and text[end : end + 1] == ".":
            return NO  # another initial
        key = word.group().lower().replace("’", "'")
        return YES if key in table.starters or (wanted and key in table.titles) else NO

    def _successor(self, text: str, at: int, start: int, word: str) -> int:
        """ "2." after an item "1.": the cut is before it (as -position), else 0."""
        if not word or not is_item(word):
            return 0
        begin = at - len(word)
        if begin <= start or not text[begin - 1].isspace() or blank(text, start, begin):
            return 0
        return -begin if follows(item_at(text, start) or self.item, word) else 0

    def _table(self, text: str, at: int) -> Language:
        letter = text[at - 1] if at else ""
        return language_of_script(letter, self.code) if letter.isalpha() else self.language

    def _word_before(self, text: str, at: int, start: int) -> str:
        low = max(start, at - LOOK)
        word = text[low:at].rpartition(" ")[2]
        if word.isalnum():
            return word
        n = at
        while n > low and (text[n - 1].isalnum() or text[n - 1] in ".'’°-" or "\u0900" <= text[n - 1] <= "\u0dff"):
            n -= 1  # (Indic vowel signs are not alphanumeric)
        return text[n:at]


def _keys(text: str, at: int, start: int, word: str) -> tuple[str, ...]:
    """How a table may name the word before a dot: as it is, without what is joined to it, with letters before."""
    begin = at - len(word)
    return _keys_of(text[max(0, begin - 10) : begin], min(begin - start, 9), word)


@lru_cache(1024)
def _keys_of(before: str, room: int, word: str) -> tuple[str, ...]:
    """`before`: ten characters, of which the last `room` belong to the sentence."""
    key = word.lower().strip("'’-.")
    if len(key) == 1 and before[-2:-1] == ".":
        for size in (9, 6, 3):
            letters = _SPACED_LETTERS.match(before, len(before) - size) if size <= room else None
            if letters:  # "z. B."
                key = letters.group().lower().replace(" ", "").replace("\u00a0", "") + key
                break
    joint = _JOINT.search(key)
    return (key, key[joint.end() :]) if joint else (key,)


def _last_word(text: str, at: int, start: int) -> str:
    before = text[max(start, at - LOOK) : at].rsplit(None, 1)
    return before[-1].lower() if before else ""


def _unfinished(text: str, first: int, end: int) -> bool:
    """Whether the word from `first` to `end` may go on: at the end of the text, or before a joint at the end."""
    joint = end + 1 == len(text) and text[end] in "'’.-"
    return (end == len(text) or joint) and end - first < LOOK


def blank(text: str, start: int, end: int) -> bool:
    """Whether only opening marks stand between (there is no need to look at long stretches)."""
    return end - start < 12 and not text[start:end].strip(" \"'“«(•⁃-\u00a0")


def uncased(c: str) -> bool:
    return c.isalpha() and not c.isupper() and not c.islower()


def begins_quoted(text: str, start: int) -> bool:
    """'"Where to?" she asked': what begins with a quotation goes on behind it."""
    begin = start
    while begin < start + 8 and text[begin].isspace():
        begin += 1
    return text[begin] in "\"'“„«»‘"
