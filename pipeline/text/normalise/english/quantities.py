"""English numbers in a sentence: counts, ordinals, fractions, ranges, scores, magnitudes, years."""

from __future__ import annotations

from pipeline.text.normalise.english import codes, fractions
from pipeline.text.normalise.english.maths import SUPERSCRIPTS
from pipeline.text.normalise.english.money import MAGNITUDES
from pipeline.text.normalise.english.numbers import (
    AMOUNT,
    cardinal,
    digits,
    number,
    ordinal,
    ordinal_of,
    pairs,
    power,
    sign_words,
    year,
)
from pipeline.text.normalise.rules import Match, after, before, compiled, rule
from pipeline.text.speech_languages.model import words_of

__all__ = ["AT_NUMBER", "AT_SIGN", "AT_TILDE", "FIRST"]

_END = r"(?![\w%]|[.,:/]\d|[²³])"
_SET_PHRASES = {
    "24/7": "twenty-four seven",
    "24/7/365": "twenty-four seven, three sixty-five",
    "9/11": "nine eleven",
    "7/11": "seven eleven",
    "7-11": "seven eleven",
    "50/50": "fifty-fifty",
    "50-50": "fifty-fifty",
    "20/20": "twenty twenty",
    "20-20": "twenty twenty",
    "10-4": "ten four",
    "9-1-1": "nine one one",
    "80/20": "eighty twenty",
    "80-20": "eighty twenty",
    "60/40": "sixty forty",
    "70/30": "seventy thirty",
    "401(k)": "four oh one k",
    "403(b)": "four oh three b",
    "401k": "four oh one k",
    "401(k)s": "four oh one k's",
    "501(c)(3)": "five oh one c three",
    "1:1s": "one on ones",
}


@rule(
    r"""(?P<n>[1-9]?\d)
    (?=[.,;!?)]{0,2}(?:\s(?!kcal|mbar|sqft|tbsp|secs|mins)[a-z]{4,20}[\s.,;!?)]|$))"""
)
def _small(match: Match) -> str:
    """ "25 people": most numbers are small counts, and no other rule wants them."""
    return cardinal(int(match["n"]))


@rule(
    r"""
    (?:24/7(?:/365)?|9/11|7[/-]11|[28]0[/-]20|50[/-]50|60/40|70/30|10-4|9-1-1|40[13]\([kb]\)s?|401k
    |501\(c\)\(3\)|1:1s)(?![\w/]|-\d|[.,]\d|\s?=)"""
)
def _set_phrase(match: Match) -> str:
    return _SET_PHRASES[match[0]]


@rule(
    r"""(?P<a>\d{1,3}(?:,\d{3}){0,4}|\d{4,9})(?:st|nd|rd|th|ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)(?:\s?[-–—]\s?(?P<b>\d{1,9})(?:st
    |nd|rd|th))?(?!\w)"""
)
def _ordinal(match: Match) -> str:
    """ "22nd" -> "twenty-second", "3rd–5th" -> "third to fifth"."""
    words = ordinal(int(match["a"].replace(",", "")))
    return f"{words} to {ordinal(int(match['b']))}" if match["b"] else words


_SCORE_OR_MINUS = compiled(r"\s?=")


def _endpoint(text: str, other: str) -> str:
    """A year when both ends can be years, else a number."""
    if len(text) == 4 and text.isdigit() and "1100" <= text <= "2099" and (len(other) == 4 or len(other) == 2):
        return year(int(text))
    return number(text)


@rule(rf"(?P<a>{AMOUNT})(?P<mark>\s?[–—]\s?|-|\s-\s)(?P<b>{AMOUNT})(?P<x>[xX×])?(?![\w²³]|[.,:/]\d|-\d)")
def _range(match: Match) -> str | None:
    """ "3–5 days", "a 2-1 win", "1939–45"; "10-4=6" is a subtraction and left to the operators."""
    following = after(match, 16)
    if _SCORE_OR_MINUS.match(following):
        return None
    a, b = match["a"], match["b"]
    if "-" in match["mark"] and " " in match["mark"] and not following.lstrip()[:1].isalpha():
        return None
    if not _is_range(a, b):
        return match[0] if "-" in match["mark"] else None
    times = " times" if match["x"] else ""
    if len(a) == 4 and len(b) == 4 and not _counts(following) and a[0] in "12" and b[0] in "12":
        return f"{_endpoint(a, b)} to {_endpoint(b, a)}"
    if len(a) == 4 and len(b) == 2 and a.isdigit() and b.isdigit() and a[:2] in ("18", "19", "20") and b > a[2:]:
        return f"{year(int(a))} to {number(b)}"
    return f"{number(a)} to {number(b)}{times}"


