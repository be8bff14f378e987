"""Percent, money and units in other languages than English."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pipeline.text.normalise.rules import Match, after, one_of
from pipeline.text.normalise.world.icu import plural, spell, with_unit
from pipeline.text.normalise.world.numbers import AMOUNT, Number, Row, between, is_range, parse, say_number
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["UNITS", "at_number", "at_sign", "is_preposition", "leads"]

UNITS = {
    "km/h": "kilometer-per-hour", "m/s": "meter-per-second", "km": "kilometer", "m": "meter",
    "cm": "centimeter", "mm": "millimeter", "kg": "kilogram", "g": "gram", "mg": "milligram",
    "t": "metric-ton", "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter", "dl": "deciliter",
    "cl": "centiliter", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond", "GB": "gigabyte",
    "MB": "megabyte", "TB": "terabyte", "KB": "kilobyte", "kB": "kilobyte", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt",
    "kWh": "kilowatt-hour", "V": "volt", "m²": "square-meter", "m2": "square-meter",
    "km²": "square-kilometer",
    "cm²": "square-centimeter", "m³": "cubic-meter", "m3": "cubic-meter", "ha": "hectare",
    "mph": "mile-per-hour", "mi": "mile", "ft": "foot", "lb": "pound", "oz": "ounce", "kcal": "kilocalorie",
    "cal": "calorie", "kJ": "kilojoule", "hPa": "hectopascal", "bar": "bar", "°C": "celsius", "℃": "celsius",
    "°F": "fahrenheit", "°": "degree", "Mbit/s": "megabit-per-second",
}  # fmt: skip
_RANGE_MARK = r"(?:\s?[-–—〜～]\s?|~)"
_LETTERS = {
    **dict.fromkeys(["K", "k"], 3), **dict.fromkeys(["M", "m", "mn", "mln", "Mio", "Mio."], 6),
    **dict.fromkeys(["B", "bn", "mld", "Md", "Mds", "Mrd", "Mrd."], 9), **dict.fromkeys(["T", "tn", "trn"], 12),
}  # fmt: skip
"""How sums are shortened in any language ("$1.2M"), and the zeros that are meant."""
_OWN = {
    6: ("Mio.", "M", "mln", "млн", "milyon", "εκατ."),
    9: ("Mrd.", "Md", "mld", "mld.", "млрд", "milyar", "δισ.", "bi"),
}
"""The same in the tables of the languages."""
_CJK_SCALES = "万萬亿億兆千百十만억조천백"


def _agreeing(language: SpeechLanguage, number: Number, name: str) -> str:
    """The number in the gender of what it counts."""
    masculine, feminine = language.counted
    return say_number(language, number, feminine if name in language.feminine else masculine)


def _ends(language: SpeechLanguage, match: Match, name: str) -> tuple[Number, str] | None:
    """The last number and the words of the whole range; None when it is none."""
    first = parse(language, match["a"])
    minus = f"{language.minus}{language.joint}" if (match["sign"] or "").strip() else ""
    if not match["b"]:
        return first, minus + _agreeing(language, first, name)
    last = parse(language, match["b"])
    if not minus and not is_range(first, last):
        return None
    return (
        last,
        f"{minus}{say_number(language, first)}{between(language)}{_agreeing(language, last, name)}",
    )


def _percent(language: SpeechLanguage, match: Match) -> str | None:
    ends = _ends(language, match, "%")
    if ends is None:
        return None
    number, words = ends
    return plural(language, number.value, language.percent).format(n=words)


def is_preposition(match: Match) -> bool:
    """Whether the Russian "с" is "with" and no second: "5 с половиной"."""
    return match["unit"] == "с" and after(match, 2).strip().isalpha()


def _unit(language: SpeechLanguage, match: Match) -> str | None:
    unit = match["unit"]
    if is_preposition(match):
        return None
    name = language.units.get(unit) or UNITS[unit]
    ends = _ends(language, match, name)
    if ends is None:
        return None
    number, words = ends
    if "{n}" in name:
        said: str | None = plural(language, number.value, name).format(n=words)
    else:
        said = with_unit(language, number.value, name, words)
    return said and said + _stop(match, unit)


def _stop(match: Match, written: str) -> str:
    """The full stop of "руб." is also that of the sentence when a capital or nothing follows."""
    following = after(match, 3).lstrip()
    return "." if written.endswith(".") and (not following or following[0].isupper()) else ""


def _money(language: SpeechLanguage, match: Match) -> str | None:
    """ "3,50 €" -> "drei Euro fünfzig", "1,2 Mio. €" -> "eins Komma zwei Millionen Euro"."""
    words = _sum(language, match)
    return words and words + (_stop(match, match["sign"]) if match[0].endswith(".") else "")


def _as_written(language: SpeechLanguage, match: Match) -> str:
    """A sum in a currency, or with a magnitude, that the language does not know: half of it would be a wrong sum."""
    return match[0]


def _sum(language: SpeechLanguage, match: Match) -> str | None:
    sign = match["sign"]
    amount = _amount(language, match["a"])
    forms = language.currencies[sign]
    minus = f"{language.minus}{language.joint}" if match["minus"] else ""
    last = _amount(language, match["b"]) if match["b"] else amount
    scale = match["magnitude"] or match["letter"]
    if scale and scale not in language.magnitudes:
        own = next((name for name in _OWN.get(_LETTERS[scale], ()) if name in language.magnitudes), None)
        if not (own and last.fraction):
            return _with_zeros(language, amount, last, sign, scale, minus)
        scale = own
    if scale:
        first = f"{say_number(language, amount)}{between(language)}" if match["b"] else ""
        return minus + first + _large(language, last, scale, forms)
    if match["b"]:
        words = f"{_agreeing(language, amount, sign)}{between(language)}{_agreeing(language, last, sign)}"
        return f"{minus}{words}{language.joint}{plural(language, last.value, forms)}"
    if len(amount.fraction) != 2:
        return minus + _units_of(language, amount, sign, forms)
    units, parts = Number(amount.whole, ""), int(amount.fraction)
    small = f"{spell(language, parts, _rule_of_cents(language, sign))} {_cents(language, sign, parts)}".rstrip()
    if not parts:
        return minus + _units_of(language, units, sign, forms)
    if units.value == 0 and language.cents.get(sign):
        return minus + small
    joint = f" {language.money_and} " if language.money_and else " "
    if sign not in language.cents and language.joint == "":
        return minus + _units_of(language, amount, sign, forms)  # 三点五美元
    return minus + _units_of(language, units, sign, forms) + joint + small


def _units_of(language: SpeechLanguage, number: Number, sign: str, forms: str) -> str:
    name = plural(language, number.value, forms)
    if language.code == "ar" and number.value in (1, 2) and forms.count("|") == 3:
        return name
    of = ""
    if language.of_money and isinstance(number.value, int) and number.value and number.value % 1_000_000 == 0:
        of = _of(language, name)
    return f"{_agreeing(language, number, sign)}{language.joint}{of}{name}"


def _of(language: SpeechLanguage, name: str) -> str:
    if language.of_money == "d'":
        return "d'" if name[0] in "aeéiouyh" else "de "
    return language.of_money


def _large(language: SpeechLanguage, amount: Number, magnitude: str, forms: str) -> str:
    scale = plural(language, amount.value, language.magnitudes[magnitude])
    number = _agreeing(language, amount, scale if scale in language.feminine else magnitude)
    name = plural(language, 1_000_000, forms)
    joint = language.joint
    thousand = scale in ("mil", "mille", "mila")
    return f"{number}{joint}{scale}{joint}{'' if thousand else _of(language, name)}{name}"


def _with_zeros(
    language: SpeechLanguage, first: Number, last: Number, sign: str, letter: str, minus: str
) -> str | None:
    """ "1.2M" without a word of the language's own for a million: "一百二十万美元"."""
    values = [Decimal(number.value).scaleb(_LETTERS[letter]) for number in (first, last)]
    if any(value != int(value) or value >= (10**12 if language.code == "zh" else 10**15) for value in values):
        return None  # (兆 is not the same everywhere)
    start, end = (Number(str(int(value)), "") for value in values)
    words = _units_of(language, end, sign, language.currencies[sign])
    return minus + (f"{say_number(language, start)}{between(language)}" if first is not last else "") + words


