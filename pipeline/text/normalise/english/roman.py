"""English Roman numerals, only where the word before makes them one: "Chapter IV", "Henry VIII"."""

from __future__ import annotations

from pipeline.text.normalise.english.numbers import cardinal, ordinal
from pipeline.text.normalise.rules import Match, after, before, compiled, rule
from pipeline.text.speech_languages.model import words_of

__all__ = ["AT_WORD", "BEFORE", "roman_value"]

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_VALID = compiled(r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})$")

_COUNTED = words_of(
    "Chapter Part Book Volume Vol. Act Scene Section Article Type Phase Stage Grade Level War Bowl "
    "Title Appendix Unit "
    "Class Figure Table Episode Rocky Fantasy Auto Apollo Gemini Saturn Mark Pentium Vatican "
    "Category Tier Schedule "
    "Division Group Round Step Lesson Module Canto Psalm Diablo Civilization Factor Nerve Amendment "
    "Wrestlemania "
    "WrestleMania Olympiad Factor factor nerve type phase stage grade chapter part Axis Cluster Corps Rome"
)
_CROWNED = words_of(
    "Henry Louis Elizabeth George Charles James Edward William Richard Napoleon Paul Pius Benedict "
    "Gregory Leo Clement "
    "Innocent Urban Alexander Francis Frederick Philip Ferdinand Joseph Peter Catherine Nicholas "
    "Ivan Mary Victoria "
    "Ramses Ramesses Ptolemy Cleopatra Darius Xerxes Cyrus Constantine Justinian Otto Wilhelm Albert "
    "Leopold Baudouin "
    "Carlos Alfonso Felipe Isabella Juan Gustav Gustavus Christian Harald Olav Haakon Umberto Victor "
    "Emmanuel John "
    "Stephen Boniface Sixtus Julius Adrian Martin Eugene Nicholas Callixtus Celestine Honorius "
    "Sylvester "
    "Robert David Kenneth Margrethe Wilhelmina Beatrix Rainier Murad Mehmed Selim Suleiman "
    "Ahmed Osman Rama "
    "Thutmose Amenhotep Seti Theodosius Tiberius Zog Faisal Hussein Abdullah Mohammed Hassan Farouk "
    "Fuad Pedro Manuel"
)
BEFORE = frozenset(_COUNTED + _CROWNED)
"""The words that a numeral may follow."""
_COUNT = compiled(rf"\b(?:{'|'.join(word.replace('.', chr(92) + '.') for word in _COUNTED)})\s$")
_CROWN = compiled(rf"\b(?:{'|'.join(_CROWNED)})\s$")
_I_ENDS = compiled(
    r"""
    (?:[,.;:)!?’']|\s?$|\s(?:was|of|and|is|had|ruled|reigned|died|became|to|in|who|by|at|diabetes|error
    |errors|clinical)\b)"""
)
_PRONOUN = compiled(r"\s(?:was|had|have|am|will|would|did|do|could|can)\b")
_CROWNED_BEFORE = compiled(
    r"""(?:^|[.!?]\s|\b(?:King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Prince|Sultan|when|under|After)\s)
    (?:[A-Z][a-z]+\s)$"""
)
"""What makes "Elizabeth I was" a name; "I said to Elizabeth I was" is none."""
_CENTURY = compiled(r"(?:st|nd|rd|th)?\s(?:century|centuries|Olympiad|Olympics|dynasty)\b")


def roman_value(text: str) -> int | None:
    """ "XIV" -> 14; None when it is no numeral as they are written."""
    if not _VALID.match(text):
        return None
    total = 0
    for here, following in zip(text, text[1:] + " ", strict=True):
        value = _VALUES[here]
        total += -value if value < _VALUES.get(following, 0) else value
    return total


@rule(r"(?P<n>[IVXLCDM]{1,9})(?:(?P<range>[-–])(?P<n2>[IVXLCDM]{1,9}))?(?![\w’'](?!s\b)|\.\w)")
def _roman(match: Match) -> str | None:
    value = roman_value(match["n"])
    if value is None:
        return None
    if _CENTURY.match(after(match, 12)) and len(match["n"]) > 1:
        return ordinal(value)
    cue = before(match, 24)
    if match["n"] in ("C", "D", "L", "M"):
        return None
    if match["n"] == "I" and not cue.endswith("War ") and not _I_ENDS.match(after(match, 12)):
        return None
    if _COUNT.search(cue):
        second = roman_value(match["n2"]) if match["n2"] else None
        return cardinal(value) + (f" to {cardinal(second)}" if second else "")
    if _CROWN.search(cue) and value < 40 and not match["n2"]:
        if match["n"] == "I" and _PRONOUN.match(after(match, 8)) and not _CROWNED_BEFORE.search(cue):
            return None
        return f"the {ordinal(value)}"
    return None


@rule(r"(?P<n>[IVX]{2,6})(?:st|nd|rd|th)(?!\w)")
def _roman_ordinal(match: Match) -> str | None:
    value = roman_value(match["n"])
    return ordinal(value) if value else None


AT_WORD = (_roman_ordinal, _roman)
