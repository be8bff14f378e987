"""Digits that name rather than count, in other languages than English: telephone numbers, versions, addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.text.normalise.rules import Match
from pipeline.text.normalise.world.icu import spell
from pipeline.text.normalise.world.numbers import RIGHT, Number, Row, in_groups, say_number
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["at_number"]


def _dialled(language: SpeechLanguage, match: Match) -> str | None:
    """ "+49 30 123456": digit by digit, a pause between the groups; the French dial in pairs."""
    groups = re.findall(r"\d+", match["n"])
    if not 8 <= sum(map(len, groups)) <= 15:
        return None
    plus = f"{language.plus} " if match["plus"] else ""
    if language.code == "fr" and all(len(group) == 2 for group in groups[-4:]):
        return plus + ", ".join(_pair(language, group) for group in groups)
    return plus + in_groups(language, groups)


def _pair(language: SpeechLanguage, group: str) -> str:
    """ "42" -> "quarante-deux", "01" -> "zéro un"."""
    return in_groups(language, [group]) if group[0] == "0" else spell(language, int(group))


def _hyphened(language: SpeechLanguage, match: Match) -> str | None:
    """ "601-234-567" is dialled; "12-34-56" and "2024-13-45" stay as they are written."""
    groups = match["n"].split("-")
    if not 7 <= sum(map(len, groups)) <= 15 or (len(groups[0]) == 4 and len(groups[1]) < 3):
        return match[0]
    return in_groups(language, groups)


def _dotted(language: SpeechLanguage, match: Match) -> str | None:
    """ "2.0.1", "192.168.1.1"."""
    if not language.dot:
        return None
    return f" {language.dot} ".join(say_number(language, Number(part, "")) for part in match["n"].split("."))


def at_number(language: SpeechLanguage) -> Sequence[Row]:
    right = RIGHT(language)
    table: list[Row] = [
        (rf"(?P<plus>\+)(?P<n>\d{{1,3}}(?:[\s./-]?\(?\d{{1,5}}\)?){{2,5}}){right}", _dialled),
        (rf"(?P<plus>)(?P<n>0\d{{1,4}}(?:[\s/-]\d{{2,8}}){{1,5}}){right}", _dialled),
        (
            rf"(?P<plus>\+?)(?P<n>\d{{1,3}}[\s-]?\(\d{{2,5}}\)[\s-]?\d{{2,5}}(?:[\s-]\d{{2,5}}){{1,4}}){right}",
            _dialled,
        ),
        (rf"(?P<plus>)(?P<n>\(\d{{2,4}}\)\s?\d{{2,5}}(?:[\s-]\d{{2,5}}){{0,3}}-\d{{2,5}}){right}", _dialled),
        (r"(?P<n>\d{1,6}(?:-\d{1,6}){2,7})(?:-?[^\W\d_]\w{0,30})?(?!\w)", _hyphened),
        (rf"(?P<n>\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\d{{1,2}}(?:\.\d{{1,2}}){{2,4}}){right}", _dotted),
    ]
    if language.code == "zh":
        table.append((r"(?P<plus>)(?P<n>1[3-9]\d{9})(?!\d)", _dialled))
    return table
