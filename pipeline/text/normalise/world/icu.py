"""What ICU says: words of numbers, plurals, units, months. Formats are kept, they are slow to make."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

from icu4py.messageformat import MessageFormat

from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["DATE_YEAR", "long_date", "months", "plural", "spell", "with_unit"]

DATE_YEAR = 2024
"""The leap year of every date that ICU writes."""

_CATEGORY = "{n,plural,one{one} two{two} few{few} many{many} other{other}}"
_NUMERAL = re.compile(r"[-−\u200e]?\d(?:[\d.,\u00a0\u202f٫٬’']*\d)?")


@cache
def _format(pattern: str, locale: str) -> MessageFormat:
    return MessageFormat(pattern, locale)


@lru_cache(4096)
def spell(language: SpeechLanguage, value: int | Decimal, rule: str = "") -> str:
    """(de, 21) -> "einundzwanzig"; `rule` is a rule set such as "ordinal-feminine"."""
    pattern = f"{{n,spellout,%spellout-{rule}}}" if rule else "{n,spellout}"
    words = _format(pattern, language.code).format({"n": value}).replace("\u00ad", "")
    for said, better in language.fixes.items():
        if said[0] == "^":
            words = better + words[len(said) - 1 :] if words.startswith(said[1:]) else words
        else:
            words = words.replace(said, better)
    return words


@lru_cache(1024)
def plural(language: SpeechLanguage, value: int | Decimal, forms: str) -> str:
    """(ru, 5, "рубль|рубля|рублей|рубля") -> "рублей"."""
    parts = forms.split("|")
    category = _format(_CATEGORY, language.code).format({"n": value})
    if language.code == "ar" and len(parts) == 4:
        return parts[{"one": 0, "two": 1, "few": 2}.get(category, 3)]
    if category == "one" or len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        return parts[1]
    at = {"few": 1, "many": 2}.get(category, 3)
    return parts[min(at, len(parts) - 1) if category != "other" or len(parts) > 3 else 1]


@cache
def _unit(language: str, unit: str) -> MessageFormat | None:
    try:
        return MessageFormat(f"{{n,number,::unit/{unit} unit-width-full-name}}", language)
    except ValueError:
        return None


def with_unit(language: SpeechLanguage, value: int | Decimal, unit: str, words: str) -> str | None:
    """(ja, 60, "kilometer-per-hour", "六十") -> "時速六十キロメートル"; None: ICU does not know the unit."""
    known = _unit(language.code, unit)
    if known is None:
        return None
    written = known.format({"n": value})
    said, replaced = _NUMERAL.subn(words.replace("\\", ""), written, count=1)
    if not replaced and value in (1, 2):
        said = written  # a language with a dual says "two kilometres" in one word
    if "/" in said or any(c.isdigit() for c in said):
        return None
    said = said.replace("\u00a0", " ").replace("\u202f", " ")
    return said if language.joint else said.replace(" ", "")


@cache
def months(language: SpeechLanguage) -> tuple[str, ...]:
    """The names of the months as they stand after a day."""
    form = _format("{d,date,::MMMMd}", f"{language.code}-u-ca-gregory-nu-latn")
    days = [form.format({"d": date(2024, month, 5)}) for month in range(1, 13)]
    return tuple(re.sub(r"^5\.?\s?(?:de\s|ο\s)?|\s5$", "", day) for day in days)


def long_date(language: SpeechLanguage, month: int, day: int) -> str:
    """ "5. März 2024", in the language's own order; always of that year, for ICU has another calendar than
    Python before October 1582."""
    written = _format("{d,date,::yMMMMd}", f"{language.code}-u-ca-gregory-nu-latn")
    return written.format({"d": date(DATE_YEAR, month, day)})
