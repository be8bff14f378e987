"""English numbers as words: cardinals, ordinals, years, decimals, digits one by one."""

from __future__ import annotations

from functools import lru_cache

from pipeline.text.speech_languages.model import words_of

__all__ = [
    "AMOUNT",
    "MAX_DIGITS",
    "cardinal",
    "decade",
    "decimal",
    "digits",
    "number",
    "ordinal",
    "ordinal_of",
    "pairs",
    "power",
    "sign_words",
    "year",
]

AMOUNT = r"(?>(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,40})(?:\.\d{1,20})?)"
"""A quantity: thousands by commas or not at all, then perhaps decimals."""

MAX_DIGITS = 15
"""A longer run of digits is a code, not a quantity: it is said digit by digit."""

_ONES = words_of(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = ("", "", *words_of("twenty thirty forty fifty sixty seventy eighty ninety"))
_SCALES = ("", " thousand", " million", " billion", " trillion")
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def _below_thousand(value: int) -> str:
    if value >= 100:
        rest = value % 100
        return f"{_ONES[value // 100]} hundred" + (f" {_below_thousand(rest)}" if rest else "")
    if value >= 20:
        tens, ones = divmod(value, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    return _ONES[value]


_SMALL = tuple(map(_below_thousand, range(1000)))


def cardinal(value: int) -> str:
    """1234 -> "one thousand two hundred thirty-four"; the value has at most MAX_DIGITS digits."""
    if value < 1000:
        return _SMALL[value]
    groups: list[str] = []
    scale = 0
    while value:
        value, group = divmod(value, 1000)
        if group:
            groups.append(_SMALL[group] + _SCALES[scale])
        scale += 1
    return " ".join(reversed(groups))


def digits(text: str) -> str:
    """ "407" -> "four zero seven"; anything that is no ASCII digit is left out."""
    return " ".join(_ONES[ord(c) - 48] for c in text if "0" <= c <= "9")


def ordinal_of(words: str) -> str:
    """ "twenty-two" -> "twenty-second"."""
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in _IRREGULAR_ORDINALS:
        return head + _IRREGULAR_ORDINALS[last]
    if last.endswith("y"):
        return head + last[:-1] + "ieth"
    return head + last + "th"


def ordinal(value: int) -> str:
    """22 -> "twenty-second"."""
    return ordinal_of(cardinal(value))


def decimal(whole: str, fraction: str) -> str:
    """("3", "14") -> "three point one four"."""
    return f"{number(whole) if whole else 'zero'} point {digits(fraction)}"


@lru_cache(4096)
def number(text: str) -> str:
    """Digits, with or without thousands commas and a decimal point: "1,250.75", ".5", "007"."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if point and fraction:
        return decimal(whole, fraction)
    if len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        return digits(whole)
    return cardinal(int(whole))


@lru_cache(1024)
def year(value: int) -> str:
    """1984 -> "nineteen eighty-four", 1905 -> "nineteen oh five", 2007 -> "two thousand seven"."""
    century, rest = divmod(value, 100)
    if value < 1000 or (century % 10 == 0 and rest < 10):
        return cardinal(value)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    if rest < 10:
        return f"{cardinal(century)} oh {_ONES[rest]}"
    return f"{cardinal(century)} {cardinal(rest)}"


def decade(value: int) -> str:
    """1990 -> "nineteen nineties", 2000 -> "two thousands", 90 -> "nineties"."""
    words = cardinal(value) if value < 100 else year(value)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def pairs(text: str) -> str:
    """The name of a thing, as people say it: "204" -> "two oh four", "747" -> "seven forty-seven"."""
    value = int(text)
    if text[0] == "0" or len(text) > 4:
        return digits(text)
    if len(text) == 4:
        return cardinal(value) if value % 1000 == 0 else year(value) if value % 1000 >= 10 else digits(text)
    if len(text) == 3:
        head, tail = divmod(value, 100)
        if tail == 0:
            return f"{cardinal(head)} hundred"
        return f"{cardinal(head)} {'oh ' if tail < 10 else ''}{cardinal(tail)}"
    return cardinal(value)


def sign_words(sign: str | None) -> str:
    """What is said before a number for its sign: "minus ", "about "; "" without one."""
    return _SIGNS[sign] if sign else ""


_SIGNS = {
    "-": "minus ",
    "−": "minus ",
    "+": "plus ",
    "±": "plus or minus ",
    "~": "about ",
    "≈": "about ",
}


def power(exponent: str) -> str:
    """The words after the base: "2" -> "squared", "8" -> "to the power of eight"."""
    if exponent in ("2", "3"):
        return "squared" if exponent == "2" else "cubed"
    sign = "minus " if exponent[0] in "-−" else ""
    return f"to the power of {sign}{number(exponent.lstrip('+-−'))}"
