"""Roman numerals of centuries and crowned heads in other languages than English."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.text.normalise.english.roman import roman_value
from pipeline.text.normalise.rules import Match, after, before, one_of
from pipeline.text.normalise.world.icu import spell
from pipeline.text.normalise.world.numbers import Row
from pipeline.text.speech_languages import SpeechLanguage
from pipeline.text.speech_languages.model import words_of

__all__ = ["NUMERAL", "at_word"]

NUMERAL = "[IVXLC]{1,8}"
_CROWNED = frozenset(
    words_of(
        "Ludwig Friedrich Wilhelm Heinrich Karl Otto Johannes Paul Benedikt Franz Georg Elisabeth "
        "Katharina Louis Henri François Charles Philippe Napoléon Jean-Paul Benoît Élisabeth Pie "
        "Clément Grégoire Felipe Juan Carlos Alfonso Fernando Enrique Pablo Benedicto Pío Isabel "
        "Napoleón Luis Pedro Luigi Carlo Vittorio Emanuele Umberto Paolo Giovanni Benedetto Pio "
        "Elisabetta Filippo Enrico Napoleone João Manuel Maria Bento Luís Filipe Leopoldo Jorge "
        "Eduardo Zygmunt Jan Stefan Henryk Paweł Benedykt Hendrik Filips Karel"
    )
)


_QUEENS = frozenset(
    words_of(
        "Isabel Isabela Isabella Elisabetta Elisabeth Élisabeth Maria María Katharina Caterina Catarina Catalina "
        "Cristina Victoria Vittoria Juana Giovanna Margarethe"
    )
)


def _century(language: SpeechLanguage, match: Match) -> str | None:
    """ "siglo XXI", "XIXe siècle", "XXI век": the word beside it makes it a number."""
    value = roman_value(match["n"])
    if value is None:
        return None
    rules = language.roman_after
    rule = next((rules[word] for word in rules if match["word"] == word), None)
    if rule is None:
        return None
    word = {"s.": "siècle", "arr.": "arrondissement"}.get(match["word"], match["word"])
    stop = "." if word != match["word"] and not after(match, 4).strip() else ""
    return f"{spell(language, value, rule)} {word}{stop}"


def _century_before(language: SpeechLanguage, match: Match) -> str | None:
    value = roman_value(match["n"])
    word = before(match, 12).rstrip().rsplit(" ", 1)[-1].lower()
    if value is None or word not in language.roman_before:
        return None
    return spell(language, value, "ordinal-masculine" if word == "secolo" else "")


def _crown(language: SpeechLanguage, match: Match) -> str | None:
    """ "Louis XIV" -> "Louis quatorze", "Felipe VI" -> "… sexto", "Ludwig XIV." -> "… der Vierzehnte"."""
    value = roman_value(match["n"])
    name = before(match, 16).rstrip().rsplit(" ", 1)[-1]
    if value is None or name not in _CROWNED or value > 40 or not language.crown:
        return None
    template, rule, last = language.crown
    if match["n"] in ("C", "L") or (match["n"] == "I" and after(match, 2)[1:].islower()):
        return None  # "Paolo I ragazzi"
    if value == 1 and language.first_day_rule:
        rule, last = language.first_day_rule, 99
    if name in _QUEENS:
        rule, template = rule.replace("-masculine", "-feminine"), template.replace("der ", "die ")
    words = spell(language, value, rule if value <= last else "")
    if "die" in template:
        words = words[0].upper() + words[1:].removesuffix("r")
    if "der" in template:
        words = words[0].upper() + words[1:]
    stop = match["stop"] if language.code != "de" or not after(match, 2).strip() else ""
    return template.format(n=words) + stop


def at_word(language: SpeechLanguage) -> Sequence[Row]:
    table: list[Row] = []
    if language.roman_after:
        words = one_of(language.roman_after)
        table.append((rf"(?P<n>{NUMERAL})(?:e|ème|º|ª|-?[ей])?\s(?P<word>{words})(?!\w)", _century))
    if language.roman_before:
        table.append((rf"(?P<n>{NUMERAL})(?!\w)", _century_before))
    if language.crown:
        table.append((rf"(?P<n>{NUMERAL})(?:er|º)?(?!\w)(?P<stop>\.?)", _crown))
    return table
