"""Numbers of other languages than English: marks between digits, ordinals, ranges, years."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from pipeline.text.normalise.rules import Match, after, before, one_of
from pipeline.text.normalise.world.icu import spell
from pipeline.text.speech_languages import SpeechLanguage

__all__ = [
    "AMOUNT",
    "LEFT",
    "RIGHT",
    "Number",
    "Row",
    "Say",
    "at_number",
    "at_ordinal",
    "between",
    "in_groups",
    "is_range",
    "parse",
    "say_number",
]

Say = Callable[[SpeechLanguage, Match], str | None]
Row = tuple[str, Say]
"""A pattern and what says it; each language makes its own rules of them."""

MAX_DIGITS = 15
_SPACES = "\u00a0\u202f\u2009"
_CJK = frozenset({"zh", "ja", "ko"})


def LEFT(language: SpeechLanguage) -> str:  # noqa: N802 - a pattern, made for a language
    """Where a number may begin: not inside a word or another number."""
    word = r"(?<![A-Za-z0-9_])" if language.code in _CJK else r"(?<!\w)"
    return rf"{word}(?<!\d[.,:/٫٬])(?<![A-Za-z]-)"


def RIGHT(language: SpeechLanguage) -> str:  # noqa: N802
    word = r"(?![A-Za-z0-9_])" if language.code in _CJK else r"(?!\w)"
    return rf"{word}(?![.,:/٫٬-]\d)"


def AMOUNT(language: SpeechLanguage) -> str:  # noqa: N802
    """A quantity with the language's own marks."""
    group = "[" + re.escape(language.grouping) + _SPACES + "]"
    grouped = rf"\d{{1,3}}(?:{group}\d{{3}}){{1,5}}(?!\d)"
    if language.code == "hi":
        grouped = rf"\d{{1,2}}(?:,\d\d){{1,5}},\d{{3}}(?!\d)|{grouped}"
    if language.grouping != ",":
        grouped += r"|\d{1,3}(?:\ \d{3}){1,5}(?!\d|\ \d)"
    return rf"(?>(?:{grouped}|\d{{1,15}})(?:[{re.escape(language.decimal)}]\d{{1,12}})?)"


@dataclass(frozen=True, slots=True)
class Number:
    """A parsed numeral; `fraction` keeps its zeros, `foreign`: a decimal point where a comma is the rule."""

    whole: str
    fraction: str
    foreign: bool = False

    @property
    def value(self) -> int | Decimal:
        return Decimal(f"{self.whole}.{self.fraction}") if self.fraction else int(self.whole)


@lru_cache(4096)
def parse(language: SpeechLanguage, text: str) -> Number:
    """ "1.250,75" -> Number("1250", "75"); digits of any script become ASCII."""
    ascii_text = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    grouping, decimal = language.grouping + _SPACES + " ", language.decimal
    at = max(ascii_text.rfind(mark) for mark in decimal)
    tail = len(ascii_text) - at - 1
    if at >= 0 and not (tail == 3 and ascii_text[at] in grouping):
        whole, fraction = ascii_text[:at], ascii_text[at + 1 :]
    else:
        whole, fraction = ascii_text, ""
    return Number("".join(c for c in whole if c.isdigit()), fraction)


def digits(language: SpeechLanguage, text: str) -> str:
    """ "407" -> "vier null sieben"."""
    return language.joint.join(spell(language, int(c)) for c in text if c.isdecimal())


