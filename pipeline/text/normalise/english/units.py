"""English units with values: "5kg", "60 mph", "72°F", "-5°C", "16GB", "20 m²", "5'10\"", "9.8 m/s²"."""

from __future__ import annotations

from pipeline.text.normalise.english.fractions import VULGAR, and_fraction, fraction
from pipeline.text.normalise.english.numbers import AMOUNT, cardinal, digits, number, sign_words
from pipeline.text.normalise.english.unit_names import PER, UNITS
from pipeline.text.normalise.rules import Match, after, before, compiled, one_of, rule
from pipeline.text.speech_languages.model import words_of

__all__ = ["AT_FRACTION", "AT_NUMBER", "AT_WORD", "BARE", "value_words"]

_INCH_CONTEXT = ("tall", "wide", "long", "deep", "thick", "high", "x ", "× ", "by ", "of ", "screen")


_NOT_THE_PREPOSITION = r"(?!in\s(?!tall|wide|long|deep|thick|high|x\s|×|by\s|of\s|screen))"
_VALUE = rf"(?:{AMOUNT}|\.\d{{1,9}})"
_UNIT = one_of(UNITS)
_END = r"(?![^\W_]|[²³^]|['’]\w)"


def value_words(amount: str, sign: str = "") -> str:
    if amount.startswith("."):
        return sign + "point " + digits(amount[1:])
    return sign + number(amount)


def _is_adjective(match: Match, *, hyphen: bool = False) -> bool:
    """ "a 5 kg bag", "a 16-GB stick": the unit before a thing stays singular."""
    following = after(match, 5)
    if following[:1] != " " or not following[1:2].isalpha() or following in _NO_NOUN:
        return False
    return hyphen or _ONE_BEFORE.search(before(match, 9).lower()) is not None


_ONE_BEFORE = compiled(r"(?<!\w)(?:an?|one|each|every|another)\s$")
_NO_NOUN = (" of a", " and ", " or a", " in t", " in a", " is a", " per ", " for ")


def _fits(unit: str, glued: bool, match: Match) -> bool:
    """Whether these letters are a unit here: "5 in the morning", "5 a day" and "300 K" need a look."""
    if len(unit) > 2:
        return True
    following = after(match, 12)
    if unit == "in":
        return (
            following.lstrip().startswith(_INCH_CONTEXT)
            or (glued and not following[:1].isalnum())
            or _after_feet(match)
        )
    if unit == "K":
        return not glued
    if glued and unit in ("A", "m", "s") and not _is_glued_unit(unit, match):
        return False
    if unit in ("h", "s", "t", "m", "g", "l", "A", "N", "V", "W", "J", "L"):
        cue = before(match, 14).rstrip().lower()
        if cue.endswith(
            ("chapter", "section", "seat", "row", "gate", "room", "grade", "unit", "apartment", "building")
        ):
            return False
        return glued or unit not in ("A", "N", "t") or following.strip()[:1] in ("", ",", ")", ";")
    return True


def _is_glued_unit(unit: str, match: Match) -> bool:
    """ "a 2m tall man" and "a 5A fuse" are measured; "bus 5A", "a timer for 45m" and "mid-5s" may be anything."""
    around = f"{before(match)} {after(match, 16)}".lower()
    if unit == "s":
        return not before(match, 4).lower().endswith(("mid", "mid-"))
    if unit == "A":
        return "." in match["a"] or _ELECTRIC.search(around) is not None
    return (
        "." in match["a"]
        or match["b"] is not None
        or int(match["a"].replace(",", "")) >= 100
        or (_LONG.search(around) is not None)
    )


_ELECTRIC = compiled(
    r"""\b(?:amps?|fuses?|current|circuits?|breakers?|chargers?|volts?|\d+\s?v|draws?|suppl(?:y|ies)|batter(?:y|ies)
    |watts?|rated|loads?|wires?|usb|motors?|power|outlets?|sockets?|adapters?)\b"""
)
_LONG = compiled(
    r"""\b(?:tall|wide|long|deep|high|thick|away|above|below|apart|across|distance|height|depth|width|length
    |diameter|swim|dash|sprint|cable|rope|pool|tower|wall)\b"""
)


@rule(rf"(?P<a>\d{{1,4}}),(?P<b>\d{{1,2}})\s?(?P<unit>%|°C|kg|km|cm|mm|ml|m|l|g){_END}")
def _decimal_comma(match: Match) -> str:
    """ "12,5%", "1,5 kg"."""
    return f"{number(match['a'])} point {digits(match['b'])} {UNITS[match['unit']][1]}"


