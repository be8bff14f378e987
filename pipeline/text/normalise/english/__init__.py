"""English written forms: a gate that stops wherever one may be, and the rules for each kind of place."""

from __future__ import annotations

import re

from pipeline.text.normalise import rules
from pipeline.text.normalise.edits import Edit
from pipeline.text.normalise.english import (
    abbreviations,
    codes,
    dates,
    files,
    fractions,
    maths,
    money,
    names,
    quantities,
    roman,
    times,
    units,
)

__all__ = ["NUMBERS", "find_edits", "is_plain"]

_WORD = rules.RuleSet((
    *money.AT_WORD, *dates.AT_WORD, *codes.AT_WORD, *abbreviations.AT_WORD, *units.AT_WORD, *names.AT_WORD,
    *roman.AT_WORD,
))  # fmt: skip
_DATE_WORD = rules.RuleSet(dates.AT_WORD)
NUMBERS = rules.RuleSet((
    *quantities.FIRST, *dates.AT_NUMBER, *codes.AT_NUMBER, *times.AT_NUMBER, *money.AT_NUMBER,
    *units.AT_NUMBER, *maths.AT_NUMBER, *codes.AT_NAME, *dates.AT_SLASH, *quantities.AT_NUMBER,
))  # fmt: skip
_SIGN = (*money.AT_SIGN, *codes.AT_NUMBER, *units.AT_NUMBER, *quantities.AT_SIGN)
_OPERATOR = rules.RuleSet(maths.AT_OPERATOR)
_CURRENCIES = frozenset("$€£¥￥₹₩₽₺₿₪₫₦₱฿₴")
_BY_MARK = {
    **dict.fromkeys(_CURRENCIES, rules.RuleSet(money.AT_SIGN)),
    **dict.fromkeys("'’‘", rules.RuleSet(dates.AT_APOSTROPHE)),
    **dict.fromkeys(fractions.VULGAR, rules.RuleSet((*units.AT_FRACTION, *fractions.AT_MARK))),
    "(": rules.RuleSet(codes.AT_PARENTHESIS),
    "[": rules.RuleSet(names.AT_BRACKET),
    "#": rules.RuleSet(names.AT_HASH),
    "@": rules.RuleSet(names.AT_AT),
    "/": rules.RuleSet((*files.AT_SLASH, *maths.AT_OPERATOR)),
    "~": rules.RuleSet((*quantities.AT_TILDE, *files.AT_SLASH, *_SIGN)),
    ".": rules.RuleSet((*files.AT_DOT, *files.AT_SLASH, *_SIGN)),
    "-": rules.RuleSet((*maths.AT_OPERATOR, *files.AT_SLASH, *_SIGN)),
    **dict.fromkeys("−+±≈", rules.RuleSet((*maths.AT_OPERATOR, *_SIGN))),
}

# A quiet character can belong to no written form. The look-arounds sort out the capitals, full stops,
# hyphens and brackets of ordinary prose, so that most chunks are passed by this one search.
_QUIET = r"a-jl-uw-zÀ-ÖØ-öø-ɏ\s,?;\"“”„«»…—)\]"
_SHORT = abbreviations.WITH_STOP | dates.WITH_STOP
_MARKS = rf"""(?<=[0-9])
    |(?<=[A-Z])(?:
        (?<!\w[IVXLCDM])(?<=[IVXLCDM])(?=[IVXLCDM]+\b)|(?<=[a-z]\ [VX])\b|(?<=\ [IVX])(?=[-–])
        |(?=(?:r|rs|rof)\ [A-Z])
        |(?<=I)\b(?:{rules.endings(f"{word} I" for word in roman.BEFORE)}))
    |(?<=\.)(?:(?=[^\W_])|(?=\s(?:[0-9]|[IVX]{{2}}))|(?<=\.\.)(?=/)
        |{rules.endings(f"{word}." for word in _SHORT)})
    |(?<![A-Z.])(?:(?<=[(\[])(?=[0-9])
        |(?<=-)(?=[A-Z][a-z][a-z]\b|[0-9.$€£¥>=-]|\ [0-9A-Za-z]\b)
        |(?<=['’‘])(?=[0-9])
        |(?<=:)(?=[0-9]{{4}})
        |(?<=!)(?==)
        |(?<=[^A-Za-z.:!()\[\-'’‘]))"""