def _cents(language: SpeechLanguage, sign: str, parts: int) -> str:
    forms = language.cents.get(sign)
    return plural(language, parts, forms) if forms else ""


def _rule_of_cents(language: SpeechLanguage, sign: str) -> str:
    if not language.cents.get(sign):
        return ""
    one = language.cents[sign].split("|")[0]
    return language.counted[1] if one in language.feminine else language.counted[0]


def _amount(language: SpeechLanguage, text: str) -> Number:
    """As `parse`, but one or two digits after a foreign mark are a fraction: "$3.50" in a German text."""
    for size in (2, 1):
        mark = text[-size - 1 : -size]
        if mark and mark in ".," and mark not in language.decimal:
            return Number("".join(c for c in text[: -size - 1] if c.isdigit()), text[-size:])
    return parse(language, text)


def _magnitude(language: SpeechLanguage, match: Match) -> str | None:
    """ "2,5 Mio. Menschen" -> "zwei Komma fünf Millionen Menschen"."""
    amount = parse(language, match["a"])
    scale = plural(language, amount.value, language.magnitudes[match["magnitude"]])
    number = _agreeing(language, amount, scale if scale in language.feminine else match["magnitude"])
    return f"{number}{language.joint}{scale}"


def at_number(language: SpeechLanguage) -> Sequence[Row]:
    amount = AMOUNT(language)
    money = rf"(?:\d{{1,3}}(?:[.,]\d{{3}}){{0,4}}[.,]\d\d(?![\d.,]*\d)|{amount})"
    end = r"(?![A-Za-z0-9])" if language.joint == "" or language.code == "ko" else r"(?![^\W_])"
    table: list[Row] = []
    ends = rf"(?P<sign>[-−]\s?)?(?P<a>{amount})(?:{_RANGE_MARK}(?P<b>{amount}))?"
    percents = rf"(?P<sign>[-−]\s?)?(?P<a>{amount})(?:\s?%?{_RANGE_MARK}(?P<b>{amount}))?"
    if language.percent:
        table.append((rf"{percents}\s?[%٪]{end}", _percent))
        if language.code == "tr":
            table.append((rf"%\s?(?P<sign>[-−])?(?P<a>{amount})(?:{_RANGE_MARK}(?P<b>{amount}))?", _percent))
    if language.currencies:
        scale = rf"(?:\s?(?:(?P<magnitude>{_scales(language)})|(?P<letter>[KkMB])))?"
        sums = rf"(?P<minus>[-−])?(?P<a>{money})(?:{_RANGE_MARK}(?P<b>{money}))?"
        table.append((f"{sums}{scale}\\s?(?P<sign>{one_of(language.currencies)}){end}", _money))
    if language.magnitudes:
        dotted = [name for name in language.magnitudes if name.endswith(".") or len(name) > 2 or language.joint == ""]
        table.append((rf"(?P<a>{amount})\s?(?P<magnitude>{one_of(dotted)}){end if language.joint else ''}", _magnitude))
    units = {**UNITS, **language.units}
    table.append((rf"{ends}[\s\u00a0]?(?P<unit>{one_of(units)}){end}(?!²|³|/|\s?[€$£¥₹₽])", _unit))
    return table


