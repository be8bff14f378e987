"""Abbreviations and symbols of other languages than English."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.text.normalise.rules import Match, after, before, one_of
from pipeline.text.normalise.world.icu import spell
from pipeline.text.normalise.world.numbers import Row
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["at_operator", "at_word"]

_VULGAR = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_LISTING = frozenset({"usw.", "etc.", "enz.", "itd.", "itp.", "ecc.", "vb.", "т. д.", "т.д.", "т. п.", "т.п."})
_OPERAND_LEFT = re.compile(r"(?:[\d%)°²³]|(?<!\w)\w)\s?$")
_WORD_LEFT = re.compile(r"[\w%)°²³]\s?$")
_OPERAND_RIGHT = re.compile(r"\s?[\w(-]")


def _keys(language: SpeechLanguage) -> str:
    """Every abbreviation, and as it begins a sentence."""
    keys = {key.rstrip("#^") for key in language.abbreviations}
    return one_of(keys | {key[0].upper() + key[1:] for key in keys})


def _abbreviation(language: SpeechLanguage, match: Match) -> str | None:
    """ "z. B." -> "zum Beispiel"; at the end of a sentence its full stop stays."""
    written = match["key"]
    table = language.abbreviations
    following = after(match, 4)
    if written not in table and f"{written}#" not in table and f"{written}^" not in table:
        written = written[0].lower() + written[1:]
    words = table.get(written)
    if words is None and re.match(r"\s?\d|\s[IVX]+\b", following):
        words = table.get(f"{written}#")
    if words is None and re.match(r"\s[^\W\d_]", following) and following.strip()[:1].isupper():
        words = table.get(f"{written}^")
    if words is None:
        return None
    start = before(match, 2).rstrip()
    if match["key"][0].isupper() and (not before(match, 2) or start[-1:] in (".", "!", "?")):
        words = words[0].upper() + words[1:]
    if not written.endswith("."):
        return words + ("" if following[:1] in (" ", "", ",", ".") else " ")
    ends = not following.strip(" \"'”’»)") or (written in _LISTING and following.strip()[:1].isupper())
    return words + ("." if ends else "")


def _street(language: SpeechLanguage, match: Match) -> str:
    """ "Hauptstr. 7" -> "Hauptstraße 7"."""
    following = after(match, 4)
    return f"{match['stem']}straße" + ("" if re.match(r"\s?[\d,a-zäöü]", following) else ".")


def _operator(language: SpeechLanguage, match: Match) -> str | None:
    """ "3 + 4 = 7", "A & B"."""
    words = language.symbols.get(match["op"])
    operand = _WORD_LEFT if match["op"] in "&→=" else _OPERAND_LEFT
    if not words or not operand.search(before(match, 3)) or not _OPERAND_RIGHT.match(after(match, 3)):
        return None
    left, right = before(match, 1), after(match, 1)
    if match["op"] in "&→" or left.isdigit() or right.isdigit() or match["op"] == "=":
        return f"{language.joint or ''}{words}{language.joint or ''}"
    return None


def _leading(language: SpeechLanguage, match: Match) -> str | None:
    """ "> 50 €", "~20": the number has its own rule."""
    words = language.symbols.get(match["op"])
    return f"{words}{language.joint}" if words else None


def _number_sign(language: SpeechLanguage, match: Match) -> str | None:
    words = language.symbols.get(match["op"])
    return f"{words}{language.joint}" if words else None


def _vulgar(language: SpeechLanguage, match: Match) -> str | None:
    if after(match, 1).isnumeric() or before(match, 1).isnumeric():
        return None  # "½½" is no number
    fraction = _VULGAR[match[0]]
    words = language.fractions.get(fraction)
    if words is None and "n/m" in language.fractions:
        n, m = map(int, fraction.split("/"))
        words = language.fractions["n/m"].format(n=spell(language, n), m=spell(language, m))
    return words or None


def at_word(language: SpeechLanguage) -> Sequence[Row]:
    table: list[Row] = [(rf"(?P<key>{_keys(language)})(?!\w)", _abbreviation)]
    if language.code == "de":
        table.append((r"(?P<stem>[^\W\d_]{3,30})str\.(?!\w)", _street))
    return table


def at_operator(language: SpeechLanguage) -> Sequence[Row]:
    return [
        (r"\s?(?P<op>[&=×÷+<>≤≥≈→−])\s?", _operator),
        (r"(?P<op>[+~≈±<>≤≥])\s?(?=\d)", _leading),
        (r"(?P<op>[\#№§])\s?(?=\d)", _number_sign),
        (r"[½⅓⅔¼¾]", _vulgar),
    ]