_GATE = re.compile(rf"[^kv{_QUIET}](?:{_MARKS})", re.VERBOSE)
_GATE_WITH_WORDS = re.compile(rf"[^{_QUIET}](?:{_MARKS}|(?<=\ v)(?=s\b)|(?<=\ ak)(?=a\b))", re.VERBOSE)
_NAMED_BEFORE = frozenset("JFMASONDUEGCIRP")
_DAY_BEFORE = rules.compiled(r"(?:Mon|Tues?|Wed|Thurs?|Fri|Sat|Sun)[.,]{0,2}\ $")
_CUE = rules.compiled(rf"(?:{dates.MONTH}\s|(?:USD|EUR|GBP|JPY|CNY|RMB|INR|CHF|CAD|AUD)\s)(?=\d)")


def is_plain(text: str) -> bool:
    """Whether no rule can want anything of this text."""
    return _gate(text).search(text) is None


def find_edits(text: str) -> list[Edit]:
    """The edits that turn the written forms of an English text into words."""
    return rules.find_edits(text, _gate(text), _edit_at)


def _gate(text: str) -> re.Pattern[str]:
    """The letters of "vs" and "aka" are in too many words to stop at them in every text."""
    return _GATE_WITH_WORDS if " vs" in text or " aka" in text else _GATE


def _edit_at(text: str, here: int, floor: int) -> Edit | None:
    """The edit of the form that the gate has found: it may begin there, at its word, or at the word before a number."""
    mark = text[here]
    left = text[here - 1] if here > floor else " "
    if left != " " and rules.in_word(left):
        return _inside_word(text, here, floor)
    if "0" <= mark <= "9":
        if here > floor + 1 and (text[here - 2].isalpha() or text[here - 2] in ".,"):
            edit = _from_word_before(text, here, floor)
            if edit is not None:
                return edit
        return None if _is_signed(text, here) else NUMBERS.edit(text, here)
    if mark.isalpha():
        edit = _WORD.edit(text, here) if here == 0 or text[here - 1] != "." else None
        return edit or _at_mark(text, here, floor)
    return _at_mark(text, here, floor)


def _inside_word(text: str, here: int, floor: int) -> Edit | None:
    """ "$" in "US$5", "." in "Dr.", "5" in "mp5": the word that leads to it comes first."""
    mark = text[here]
    start = rules.word_start(text, here, floor)
    if (mark.isalpha() or not text[start].isdigit()) and (start == 0 or text[start - 1] != "."):
        edit = _WORD.edit(text, start)
        if edit is not None:
            return edit
    return None if "0" <= mark <= "9" or mark == "." else _at_mark(text, here, floor)


def _at_mark(text: str, here: int, floor: int) -> Edit | None:
    """What begins with this mark, or with the space before it."""
    mark = text[here]
    if mark in "-−" and here and (text[here - 1].isalnum() or text[here - 1] in "_)]-−"):
        return _OPERATOR.edit(text, here)  # a hyphen that hangs on what is before it is no minus
    if here > floor and text[here - 1] == " " and mark not in _CURRENCIES:
        edit = _OPERATOR.edit(text, here - 1)
        if edit is not None:
            return edit
    return _BY_MARK.get(mark, _OPERATOR).edit(text, here)


def _is_signed(text: str, here: int) -> bool:
    """Whether a minus that no rule could say is before this number, so that it must not be said without it."""
    return here > 0 and text[here - 1] in "-−" and (here == 1 or text[here - 2] in "([" or text[here - 2].isspace())


def _from_word_before(text: str, here: int, floor: int) -> Edit | None:
    """ "May 5", "USD 20", "Tue, May 5": the form begins with the word before the number."""
    word = text.rfind(" ", max(floor, here - 12), here - 1) + 1 or floor
    if not text[word].isupper():
        return None
    edit = _DATE_WORD.edit(text, word) if _DAY_BEFORE.match(text, word, here) else None
    if edit is None and text[word] in _NAMED_BEFORE and _CUE.match(text, word):
        if text[word - 2 : word] == ", ":
            edit = _DATE_WORD.edit(text, rules.word_start(text, word - 2, floor))
        edit = edit or _WORD.edit(text, word)
    return edit