def _is_range(a: str, b: str) -> bool:
    """Whether a hyphen may stand between the ends of a range or the sides of a score; else it joins a code."""
    if a.count(".") + b.count("."):
        return True
    first, last = a.replace(",", ""), b.replace(",", "")
    if any(len(end) > 1 and end[0] == "0" for end in (first, last)):
        return False
    if len(first) == 4 and len(last) == 2:
        return last > first[2:]
    if max(len(first), len(last)) < 4:
        return len(first) - len(last) < 2  # 747-8
    if (len(first), len(last)) == (3, 4) and "," not in b and last[-1] != "0":
        return False  # 867-5309
    return int(first) < int(last) and (len(first) == 1 or len(last) - len(first) < 3)


@rule(r"(?P<n>\d{1,2}(?:-\d{1,2}){2,4})(?![\w]|[-.]\d)")
def _formation(match: Match) -> str | None:
    """ "a 4-4-2", "3-2-1"."""
    return " ".join(cardinal(int(part)) for part in match["n"].split("-")) if "0" not in match["n"][:1] else None


@rule(
    rf"""(?P<sign>[-−+~≈±])?(?P<a>{AMOUNT})(?:\s?[-–]\s?(?P<b>{AMOUNT}))?(?P<m>\s?(?:[kmMB]|bn|mn|tn)|K|T)
    (?P<plus>\+)?(?![\w/²³])"""
)
def _magnitude(match: Match) -> str | None:
    """ "10k users", "1.5M", "3bn"; "5K" is a run, "5 m" a length, "3D" none of it."""
    unit = match["m"].strip()
    last = match["b"] or match["a"]
    if match["m"][0].isspace() and unit in ("k", "m", "M", "B", "K", "T"):
        return None
    if unit == "m" or (unit in ("K", "T") and last in ("2", "4", "5", "8", "10") and not match["b"]):
        return None
    if unit in (("T", "B") if match["b"] else ("T", "B", "M")) and "." not in last and not _counts(after(match, 16)):
        return None
    words = sign_words(match["sign"])
    words += f"{number(match['a'])} to " if match["b"] else ""
    return f"{words}{number(last)} {MAGNITUDES[unit]}" + (" plus" if match["plus"] else "")


_TIMES_AFTER = compiled(
    r"""
    \s(?:faster|slower|more|less|better|worse|as|larger|bigger|smaller|higher|lower|cheaper|longer|the
    |return|increase|improvement|speedup|growth|a|per)\b"""
)


@rule(rf"(?P<a>{AMOUNT})\s[xX]\s(?P<b>{AMOUNT})(?P<equals>\s?=)?(?![\w]|[.,]\d)")
def _crossed(match: Match) -> str:
    """ "3 x 5 = 15" -> "three times five equals", "a 3 x 5 grid" -> "three by five"."""
    joint = "times" if match["equals"] else "by"
    words = f"{number(match['a'])} {joint} {number(match['b'])}"
    return words + (" equals" if match["equals"] else "")


@rule(rf"(?P<a>{AMOUNT})(?:\s?[-–]\s?(?P<b>{AMOUNT}))?[xX×](?![\w])(?!\s?\d)")
def _factor(match: Match) -> str:
    """ "10x faster" -> "ten times faster", "a 10x engineer" -> "ten x"."""
    words = f"{number(match['a'])} to {number(match['b'])}" if match["b"] else number(match["a"])
    return words + (" times" if _TIMES_AFTER.match(after(match)) or "." in match[0] or match["b"] else " x")


@rule(r"(?P<n>\d{1,4})(?P<letters>[A-Za-z]{1,3})(?P<rest>\d{1,3})?(?![\w'’]|[.]\d)")
def _with_letters(match: Match) -> str | None:
    """ "4K" -> "four K", "1080p" -> "ten eighty p", "221B" -> "two twenty-one B"."""
    if match["letters"].lower() in ("st", "nd", "rd", "th", "s", "e"):
        return None
    words = f"{pairs(match['n'])} {match['letters']}"
    return f"{words} {pairs(match['rest'])}" if match["rest"] else words


@rule(r"(?P<a>\d{1,5})[x×](?P<b>\d{1,5})(?:[x×](?P<c>\d{1,5}))?(?![\w]|[.,]\d|\s?=)")
def _by(match: Match) -> str:
    """ "1920x1080" -> "nineteen twenty by ten eighty", "4x4"."""
    return " by ".join(pairs(part) for part in match.groups() if part)


_NOT_PLURAL = frozenset(
    words_of(
        "was is has as its this us his does across versus perhaps always thus plus vs unless makes says sells owns"
    )
)
_PLURAL = frozenset(
    words_of("people men women children feet fish sheep mice deer kg km of more other different new units")
)
_COUNT_BEFORE = compiled(
    r"""
    \b(?:about|around|over|under|nearly|almost|roughly|approximately|exactly|some|all|least|most|than
    |only|another|extra|total)\s$"""
)