@rule(r"(?P<sign>[-−])?(?P<a>\d{1,3}(?:\.\d{1,2})?)(?P<unit>[CF])(?![\w.]\w|\w)")
def _degrees(match: Match) -> str | None:
    """ "-5C", "98.6F"; "12C" is a seat unless one speaks of the weather."""
    cue = f"{before(match)} {after(match, 16)}".lower()
    sure = match["sign"] or (match["unit"] == "F" and "." in match["a"])
    if not sure and not _WARM.search(cue):
        return None
    name = "Celsius" if match["unit"] == "C" else "Fahrenheit"
    return f"{sign_words(match['sign'])}{number(match['a'])} degree{'' if match['a'] == '1' else 's'} {name}"


_WARM = compiled(r"\b(?:temp(?:erature)?s?|fever|weather|degrees|freez\w+|outside|oven|heat|bake|boil\w*|preheat)\b")


def _after_feet(match: Match) -> bool:
    return before(match, 8).rstrip().endswith(("ft", "ft.", "feet", "foot", "'"))


@rule(
    rf"""(?P<sign>[-−+±~≈])?(?P<a>{_VALUE})
    (?:(?P<mid>\s?(?:°|%|º)?\s?(?:[-–—]|to)\s?)(?P<minus>[-−])?(?P<b>{_VALUE}))?
    (?P<scale>\ (?:hundred|thousand|million|billion|trillion)(?=\ ))?
    (?P<gap>[\s\u00a0\u202f]?)(?P<hyphen>-)?(?P<unit>{_NOT_THE_PREPOSITION}{_UNIT})(?:\s?(?:/|per\ )\s?
    (?P<per>{one_of(PER)}))?{_END}"""
)
def _measure(match: Match) -> str | None:
    """ "5 kg", "3–5 km", "60 km/h", "9.8 m/s²", "500 mg/day", "5-kg"."""
    sign, first, mid, last = match.group("sign", "a", "mid", "b")
    gap, hyphen, unit, per = match.group("gap", "hyphen", "unit", "per")
    if not _fits(unit, not gap and not hyphen, match):
        return None
    if last:
        if mid.strip() == "to" and mid[0] != " ":
            return None
        if not match["minus"] and not sign and "-" in mid and _falls(first, last):
            return None  # "4070-12GB"
    words = sign_words(sign) + value_words(first)
    if last:
        words += f" to {'minus ' if match['minus'] else ''}{value_words(last)}"
    single = (first == "1" and not last) or _is_adjective(match, hyphen=bool(hyphen))
    words += f"{match['scale'] or ''}{'-' if hyphen else ' '}{UNITS[unit][0 if single else 1]}"
    return words + (f" per {PER[per]}" if per else _stop(match, unit))


def _falls(a: str, b: str) -> bool:
    return float(a.replace(",", "")) > float(b.replace(",", ""))


def _stop(match: Match, unit: str) -> str:
    """The full stop of "5 lbs." is also that of the sentence when a capital or nothing follows."""
    if unit[-1] != ".":
        return ""
    following = after(match, 3).lstrip()
    return "." if not following or following[0].isupper() else ""


@rule(
    r"""(?P<feet>\d{1,3})\s?['’′]\s?(?P<inches>\d{1,2}(?:\.\d{1,2})?)\s?(?:["”″]|''|’’)?(?![\w'’])
    """
)
def _feet_and_inches(match: Match) -> str | None:
    """5'10" -> "five feet ten inches"."""
    if float(match["inches"]) >= 12:
        return None
    feet = "foot" if match["feet"] == "1" else "feet"
    inches = "inch" if match["inches"] == "1" else "inches"
    return f"{number(match['feet'])} {feet} {number(match['inches'])} {inches}"


@rule(
    rf"""(?P<a>{AMOUNT})\s?(?:["”″]|''|-inch|\ inches|\ in\.?|\ cm|\ mm|\ m|\ ft\.?|cm|mm|m|ft|')?\s?[x×]\s?
    (?P<b>{AMOUNT})(?:\s?(?:["”″]|'')?\s?[x×]\s?(?P<c>{AMOUNT}))?\s?(?P<unit>["”″']|''|cm|mm|m|km|in
    |inches|ft|feet|px|pixels)(?![^\W_])"""
)
def _dimensions(match: Match) -> str:
    """ "10 x 20 cm" -> "ten by twenty centimeters"; "8.5" x 11"" -> "eight point five by eleven inches"."""
    names = {'"': "inches", "”": "inches", "″": "inches", "''": "inches", "'": "feet", "px": "pixels"}
    unit = match["unit"]
    many = names.get(unit) or (UNITS[unit][1] if unit in UNITS else unit)
    if _is_adjective(match):
        many = many.removesuffix("s").replace("inche", "inch").replace("feet", "foot")
    return " by ".join(number(each) for each in match.group("a", "b", "c") if each) + f" {many}"


@rule(
    rf"""(?P<a>{AMOUNT})(?:"|”|″|'')(?=\s?(?:wide|tall|long|deep|thick|high|diameter|screen|monitor
    |display|TV|pipe|pan|laptop|tablet|wheels?|rims?)\b)"""
)
def _inches(match: Match) -> str:
    wide = after(match, 10).strip().startswith(("wide", "tall", "long", "deep", "thick", "high", "diam"))
    return f"{number(match['a'])} {'inches' if wide and match['a'] != '1' else 'inch'}"


