"""Written forms of every language that has a table in `speech_languages`, with ICU's spell-outs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial

from pipeline.text.normalise import rules
from pipeline.text.normalise.edits import Edit
from pipeline.text.normalise.world import dates, numbers, quantities, words
from pipeline.text.speech_languages import SpeechLanguage, speech_language

__all__ = ["find_edits"]

MakeRules = Callable[[SpeechLanguage], Sequence[numbers.Row]]


def find_edits(text: str, lang: str) -> list[Edit]:
    """The edits that turn the written forms of a text in `lang` into words."""
    finder, table = _rules(lang)
    return rules.find_edits(text, finder, table)


@cache
def _rules(lang: str) -> tuple[re.Pattern[str], dict[str, tuple[rules.Rule, ...]]]:
    language = speech_language(lang)
    signs = numbers.one_of(sign for sign in language.currencies if quantities.leads(sign))
    finder = re.compile(
        rf"""
        (?P<word>(?<![\w.]){words.WRITTEN(language)})
        |(?P<digit>{numbers.LEFT(language)}(?:[-−+~≈±<>≤≥]\s?(?=\d)|%\s?(?=\d))?\d)
        |(?P<sign>(?<![A-Za-z])(?:{signs})\s?[-−]?\d)
        |(?P<operator>\s?[&=×÷+<>≤≥≈→−]\s?|[\#№§]\s?(?=\d)|[½⅓⅔¼¾])
        """,
        re.VERBOSE,
    )
    at_digit = _bound(language, dates.at_number, quantities.at_number, numbers.at_number)
    return finder, {
        "word": _bound(language, words.at_word),
        "digit": at_digit,
        "sign": _bound(language, quantities.at_sign),
        "operator": _bound(language, words.at_operator),
    }


def _bound(language: SpeechLanguage, *makers: MakeRules) -> tuple[rules.Rule, ...]:
    return tuple(
        rules.Rule(re.compile(pattern, re.VERBOSE), partial(say, language))
        for make in makers
        for pattern, say in make(language)
    )
