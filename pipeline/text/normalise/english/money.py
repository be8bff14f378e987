"""English sums of money: "$1.2M", "€3.50", "¥500", "£5bn", "20 USD", "$5–10", "$5/month"."""

from __future__ import annotations

from functools import lru_cache

from pipeline.text.normalise.english.numbers import AMOUNT, cardinal, number
from pipeline.text.normalise.rules import Match, after, before, compiled, rule
from pipeline.text.speech_languages.model import words_of

__all__ = ["AT_NUMBER", "AT_SIGN", "AT_WORD", "MAGNITUDES"]

Names = tuple[str, str, str, str]

# (one, many, one hundredth, many hundredths); no hundredths: the currency has none in use
_DOLLAR = ("dollar", "dollars", "cent", "cents")
_POUND = ("pound", "pounds", "penny", "pence")
_EURO = ("euro", "euros", "cent", "cents")
_YEN = ("yen", "yen", "", "")
_YUAN = ("yuan", "yuan", "", "")
_RUPEE = ("rupee", "rupees", "paisa", "paise")

SIGNS = {
    "$": _DOLLAR,
    "US$": ("US dollar", "US dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "AU$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "CA$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "NZ$": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "S$": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "R$": ("real", "reais", "centavo", "centavos"),
    "€": _EURO,
    "£": _POUND,
    "¥": _YEN,
    "￥": _YEN,
    "CN¥": _YUAN,
    "₹": _RUPEE,
    "₩": ("won", "won", "", ""),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₿": ("bitcoin", "bitcoin", "", ""),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₫": ("dong", "dong", "", ""),
    "₦": ("naira", "naira", "kobo", "kobo"),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "฿": ("baht", "baht", "satang", "satang"),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
}
CODES = {
    "USD": ("US dollar", "US dollars", "cent", "cents"),
    "EUR": _EURO,
    "GBP": ("British pound", "British pounds", "penny", "pence"),
    "JPY": ("Japanese yen", "Japanese yen", "", ""),
    "CNY": _YUAN,
    "RMB": _YUAN,
    "INR": ("Indian rupee", "Indian rupees", "paisa", "paise"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "CAD": SIGNS["C$"],
    "AUD": SIGNS["A$"],
    "NZD": SIGNS["NZ$"],
    "SEK": ("Swedish krona", "Swedish kronor", "öre", "öre"),
    "NOK": ("Norwegian krone", "Norwegian kroner", "øre", "øre"),
    "DKK": ("Danish krone", "Danish kroner", "øre", "øre"),
    "PLN": ("zloty", "zlotys", "grosz", "groszy"),
    "BRL": ("Brazilian real", "Brazilian reais", "centavo", "centavos"),
    "MXN": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "KRW": ("South Korean won", "South Korean won", "", ""),
    "BTC": ("bitcoin", "bitcoin", "", ""),
    "ETH": ("ether", "ether", "", ""),
    "€": _EURO,
    "£": _POUND,
    "¥": _YEN,
    "$": _DOLLAR,
    "₽": SIGNS["₽"],
    "₹": _RUPEE,
    "zł": ("zloty", "zlotys", "grosz", "groszy"),
}
MAGNITUDES = {
    **dict.fromkeys(("k", "K"), "thousand"),
    **dict.fromkeys(("m", "M", "mn", "MM", "mm", "mil", "mio", "Mio"), "million"),
    **dict.fromkeys(("b", "B", "bn", "Bn", "BN"), "billion"),
    **dict.fromkeys(("t", "T", "tn", "Tn", "TN"), "trillion"),
    **{word: word for word in ("hundred", "thousand", "million", "billion", "trillion", "quadrillion")},
    "lakh": "lakh",
    "crore": "crore",
}
_PER = {
    "mo": "month",
    "yr": "year",
    "hr": "hour",
    "h": "hour",
    "wk": "week",
    "d": "day",
    "min": "minute",
    "lb": "pound",
    "kg": "kilogram",
    "oz": "ounce",
    "GB": "gigabyte",
    "TB": "terabyte",
}

_MAGNITUDE = r"""(?:\s?(?:mn|mil|mio|Mio|MM|mm|bn|Bn|BN|tn|Tn|TN|[kKmMbBtT])
    |[\s-](?:hundred|thousand|million|billion|trillion|quadrillion|lakh|crore))(?![^\W_])"""
_PER_TAIL = r"""(?:\s?/\s?(?P<per>month|mo|year|yr|hour|hr|h|week|wk|day|d|minute|min|person|user|seat
|night|kg
    |lb|unit|token|GB|TB|item|head|ton|oz|pound|gallon)(?![\w/]))?"""
_NOUN_AFTER = frozenset(
    words_of(
        "bill bills note notes coin gift coupon fine check cheque voucher budget deal fee deposit investment "
        "discount prize grant loan contract ticket tickets tip question rebate donation range price value"
    )
)
_ONE_BEFORE = compiled(r"(?<!\w)an?\s$")
_SIGN = "[$€£¥￥₹₩₽₺₿₪₫₦₱฿₴]"


@lru_cache(1024)
def _sum(amount: str, magnitude: str, names: Names, adjective: bool = False) -> str:
    """("1.2", "M") -> "one point two million dollars"; ("3.50", "") -> "three dollars and fifty cents"."""
    one, many, cent, cents = names
    if magnitude:
        return f"{number(amount)} {MAGNITUDES[magnitude]} {one if adjective else many}"
    whole, _, fraction = amount.replace(",", "").partition(".")
    if len(fraction) == 2 and cent:
        units, parts = int(whole or "0"), int(fraction)
        large = f"{number(whole or '0')} {one if units == 1 or (adjective and not parts) else many}"
        if not parts:
            return large
        small = f"{cardinal(parts)} {cent if parts == 1 else cents}"
        return f"{large} and {small}" if units else small
    if fraction:
        return f"{number(amount)} {many}"
    return f"{number(amount)} {one if int(whole) == 1 or adjective else many}"


def _is_adjective(match: Match) -> bool:
    """ "a $5 bill" is "a five dollar bill"."""
    following = after(match, 16)
    if following[:1] == "-":
        return following[1:2].isalpha()
    if following[:1] != " ":
        return False
    word = following[1:].split(" ", 1)[0]
    if word[:1].islower() and _ONE_BEFORE.search(before(match, 4).lower()):
        return word not in _JOINING
    return following.lstrip(" ").split(" ", 1)[0].rstrip(".,!?;:)") in _NOUN_AFTER


_JOINING = frozenset(words_of("and or for to in is per on at of"))


@rule(rf"""
    (?P<minus>[-−](?=[^\W0-9]{{0,2}}{_SIGN}))?
    (?P<sign>(?:US|AU|CA|NZ|HK|CN|[ACSR])?{_SIGN})\s?(?P<minus2>[-−])?
    (?P<a>\d{{1,3}}(?:\.\d{{3}}){{0,4}},\d\d(?!\d)|{AMOUNT}|\.\d{{1,9}})(?P<ma>{_MAGNITUDE})?
    (?:(?:\s?[-–—]\s?|\ to\ (?={_SIGN}))(?P<sign2>{_SIGN})?(?P<b>{AMOUNT})(?P<mb>{_MAGNITUDE})?(?![^\W_]|%))?
    (?P<plus>\+)?(?:(?<=\d)\s?(?P<code>USD|CAD|AUD|NZD|MXN)(?!\w))?{_PER_TAIL}(?![^\W_]|[.,]\d)
""")
def _signed(match: Match) -> str | None:
    sign, amount, last_amount, code, per = match.group("sign", "a", "b", "code", "per")
    names = CODES[code] if code and sign == "$" else SIGNS.get(sign)
    if names is None or (code and sign != "$"):
        return None
    if len(amount) > 3 and amount[-3] == ",":
        amount = amount[:-3].replace(".", "") + "." + amount[-2:]  # €1.250,75
    elif sign == "€" and len(amount.partition(".")[2]) == 3:
        return None  # €1.250 is either
    first, last = (match["ma"] or "").strip(" -"), (match["mb"] or "").strip(" -")
    tail = " plus" if match["plus"] else ""
    if per:
        tail += f" per {_PER.get(per, per)}"
    minus = "minus " if match["minus"] or match["minus2"] else ""
    if not last_amount and not first and _is_rate(match):
        return f"{minus}{number(amount)} {names[1]}{tail}"
    if not last_amount:
        return minus + _sum(amount, first, names, _is_adjective(match)) + tail
    end = _sum(last_amount, last, names, _is_adjective(match))
    if (match["sign2"] and not last and "." in amount + last_amount) or (first and first != last):
        return f"{minus}{_sum(amount, first, names)} to {end}{tail}"
    return f"{minus}{number(amount)} to {end}{tail}"


@rule(rf"""
    (?P<a>{AMOUNT})(?P<ma>{_MAGNITUDE})?
    (?:\s?[-–—]\s?(?P<b>{AMOUNT})(?P<mb>{_MAGNITUDE})?)?
    \s?(?P<code>USD|EUR|GBP|JPY|CNY|RMB|INR|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|BRL|MXN|KRW|BTC|ETH
    |[€£¥₽₹₺₩]|\$(?!\s?\d)|zł)
    {_PER_TAIL}(?![^\W_])
""")
def _with_code(match: Match) -> str | None:
    """ "20 USD", "5 €", "5-10 EUR"."""
    names = CODES[match["code"]]
    if _PAIR_AFTER.match(after(match, 5)) or before(match, 1) in _SIGNS:
        return None
    per = f" per {_PER.get(match['per'], match['per'])}" if match["per"] else ""
    first, last = (match["ma"] or "").strip(" -"), (match["mb"] or "").strip(" -")
    if not match["b"] and not first and "." in match["a"] and _is_rate(match):
        return f"{number(match['a'])} {names[1]}{per}"
    if not match["b"]:
        return _sum(match["a"], first, names) + per
    scale = f" {MAGNITUDES[first]}" if first and first != last else ""
    return f"{number(match['a'])}{scale} to {_sum(match['b'], last, names)}{per}"


def _is_rate(match: Match) -> bool:
    """Whether the sum is one currency in another: a rate has no cents."""
    cue = before(match, 24)
    return ("=" in cue or "≈" in cue) and _RATE.search(cue) is not None


_RATE = compiled(r"(?:\b[A-Z]{3}|[$€£¥]\s?[0-9.,]{1,12}|[0-9]\s?[$€£¥])\s?[=≈]\s?$")
_PAIR_AFTER = compiled(r"/[A-Z]{3}\b")
_SIGNS = frozenset("$€£¥")


@rule(rf"(?P<code>USD|EUR|GBP|JPY|CNY|RMB|INR|CHF|CAD|AUD)\s?(?P<a>{AMOUNT})(?P<m>{_MAGNITUDE})?(?![^\W_])")
def _code_first(match: Match) -> str | None:
    """ "USD 20", "CHF 5.50"; "EUR/USD 1.08" is a rate."""
    if before(match, 1) == "/":
        return None
    return _sum(match["a"], (match["m"] or "").strip(" -"), CODES[match["code"]])


@rule(r"[$€£]\d{1,3},\d(?!\d)|[¥￥$]\s?\d[0-9.,]{0,12}[万億亿][円元]?")
def _as_written(match: Match) -> str:
    """ "$3,5" may be a slip of any kind, "¥10万" has no English words."""
    return match[0]


@rule(r"(?P<a>\d{1,3})\s?¢(?!\w)")
def _cents(match: Match) -> str:
    return f"{number(match['a'])} {'cent' if match['a'] == '1' else 'cents'}"


AT_SIGN = (_as_written, _signed)
AT_NUMBER = (_with_code, _cents)
AT_WORD = (_signed, _code_first)