@lru_cache(4096)
def say_number(language: SpeechLanguage, number: Number, rule: str = "") -> str:
    """ "3,14" -> "drei Komma eins vier" or "trois virgule quatorze", as the language has it."""
    whole, fraction = number.whole, number.fraction
    if not fraction and (len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0")):
        return digits(language, whole)
    if not fraction:
        return spell(language, int(whole), rule)
    if language.code == "ru" and not number.foreign:
        return spell(language, Decimal(f"{whole}.{fraction}"))
    point = language.dot if number.foreign else language.point
    zeros = len(fraction) - len(fraction.lstrip("0"))
    if language.digits_after_point or number.foreign or zeros == len(fraction):
        tail = [spell(language, int(c)) for c in fraction]
    else:
        tail = [spell(language, 0)] * zeros + [spell(language, int(fraction))]
    return language.joint.join([spell(language, int(whole)), point, *tail])


def _plain(language: SpeechLanguage, match: Match) -> str | None:
    number = parse(language, match["n"])
    rule: str | None = ""
    hundreds = language.code in ("es", "pt") and len(number.whole) >= 3  # "doscientas casas"
    if not number.fraction and (number.whole[-1] in "12" or hundreds):
        rule = _agreement(language, after(match, 24))
        if language.one_agrees and number.whole == "1" and rule == "":
            return None
    words = say_number(language, number, rule or "")
    return f"{language.minus}{language.joint}{words}" if match["sign"] else words


def _agreement(language: SpeechLanguage, following: str) -> str | None:
    """The rule that the next word asks for: "" when it is a noun we do not know, None when it is none."""
    noun = _NOUN_AFTER.match(following)
    if noun is None:
        return None
    if noun[1] in _currency_words(language):
        return language.counted[0]
    if language.feminine_words and re.fullmatch(language.feminine_words, noun[1]):
        return language.counted[1]
    if language.code == "es" and noun[1].islower() and len(noun[1]) > 3:
        return language.counted[0]
    return ""


_NOUN_AFTER = re.compile(r"\s([^\W\d_]+)")


@cache
def _currency_words(language: SpeechLanguage) -> frozenset[str]:
    """ "Euro", "euros": their gender is known."""
    forms = "|".join(form for sign, form in language.currencies.items() if sign not in language.feminine)
    return frozenset(forms.split("|"))


def _foreign(language: SpeechLanguage, match: Match) -> str:
    """ "3.5" in a language of decimal commas: the mark is said as it is written."""
    return say_number(language, Number(match["w"], match["f"], foreign=True))


def _year(language: SpeechLanguage, match: Match) -> str | None:
    """ "im Jahr 1984" -> "… neunzehnhundertvierundachtzig"."""
    cue, following = before(match, 16).rstrip().lower(), after(match, 2)
    counts = following[1:].isupper()  # "von 1984 Menschen"
    if language.code == "de" and (counts or match["n"] < "2000"):
        return None if counts else spell(language, int(match["n"]), language.year_rule)
    words = (word.lower() for word in language.year_cues)
    if not any(cue.endswith(word) and not cue[: -len(word)][-1:].isalpha() for word in words):
        return None
    return spell(language, int(match["n"]), language.year_rule)


def _year_with_word(language: SpeechLanguage, match: Match) -> str | None:
    """ "в 1984 году" -> "в тысяча девятьсот восемьдесят четвёртом"."""
    if match["word"] == "г." and not _YEAR_BEFORE.search(before(match, 12).lower()):
        return match[0] if "1700" <= match["n"] < "2100" else None  # "1500 г." is also a weight
    preposition, rule = language.year_words_in
    word = match["word"]
    inside = preposition and before(match, 3).lower().endswith(f"{preposition} ")
    if not (inside and word in ("roku", "r.", "г.")):
        rule = language.year_words[word]
    stop = "." if word.endswith(".") and not after(match, 4).strip() else ""
    return f"{spell(language, int(match['n']), rule)} {_FULL_YEAR.get((word, bool(inside)), word)}{stop}"


_YEAR_BEFORE = re.compile(r"(?<!\w)(?:в|во|с|со|до|к|от|по|после|[а-я]+(?:ря|ля|ня|та|мая))\s$")
_FULL_YEAR = {("г.", True): "году", ("г.", False): "года", ("r.", True): "roku", ("r.", False): "roku"}


def _cjk_year(language: SpeechLanguage, match: Match) -> str:
    return spell(language, int(match["n"]), language.year_rule)


def _ordinal(language: SpeechLanguage, match: Match) -> str | None:
    """ "3e" -> "troisième", "5-го" -> "пятого"."""
    ending = match["ending"]
    if ending in ("o", "a") and match["n"] not in ("1", "2", "3"):
        return None
    return spell(language, int(match["n"]), language.ordinals[ending])


def _german_ordinal(language: SpeechLanguage, match: Match) -> str | None:
    """ "der 3. Tag" -> "der dritte Tag"; without an article the full stop may be the sentence's."""
    cue = _ORDINALS_BEFORE.sub("", before(match, 24)).rstrip()
    rule = language.day_rule_after.get(cue.rsplit(" ", 1)[-1].lower())
    return spell(language, int(match["n"]), rule) if rule else None


_ORDINALS_BEFORE = re.compile(r"(?:\d{1,3}\.,\s)*\d{1,3}\.(?:,|\s(?:und|oder|bis))\s$")


def _turkish_ordinal(language: SpeechLanguage, match: Match) -> str:
    return spell(language, int(match["n"]), "ordinal")


def between(language: SpeechLanguage) -> str:
    """What is said between the ends of a range; Korean hangs it on the first."""
    gap = "" if language.to == "–" else language.joint
    return f"{'' if language.code == 'ko' else gap}{language.to}{gap}"


def is_range(first: Number, last: Number) -> bool:
    """Whether two numbers with a dash between them are its ends, and no code or telephone number."""
    a, b = first.whole, last.whole
    if any(len(whole) > 1 and whole[0] == "0" for whole in (a, b)):
        return False
    if len(a) == 4 and len(b) == 2 and "1" <= a[0] <= "2":
        return b > a[2:]  # 1939-45
    if (len(a), len(b)) == (3, 4) and b[-1] != "0" and not first.fraction and not last.fraction:
        return False  # 867-5309
    return first.value < last.value and len(b) - len(a) < 4


def _range(language: SpeechLanguage, match: Match) -> str | None:
    """ "3–5" -> "drei bis fünf"; "98765-43210" is dialled, "100-1" stays."""
    first, last = parse(language, match["a"]), parse(language, match["b"])
    if not is_range(first, last):
        both = first.whole + last.whole
        if 7 <= len(both) <= 12 and len(last.whole) > 2 and "-" in match[0] and match[0].replace("-", "").isdecimal():
            return in_groups(language, [first.whole, last.whole])
        score = language.to in ("a", "à") and len(both) < 4 and not both.startswith("0")
        if not score or first.fraction or last.fraction:
            return match[0]
    if len(match["a"]) == 4 and (language.code == "de" or (language.code == "zh" and after(match, 1) == "年")):
        ends = [spell(language, int(end.whole), language.year_rule) for end in (first, last)]
        return f"{ends[0]}{between(language)}{ends[1]}"  # years: "1939-1945"
    return f"{say_number(language, first)}{between(language)}{say_number(language, last)}"


def _score(language: SpeechLanguage, match: Match) -> str:
    """ "3:1" -> "drei zu eins"."""
    gap = language.joint
    return f"{spell(language, int(match['a']))}{gap}{language.against}{gap}{spell(language, int(match['b']))}"


def _korean_month(language: SpeechLanguage, match: Match) -> str:
    """June and October lose a consonant."""
    return {"6": "유", "10": "시"}[match["n"]]


def _counted(rule: str) -> Say:
    def say(language: SpeechLanguage, match: Match) -> str | None:
        value = int(match["n"])
        if before(match, 1) == "第":
            return spell(language, value)
        counter = after(match, 3).lstrip()
        o_clock = counter.startswith("시") and not counter.startswith("시간")
        if language.code == "ko" and value > (12 if o_clock else 99):
            return spell(language, value)
        return spell(language, value, rule)

    return say


def in_groups(language: SpeechLanguage, groups: Sequence[str]) -> str:
    """Digit by digit, with a pause between the groups."""
    pause = language.pause or ", "
    return pause.join(digits(language, group) for group in groups)


def _times(language: SpeechLanguage, match: Match) -> str:
    """ "3 x 4": the second number has its own rule."""
    number = say_number(language, parse(language, match["n"]))
    return f"{number}{language.joint}{language.symbols['×']}{language.joint}"


def _decade(language: SpeechLanguage, match: Match) -> str:
    """ "1990er" -> "neunzehnhundertneunziger"."""
    return spell(language, int(match["n"]), language.year_rule) + match["ending"]


def at_ordinal(language: SpeechLanguage) -> Sequence[Row]:
    """Ordinals, which are asked before units: "1° piano" is no degree."""
    table: list[Row] = []
    if language.year_words:  # before units: "в 1945 г." has no grams
        table.append((rf"(?P<n>[12]\d{{3}})\s?(?P<word>{one_of(language.year_words)})(?!\w)", _year_with_word))
    if not language.ordinals:
        return table
    degree = r"°(?=\s[^\W\d_])|" if "°" in language.ordinals else ""
    ending = rf"(?P<ending>{degree}{one_of(mark for mark in language.ordinals if mark != '°')})"
    table.append((rf"(?P<n>\d{{1,4}}){ending}(?!\w)", _ordinal))
    return table


def at_number(language: SpeechLanguage) -> Sequence[Row]:
    amount, right = AMOUNT(language), RIGHT(language)
    table: list[Row] = []
    if language.code == "zh":
        table.append((r"(?P<n>[12]\d{3})(?=年)", _cjk_year))
    if language.code == "ko":
        table.append((r"(?P<n>6|10)(?=월)", _korean_month))
    table.extend((rf"(?P<n>\d{{1,4}})(?=\s?(?:{words}))", _counted(rule)) for words, rule in language.counters.items())
    if language.code == "de":
        goes_on = r"\s[A-ZÄÖÜ]|\s(?:bis|und|oder)\s(?:d(?:er|ie|as|em|en)\s)?\d|,\s\d{1,3}\."
        table.append((rf"(?P<n>\d{{1,3}})\.(?={goes_on})", _german_ordinal))
        table.append((r"(?P<n>1\d\d0|[2-9]0)(?P<ending>ern?)(?!\w)", _decade))
    if language.code == "tr":
        table.append((r"(?P<n>\d{1,4})\.(?=\s[a-zçğıöşü])", _turkish_ordinal))
    if "×" in language.symbols:
        table.append((rf"(?P<n>{amount})\s?[x×]\s?(?=\d)", _times))
    if language.against:
        table.append((r"(?P<a>\d{1,2}):(?P<b>\d)(?![\d:])", _score))
    if language.to:
        table.append((rf"(?P<a>{amount})(?:\s?[-–—〜～]\s?|~)(?P<b>{amount}){right}(?!\s?=|-[A-Z\d])", _range))
    if language.year_cues:
        table.append((rf"(?P<n>1[1-9]\d\d|20\d\d){right}", _year))
    if language.decimal != "." and "." not in language.decimal:
        table.append((rf"(?P<w>\d{{1,4}})\.(?P<f>\d{{1,2}}){right}", _foreign))
    table.append((rf"(?P<sign>[-−]\s?)?(?P<n>{amount}){right}", _plain))
    return table