def _counts(following: str) -> bool:
    """Whether the next word is a plural, so that the number before it counts: "1984 people"."""
    word = following.lstrip().split(" ", 1)[0].rstrip(".,!?;:)\"'”’").lower()
    if not following.startswith(" ") or not word.isalpha():
        return False
    if word in _PLURAL:
        return word != "of"
    return word.endswith("s") and not word.endswith("ss") and word not in _NOT_PLURAL and len(word) > 3


_YEAR_BEFORE = compiled(
    r"""\b(?:in|since|by|of|from|until|till|before|after|during|circa|year|early|late|mid|summer|winter
    |spring|fall|autumn|year\ was|year\ is|january|february|march|april|may|june|july|august|september
    |october|november|december|and|to|between)[\s-]$"""
)


@rule(r"(?P<n>1\d\d\d|20\d\d|21\d\d)(?![\w%]|[.,:/]\d|-\d)")
def _year(match: Match) -> str | None:
    """ "in 1984" is a year, "1984 people" are counted."""
    cue, following = before(match, 24).lower(), after(match, 20)
    counted = following[1:2].isalpha() and _COUNT_BEFORE.search(cue) and not _YEAR_BEFORE.search(cue)
    if counted or _counts(following):
        return None
    value = int(match["n"])
    if value < 1100 and not _YEAR_BEFORE.search(cue):
        return None
    if value % 100 == 0 and value not in (1900, 2000, 2100) and not _YEAR_BEFORE.search(cue):
        return None if value % 1000 == 0 else year(value)
    return year(value)


@rule(r"(?P<a>\d{1,4}\.\d{1,3})(?:st|nd|rd|th)(?!\w)")
def _decimal_ordinal(match: Match) -> str:
    """ "the 99.9th percentile"."""
    return ordinal_of(number(match["a"]))


@rule(
    rf"""(?P<sign>[-−+~≈±])?(?P<a>{AMOUNT}|\.\d{{1,15}})
    (?:(?P<power>[⁻⁺]?[⁰¹²³⁴-⁹]{{1,4}})|(?P<plus>\+(?!\s?\d))?(?![A-Za-z0-9]|[,./]\d))"""
)
def _plain(match: Match) -> str | None:
    """Any other number: "1,234,567", "3.14", "-5", "~20", "18+", "007", "10²"."""
    sign, text, plus, exponent = match.group("sign", "a", "plus", "power")
    words = f"point {digits(text)}" if text[0] == "." else number(text)
    words = sign_words(sign) + words
    if exponent:
        return f"{words} {power(exponent.translate(SUPERSCRIPTS))}"
    return f"{words} plus" if plus else words


@rule(r"(?P<n>\d{1,15}(?:,\d{1,15}){1,40})(?![\w]|[.:/]\d)")
def _listed(match: Match) -> str:
    """ "1,2,3": a list without spaces, as it is no number."""
    return ", ".join(number(part) for part in match["n"].split(","))


@rule(
    r"(?P<a>\d{1,3}(?:[\u202f\u00a0]\d{3}){1,5}|\d{1,3}(?:['’]\d{3}){1,5}|\d{1,3}(?:\ 000){1,5})(?![\w]|[.,:/-]\d|\ \d)"
)
def _spaced(match: Match) -> str:
    """ "1 000 000", "1'000": thousands by spaces, or as the Swiss write them."""
    return number("".join(c for c in match["a"] if c.isdigit()))


@rule(rf"(?P<n>{AMOUNT})%(?=[\s.,;:!?)]|$)")
def _percent(match: Match) -> str:
    """ "72%": the commonest unit by far."""
    return f"{number(match['n'])} percent"


@rule(
    r"""(?P<n>1[1-9]\d\d|20\d\d)
    (?=[.,;:!?)]{0,2}(?:\s(?:to|and|the|it|is|was|at|with|by|on|or|as|we|he|she|they|when|which|there|this|after
    |before|that|I)\b|\s?$)|,\s)"""
)
def _sure_year(match: Match) -> str | None:
    """ "in 2021 the …": a year by the word before it and the word after it."""
    return year(int(match["n"])) if _YEAR_BEFORE.search(before(match, 12).lower()) else None


FIRST = (_small, _set_phrase, _spaced, _sure_year, _percent)
AT_NUMBER = (
    _ordinal, *fractions.AT_NUMBER, _formation, _range, _magnitude, _by, _crossed,
    *codes.AT_CHAIN, _factor, _year, _decimal_ordinal, _with_letters, _plain, _listed,
)  # fmt: skip


@rule(r"[~≈](?=\s?[$€£¥])")
def _about(match: Match) -> str:
    """ "~$5": the sum has its own rule."""
    return "about "


@rule(r"~(?=\d)")
def _about_again(match: Match) -> str | None:
    """ "about ~30" says it once."""
    return "" if _ABOUT.search(before(match, 16).lower()) else None


_ABOUT = compiled(r"\b(?:about|around|roughly|approximately|circa|nearly|almost)\s$")

AT_TILDE = (_about_again,)
AT_SIGN = (_about, _magnitude, _plain)
