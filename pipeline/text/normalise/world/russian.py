"""Russian numbers in the genitive, where a word before them asks for it: "около 5 минут", "до 25 кг", "3–5 дней";
and the numerals of monarchs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.text.normalise.english.roman import roman_value
from pipeline.text.normalise.rules import Match, after, before, one_of
from pipeline.text.normalise.world.icu import plural, spell, with_unit
from pipeline.text.normalise.world.numbers import AMOUNT, RIGHT, Number, Row, is_range, parse
from pipeline.text.normalise.world.quantities import UNITS, is_preposition
from pipeline.text.speech_languages import SpeechLanguage
from pipeline.text.speech_languages.model import words_of

__all__ = ["at_number", "at_word"]

_ASKING = re.compile(r"(?<!\w)(?:до|около|от|после|более|менее|больше|меньше|свыше)\s$", re.IGNORECASE)
_FROM = re.compile(r"(?<!\w)с\s$", re.IGNORECASE)
_UNTIL = re.compile(r"\sдо\s\d")
_NO_NOUN = re.compile(r"\s(?:до|и|или|из|по|на|в)\s|\s?(?:[.,;:!?)»—–-]|$)")
_MASCULINE = re.compile(
    r"\s(?:часа|дня|месяца|года|человека|раза|метра|километра|литра|рубля|доллара|процента|миллиона|миллиарда|градуса)\b"
)
_BARE = re.compile(
    r"(?:^|[.!?:,«(]\s?|(?<!\w)(?:это|там|здесь|примерно|всего|нужно|ещё|займёт|длится|осталось|прошло|уходит)\s)$",
    re.IGNORECASE,
)
"""Before a range that may become "от … до …": no preposition, no adjective."""


def _is_asked(match: Match) -> bool:
    cue = before(match, 8)
    if _ASKING.search(cue):
        return True
    return _FROM.search(cue) is not None and _UNTIL.match(after(match, 5)) is not None


def _ends_in_one(number: Number) -> bool:
    return number.whole[-1] == "1" and number.whole[-2:] != "11"


def _genitive(language: SpeechLanguage, number: Number, gender: str = "masculine") -> str:
    return spell(language, int(number.whole), f"cardinal-{gender}-genitive")


def _number(language: SpeechLanguage, match: Match) -> str | None:
    """ "около 5 минут" -> "около пяти минут"; the gender of a noun after 1 must be known."""
    number, following = parse(language, match["a"]), after(match, 16)
    if number.fraction or not _is_asked(match) or (len(number.whole) > 1 and number.whole[0] == "0"):
        return None
    if len(number.whole) == 4 and "1900" <= number.whole < "2100" and _NO_NOUN.match(following):
        return None  # may be a year
    if not _ends_in_one(number):
        return _genitive(language, number)
    if re.match(rf"\s(?:{language.feminine_words})(?!\w)", following):
        return _genitive(language, number, "feminine")
    if _MASCULINE.match(following) or _NO_NOUN.match(following):
        return _genitive(language, number)
    return match[0]


def _quantity(language: SpeechLanguage, match: Match) -> str | None:
    """ "до 25 кг" -> "до двадцати пяти килограммов", "более 2 млн ₽"."""
    number, unit, sign = parse(language, match["a"]), match["unit"], match["sign"]
    if number.fraction or not _is_asked(match) or is_preposition(match):
        return None
    last, joint = number, ""
    if match["b"]:
        last = parse(language, match["b"])
        if last.fraction or not is_range(number, last):
            return None
        joint = f"{_genitive(language, number)}{language.to}"
    name, noun = _noun(language, unit, single=_ends_in_one(last))
    words = _genitive(language, last, "feminine" if name in language.feminine else "masculine")
    stop = "." if unit.endswith(".") and not after(match, 3).strip() else ""
    return f"{joint}{words} {noun}{f' {plural(language, 5, language.currencies[sign])}' if sign else ''}{stop}"


def _noun(language: SpeechLanguage, unit: str, *, single: bool) -> tuple[str, str]:
    """A unit's name in the tables, and its genitive: "километра" after one, else "километров"."""
    like = 2 if single else 5
    if unit == "%":
        return unit, plural(language, like, language.percent.replace("{n} ", ""))
    forms = language.magnitudes.get(unit) or language.currencies.get(unit)
    if forms:
        return unit, plural(language, like, forms)
    name = language.units.get(unit) or UNITS[unit]
    if "{n}" in name:
        return name, plural(language, like, name.replace("{n} ", ""))
    return name, (with_unit(language, like, name, "") or unit).strip()