@rule(
    r"""(?P<d>\d{1,3})°\s?(?P<m>\d{1,2})['’′](?:\s?(?P<s>\d{1,2}(?:\.\d{1,3})?)(?:\"|”|″|''))?\s?
    (?P<side>[NSEW])?(?!\w)"""
)
def _arc(match: Match) -> str:
    """40°42'46"N -> "forty degrees, forty-two minutes, forty-six seconds north"."""
    words = f"{number(match['d'])} degrees, {number(match['m'])} minutes"
    if match["s"]:
        words += f", {number(match['s'])} seconds"
    return words + _SIDES.get(match["side"] or "", "")


@rule(rf"(?P<sign>[-−])?(?P<d>{AMOUNT})\s?°\s?(?P<side>[NSEW])(?!\w)")
def _latitude(match: Match) -> str:
    return f"{sign_words(match['sign'])}{number(match['d'])} degrees{_SIDES[match['side']]}"


_SIDES = {"N": " north", "S": " south", "E": " east", "W": " west"}


@rule(
    r"""(?P<h>\d{1,3})\s?h(?:rs?|ours?)?\s?(?P<m>\d{1,2})\s?m(?:in|ins)?(?:\s?(?P<s>\d{1,2})\s?s(?:ec
    |ecs)?)?(?![\w/²³])"""
)
def _hours_minutes(match: Match) -> str:
    """ "2h 30m" -> "two hours thirty minutes"."""
    return _lengths((match["h"], "hour"), (match["m"], "minute"), (match["s"], "second"))


@rule(r"(?P<h>\d\d?)h(?P<m>[0-5]\d)(?!\w)")
def _hours_and(match: Match) -> str:
    """ "1h30" -> "one hour thirty"."""
    minutes = int(match["m"])
    return _lengths((match["h"], "hour")) + (f" {cardinal(minutes)}" if minutes else "")


@rule(r"(?P<m>\d{1,3})\s?m(?:in|ins)?\s?(?P<s>\d{1,2})\s?s(?:ec|ecs)?(?![\w/²³])")
def _minutes_seconds(match: Match) -> str:
    """ "5m 30s" -> "five minutes thirty seconds"."""
    return _lengths((match["m"], "minute"), (match["s"], "second"))


def _lengths(*parts: tuple[str | None, str]) -> str:
    return " ".join(f"{cardinal(int(n))} {unit}{'' if int(n) == 1 else 's'}" for n, unit in parts if n)


@rule(
    rf"""(?:(?P<whole>\d{{1,3}})[\s-])?(?P<a>\d\d?)[/⁄](?P<b>\d\d?)\s?(?P<unit>{_UNIT}|["”″](?=\s[a-z])){_END}
    |(?P<whole2>\d{{1,3}})?(?P<part>[{"".join(VULGAR)}])\s?(?P<unit2>{_UNIT}){_END}"""
)
def _fraction_of(match: Match) -> str | None:
    """ "3/4 tsp" -> "three quarters teaspoon", "1½ lb"."""
    top, bottom = VULGAR[match["part"]].split("/") if match["part"] else (match["a"], match["b"])
    unit = match["unit"] or match["unit2"]
    whole = match["whole"] or match["whole2"]
    unit = "″" if unit in ('"', "”") else unit
    if not 0 < int(top) < int(bottom) or unit in ("in", "K", "A", "t", "N"):
        return None
    if whole:
        return f"{and_fraction(int(whole), int(top), int(bottom))} {UNITS[unit][1]}{_stop(match, unit)}"
    return f"{fraction(int(top), int(bottom))} {UNITS[unit][0]}{_stop(match, unit)}"


AT_FRACTION = (_fraction_of,)
AT_NUMBER = (
    _decimal_comma, _fraction_of, _degrees, _arc, _latitude, _feet_and_inches, _dimensions, _inches,
    _hours_minutes, _hours_and, _minutes_seconds, _measure,
)  # fmt: skip

_BAREUNITS = words_of(
    "mmHg km/h m/s² m/s kWh m² km² cm² ft² m³ cm³ mg/dL µg °C °F MB/s GB/s Mbps Gbps GHz MHz kHz Hz mph MPH"
)
BARE = rf"(?:{'|'.join(_BAREUNITS)})(?![\w²³/])"


@rule(rf"(?P<unit>{BARE})")
def _bare(match: Match) -> str | None:
    """ "in km/h": a unit without its number."""
    unit, _, per = match["unit"].partition("/")
    if match["unit"] in UNITS:
        return UNITS[match["unit"]][1]
    return f"{UNITS[unit][1]} per {PER[per]}"


AT_WORD = (_bare,)
