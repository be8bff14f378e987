"""Fractions, halves and powers in other languages than English: "3/4", "1½ tasse", "10^3"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.text.normalise.rules import Match, one_of
from pipeline.text.normalise.world.icu import plural, spell
from pipeline.text.normalise.world.numbers import AMOUNT, RIGHT, Row, Say, parse, say_number
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["at_number"]


def _fraction(language: SpeechLanguage, match: Match) -> str | None:
    known = language.fractions.get(f"{match['n']}/{match['m']}")
    if known:
        return known
    template = language.fractions.get("n/m", "")
    n, m = int(match["n"]), int(match["m"])
    if not template or not 0 < n < m:
        return None
    return template.format(n=spell(language, n), m=spell(language, m))


def _and_a_half(language: SpeechLanguage, match: Match) -> str:
    """ "1 1/2", "1½" -> "eineinhalb"."""
    return language.half.format(n=spell(language, int(match["n"]), language.counted[0]))


def _half_more(rule: str, one: str, more: str, forms: Mapping[str, str]) -> Say:
    """ "1½ tasse" -> "une tasse et demie", "2½ часа" -> "два с половиной часа"; only for nouns that are known."""

    def say(language: SpeechLanguage, match: Match) -> str | None:
        value = int(match["n"])
        if not value:
            return None
        noun = plural(language, 1 if value == 1 else 2, forms[match["noun"]])
        return (one if value == 1 else more).format(n=spell(language, value, rule), noun=noun)

    return say


def _as_written(language: SpeechLanguage, match: Match) -> str:
    """A whole number and a fraction are not two numbers."""
    return match[0]


def _power(language: SpeechLanguage, match: Match) -> str | None:
    """ "5²" -> "fünf zum Quadrat", "10^3" -> "zehn hoch drei"."""
    if match["again"]:
        return match[0]
    number = say_number(language, parse(language, match["n"]))
    exponent = match["e"].lstrip("^").translate(_SUPERSCRIPTS)
    if exponent == "2" and language.squared:
        return f"{number}{language.joint}{language.squared}"
    if not language.power:
        return match[0]
    minus = f"{language.minus}{language.joint}" if exponent[0] in "-−" else ""
    power = spell(language, int(exponent.lstrip("-−")), language.power_rule)
    return f"{number}{language.joint}{language.power.format(e=minus + power)}"


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def at_number(language: SpeechLanguage) -> Sequence[Row]:
    exponent = r"(?P<e>\^[-−]?[0-9]{1,3}(?![A-Za-z0-9_])|⁻?[⁰¹²³⁴-⁹]{1,3})(?P<again>\^\w+)?"
    table: list[Row] = [(rf"(?P<n>{AMOUNT(language)}){exponent}", _power)]
    if language.half:
        table.append((r"(?P<n>\d{1,2})(?:\s1/2(?![\w/])|½)", _and_a_half))
    for rule, (nouns, one, more) in zip(language.counted, language.halves, strict=False):
        forms = {form: entry for entry in nouns.split() for form in entry.split("|")}
        half = rf"(?P<n>\d{{1,2}})(?:\s1/2|½)\s(?P<noun>{one_of(forms)})(?!\w)"
        table.append((half, _half_more(rule, one, more, forms)))
    table.append((r"\d{1,3}\s\d/\d(?![\d/])|\d{1,3}[½⅓⅔¼¾]", _as_written))
    table.append((rf"(?P<n>\d{{1,3}})/(?P<m>\d{{1,3}}){RIGHT(language)}", _fraction))
    return table