def _range(language: SpeechLanguage, match: Match) -> str | None:
    """ "3–5 дней" -> "от трёх до пяти дней"; only where the noun is in the genitive plural already."""
    first, last = parse(language, match["a"]), parse(language, match["b"])
    if first.fraction or last.fraction or not is_range(first, last) or _ends_in_one(first):
        return None
    if last.whole[-1] in "1234" and last.whole[-2:-1] != "1":
        return None
    if _is_asked(match):
        return f"{_genitive(language, first)}{language.to}{_genitive(language, last)}"
    if not _BARE.search(before(match, 12)):
        return None
    return f"от {_genitive(language, first)} до {_genitive(language, last)}"


def _years(language: SpeechLanguage, match: Match) -> str:
    """ "1941–1945 годы" -> "тысяча девятьсот сорок первый–тысяча девятьсот сорок пятый годы"."""
    rule = "ordinal-masculine" + {"годы": "", "годов": "-genitive", "годах": "-locative"}[match["word"]]
    first, last = (spell(language, int(match[end]), rule) for end in ("a", "b"))
    return f"{first}{language.to}{last} {match['word']}"


def _crown(language: SpeechLanguage, match: Match) -> str | None:
    """ "Пётр I" -> "Пётр Первый", "Петра I" -> "Петра Первого"; a name in another case stays as it is written."""
    name = before(match, 16).rstrip().rsplit(" ", 1)[-1]
    rule = _CROWNED.get(name)
    value = roman_value(match["n"])
    return spell(language, value, f"ordinal-{rule}").capitalize() if rule and value else None


_CROWNED = {
    **dict.fromkeys(
        words_of("Пётр Петр Николай Александр Павел Иван Карл Людовик Фридрих Генрих Вильгельм"), "masculine"
    ),
    **dict.fromkeys(
        words_of("Петра Николая Александра Павла Ивана Карла Людовика Фридриха Генриха"),
        "masculine-genitive",
    ),
    **dict.fromkeys(("Екатерина", "Елизавета"), "feminine"),
    **dict.fromkeys(("Екатерины", "Елизаветы"), "feminine-genitive"),
}


def at_word(language: SpeechLanguage) -> Sequence[Row]:
    return [(r"(?P<n>[IVX]{1,5})(?!\w)", _crown)] if language.code == "ru" else []


def at_number(language: SpeechLanguage) -> Sequence[Row]:
    """Asked before the rules of all languages; they say what is not certain here."""
    if language.code != "ru":
        return []
    amount, dash = AMOUNT(language), r"\s?[-–—]\s?"
    units = one_of({**UNITS, **language.units, **language.magnitudes, **language.currencies, "%": ""})
    sign = rf"(?:(?<=н|д)\s?(?P<sign>{one_of(language.currencies)}))?"
    return [
        (rf"(?P<a>[12]\d{{3}}){dash}(?P<b>[12]\d{{3}})\s(?P<word>годы|годов|годах)(?!\w)", _years),
        (rf"(?P<a>{amount})(?:{dash}(?P<b>{amount}))?\s?(?P<unit>{units}){sign}(?![^\W_]|²|³|/)", _quantity),
        (rf"(?P<a>{amount}){dash}(?P<b>{amount})(?=\s[а-яё]{{3}})", _range),
        (rf"(?P<a>{amount}){RIGHT(language)}", _number),
    ]