def at_sign(language: SpeechLanguage) -> Sequence[Row]:
    amount = AMOUNT(language)
    money = rf"(?:\d{{1,3}}(?:[.,]\d{{3}}){{0,4}}[.,]\d\d(?![\d.,]*\d)|\d{{1,4}}[.,]\d(?=\s?[^\W\d_])|{amount})"
    signs = one_of(sign for sign in language.currencies if leads(sign))
    glued = language.joint == "" or language.code in ("ko", "ar", "fa", "hi")
    end = rf"(?![.,]?\d|[A-Za-z{_CJK_SCALES}]|\s?{_FOREIGN_SCALE})" if glued else rf"(?![.,]?\d|\w|\s{_FOREIGN_SCALE})"
    scale = rf"(?:\s?(?P<magnitude>{_scales(language)})|(?P<letter>[KkMmBT]))?"
    sums = rf"(?P<minus>[-−])?(?P<a>{money})(?:{_RANGE_MARK}(?:{signs})?(?P<b>{money}))?"
    again = "[元円]?" if language.joint == "" else ""  # "¥99.5元" has its unit twice
    return [
        (rf"(?<![A-Za-z])(?P<sign>{signs})\s?{sums}{scale}{again}{end}", _money),
        (
            rf"[A-Z]{{0,3}}[$€£¥￥₹₽₩₺]\s?\d{{1,15}}(?:[.,]\d{{1,9}}){{0,5}}[A-Za-z]{{0,9}}(?:\s?{_FOREIGN_SCALE})?",
            _as_written,
        ),
    ]


_FOREIGN_SCALE = (
    r"(?:(?:[mb]illi|trilli|milli)(?:on|ard|ón|one|oni)[a-z]{0,4}|thousand|m|mn|bn|tn|trn|mi|bi|mln|mld|Mio|Mrd|Mds?|Cr|lakh"
    r"|crore|mil|mila|mille|bin|milyon|milyar|тыс|млн|млрд|трлн|करोड़|लाख)(?!\w)"
)
"""A magnitude of any language: behind a sum that is not to be said without it."""


def _scales(language: SpeechLanguage) -> str:
    return one_of([*language.magnitudes, *(name for name in _LETTERS if len(name) > 1)])


def leads(sign: str) -> bool:
    """Whether a currency may stand before its sum: "R$ 5", "CHF 5", not "5 zł"."""
    return "$" in sign or "." in sign or not sign.isalpha() or (sign.isupper() and len(sign) == 3)
