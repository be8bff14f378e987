"""English fractions: "1/2", "2 1/2", "3½", "9/10" (out of ten), "120/80" (over eighty)."""

from __future__ import annotations

from functools import lru_cache

from pipeline.text.normalise.english.numbers import cardinal, number, ordinal, year
from pipeline.text.normalise.rules import Match, after, before, compiled, rule

__all__ = ["AT_MARK", "AT_NUMBER", "VULGAR", "and_fraction", "fraction"]

VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅒": "1/10", "⅑": "1/9",
    "⅐": "1/7",
}  # fmt: skip
_PARTS = {mark: (int(part.partition("/")[0]), int(part.partition("/")[2])) for mark, part in VULGAR.items()}


@lru_cache(1024)
def fraction(top: int, bottom: int) -> str:
    """(3, 4) -> "three quarters", (1, 2) -> "one half"."""
    if bottom == 2:
        part = "half" if top == 1 else "halves"
    elif bottom == 4:
        part = "quarter" if top == 1 else "quarters"
    else:
        part = ordinal(bottom) + ("" if top == 1 else "s")
    return f"{cardinal(top)} {part}"


def and_fraction(whole: int, top: int, bottom: int) -> str | None:
    """(3, 1, 2) -> "three and a half"; None when it is no proper fraction."""
    if not 0 < top < bottom:
        return None
    part = fraction(top, bottom)
    if top == 1:
        part = ("an" if bottom in (8, 11, 18) else "a") + part[3:]
    return f"{cardinal(whole)} and {part}"


@rule(r"(?P<whole>\d{1,4})[\s-](?P<a>\d\d?)[/⁄](?P<b>\d\d?)(?![\w/%]|\.\d)")
def _mixed(match: Match) -> str | None:
    """ "2 1/2" -> "two and a half"."""
    return and_fraction(int(match["whole"]), int(match["a"]), int(match["b"]))


@rule(r"(?P<whole>\d{1,6})?\s?(?P<part>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅒⅑⅐])(?!\d)")
def _vulgar(match: Match) -> str | None:
    """ "3½" -> "three and a half", "¾" -> "three quarters"."""
    whole, part = match.group("whole", "part")
    following = after(match, 1)
    if following.isnumeric() or before(match, 1).isnumeric():
        return None  # "½½" is no number
    tail = " " if following.isalnum() else ""
    if whole:
        words = and_fraction(int(whole), *_PARTS[part])
        return words and words + tail
    return fraction(*_PARTS[part]) + tail


_SCORED = compiled(
    r"""
    \b(?:rat(?:e|ed|ing)|scor(?:e|ed|es|ing)|give(?:s|\ it)?|gave|got|grade|solid|answered|passed
    |completed|done|only)\b[^.]{0,16}$"""
)
_NAME_BEFORE = compiled(
    r"""(?:\b(?:Windows|iOS|iPadOS|macOS|Android|Python|Java|Ubuntu|iPhone|Galaxy|Pixel|PlayStation)
    |[^.!?\s]\ [A-Z][a-z]{3,15})\ $"""
)


def _follows_name(match: Match) -> bool:
    """Whether a product's name before "10/11" makes it two versions."""
    cue = before(match)
    return not cue[:-1].rpartition(" ")[2].islower() and _NAME_BEFORE.search(cue) is not None


_NOT_SLASH = r"(?![\w/%]|\.\d|\s?=)"


@rule(rf"(?P<a>\d{{1,5}}(?:\.\d)?)[/⁄](?P<b>\d{{1,5}})(?P<end>th|rd|nd)?s?{_NOT_SLASH}")
def _fraction(match: Match) -> str | None:
    """ "1/2", "9/10" (out of ten), "120/80" (over eighty)."""
    a, b, end = match.group("a", "b", "end")
    if _follows_name(match) and not after(match, 3).startswith(" of"):
        return match[0]
    if "." in a:
        return f"{number(a)} out of {number(b)}"
    if len(a) == 4 and len(b) == 2 and int(b) == (int(a) + 1) % 100:
        return f"{year(int(a))} to {number(b)}"  # the 2019/20 season
    top, bottom = int(a), int(b)
    if end:
        return fraction(top, bottom) if 0 < top < bottom else None
    following = after(match, 8).lstrip()
    scored = bottom in (5, 10, 20, 25, 50, 100) and (
        _SCORED.search(before(match).lower()) is not None
        or following.startswith(("star", "point", "question", "correct"))
    )
    if bottom == 0 or top == 0 or b[0] == "0" or a[0] == "0":
        return f"{number(a)} out of {number(b)}" if b[0] != "0" else None
    if scored or (bottom in (10, 100) and top > 1) or top == bottom:
        return f"{number(a)} out of {number(b)}"
    if top > bottom or bottom > 1000 or (bottom > 100 and top > 1):
        return f"{number(a)} over {number(b)}"
    return fraction(top, bottom)


AT_NUMBER = (_mixed, _vulgar, _fraction)
AT_MARK = (_vulgar,)
