"""English dates, years and decades: "2026-11-21", "11/21/2026", "Jan. 5th, 1984", "the 1990s", "'90s"."""

from __future__ import annotations

from datetime import date

from pipeline.text.normalise.english.numbers import cardinal, decade, number, ordinal, year
from pipeline.text.normalise.english.times import clock
from pipeline.text.normalise.rules import Match, after, before, compiled, rule

__all__ = ["AT_APOSTROPHE", "AT_NUMBER", "AT_SLASH", "AT_WORD", "MONTH", "WITH_STOP"]

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_BY_SHORT = {name[:3].lower(): name for name in MONTHS}
_DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday"}
_DAYS |= {"sat": "Saturday", "sun": "Sunday"}

WITH_STOP = frozenset({name[:3] for name in MONTHS} | {name[:3] for name in _DAYS.values()} | {"Sept", "Tues", "Thurs"})
"""Names that are shortened with a full stop."""

MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_ORDINAL = r"(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:1\d|20|21)\d\d)(?![\w%]|[.,]\d|:\d)"
_DAY = r"(?:Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)"


def _month(written: str) -> str:
    return _BY_SHORT[written[:3].lower()]


def _is_day(text: str) -> bool:
    return 1 <= int(text) <= 31


def _full(y: int, m: int, d: int) -> str | None:
    """A date of the calendar, or None: 2026-02-31 is none."""
    try:
        date(y, m, d)
    except ValueError:
        return None
    return f"{MONTHS[m - 1]} {ordinal(d)}, {year(y)}"


@rule(
    r"""(?P<y>\d{4})(?P<mark>[-/.])(?P<m>\d\d?)(?P=mark)(?P<d>\d\d?)(?!\d|[-/]\d)
    (?:(?:T|\ |,\ )(?P<h>\d\d):(?P<min>\d\d)(?::(?P<s>\d\d)(?:\.\d{1,9})?)?
       (?P<zone>Z|\ ?UTC|[+-]\d\d:?\d\d)?(?!\w))?
    (?!\w)"""
)
def _iso(match: Match) -> str | None:
    """ "2026-11-21" -> "November twenty-first, twenty twenty-six"."""
    words = _full(int(match["y"]), int(match["m"]), int(match["d"]))
    if words is None or not match["h"]:
        return words
    said = clock(match["h"], match["min"])
    if said is None:
        return None
    zone = " UTC" if match["zone"] in ("Z", "UTC", " UTC", "+00:00", "+0000") else ""
    if match["zone"] and not zone:
        sign = "plus" if match["zone"][0] == "+" else "minus"
        zone = f" UTC {sign} {cardinal(int(match['zone'][1:3]))}"
    return f"{words} at {said}{zone}"


@rule(r"(?P<y>(?:19|20)\d\d)-(?P<m>0[1-9]|1[0-2])(?![\w]|[-–/.]\d)")
def _year_month(match: Match) -> str | None:
    """ "2026-03" -> "March twenty twenty-six"; "2010-12" and "2008-09" are ranges of years."""
    month, short = int(match["m"]), int(match["y"][2:])
    if month > short and not _MONTHLY.search(before(match).lower()):
        if month == short + 1:
            return f"{year(int(match['y']))} to {cardinal(month)}"
        return None if month > 9 else match[0]  # "2003-07" is either
    return f"{MONTHS[int(match['m']) - 1]} {year(int(match['y']))}"


_MONTHLY = compiled(r"\b(?:months?|dated?|period|month\ of):?\s$")


@rule(r"(?P<a>\d\d?)(?P<mark>[/.-])(?P<b>\d\d?)(?P=mark)(?P<y>\d{4}|\d\d)(?!\w|[-/.]\d)")
def _slashes(match: Match) -> str | None:
    """ "11/21/2026"; "21/11/2026" and "21.11.2026" can only be the day first."""
    first, second = int(match["a"]), int(match["b"])
    if match["mark"] == "-" and len(match["y"]) == 2:
        return None
    if match["mark"] == "." and len(match["y"]) == 2:
        return None  # a version
    y = int(match["y"])
    if len(match["y"]) == 2:
        y += 2000 if y < 70 else 1900
    if match["mark"] == "." or first > 12:
        first, second = second, first
    return _full(y, first, second) if 1000 <= y < 2200 else None


_DATE_CUE = compiled(r".*\b(?:on|by|before|until|since|from|due|dated?|after|through|starting|ending|is|to)[:\s]\s*$")


@rule(r"(?P<m>1[0-2]|0?[1-9])/(?P<d>3[01]|[12]\d|0?[1-9])(?![\w/]|\.\d)")
def _month_day(match: Match) -> str | None:
    """ "on 12/25" -> "on December twenty-fifth"; without such a cue it is a fraction or a score."""
    if not _CUE.search(before(match, 12).lower()):
        return None
    if after(match, 8).lstrip().startswith(("of", "cup", "inch", "full", "chance", "tea", "tab", "the")):
        return None
    return f"{MONTHS[int(match['m']) - 1]} {ordinal(int(match['d']))}"


_CUE = compiled(r"\b(?:on|by|before|until|since|due|dated?|after|starting|ending)[:\s]\s?$")


@rule(
    rf"""(?P<month>{MONTH})\s(?P<d>\d\d?){_ORDINAL}
    (?:\s?(?P<to>[-–—]|to|and|through)\s?(?:(?P<month2>{MONTH})\s)?(?P<d2>\d\d?){_ORDINAL}(?![\w:%]|[.,]\d))?
    (?:(?P<comma>,?\s){_YEAR})?(?![\w:%$]|[.]\d|,\d\d\d)"""
)
def _month_first(match: Match) -> str | None:
    """ "Jan. 5th, 1984", "March 3–5", "May 5"."""
    if not _is_day(match["d"]):
        return None
    words = f"{_month(match['month'])} {ordinal(int(match['d']))}"
    if match["to"]:
        if not _is_day(match["d2"]):
            return None
        joint = match["to"] if match["to"].isalpha() else "to"
        words += f" {joint} "
        words += f"{_month(match['month2'])} " if match["month2"] else ""
        words += ordinal(int(match["d2"]))
    if match["year"]:
        words += f", {year(int(match['year']))}"
    return words


@rule(rf"(?P<month>{MONTH})(?P<of>,?\s|\s?[-–]\s?(?P<month2>{MONTH})\s|\s(?:of)\s){_YEAR}")
def _month_year(match: Match) -> str:
    """ "Sept. 2025", "Jan–Mar 2026"."""
    words = _month(match["month"])
    if match["month2"]:
        words += f" to {_month(match['month2'])}"
    elif "of" in match["of"]:
        words += " of"
    return f"{words} {year(int(match['year']))}"


@rule(
    rf"""(?P<d>\d\d?){_ORDINAL}(?:\s?[-–—]\s?(?P<d2>\d\d?){_ORDINAL})?(?P<of>\sof)?[\s-](?P<month>{MONTH})
    (?:,?[\s-]{_YEAR})?(?![\w])"""
)
def _day_first(match: Match) -> str | None:
    """ "5 January 2024", "3–5 May", "21st of November"."""
    if not _is_day(match["d"]) or (
        match["month"] in ("May", "Mar", "Jun")
        and after(match, 2)[:1] == " "
        and not match["year"]
        and match["of"] is None
        and after(match, 2)[1:].islower()
        and match["month"] == "May"
        and not before(match, 5).rstrip().endswith(("on", "the", "by"))
    ):
        return None
    words = ("" if before(match, 5).lower().endswith("the ") else "the ") + ordinal(int(match["d"]))
    if match["d2"]:
        words += f" to the {ordinal(int(match['d2']))}"
    words += f" of {_month(match['month'])}"
    return words + (f", {year(int(match['year']))}" if match["year"] else "")


@rule(rf"(?P<a>{MONTH})\s?[-–]\s?(?P<b>{MONTH})(?!\w)")
def _month_range(match: Match) -> str:
    """ "Jan–Mar" -> "January to March"."""
    return f"{_month(match['a'])} to {_month(match['b'])}"


@rule(rf"(?P<a>{_DAY})\.?\s?[-–]\s?(?P<b>{_DAY})\b\.?(?!\w)")
def _day_range(match: Match) -> str:
    """ "Mon–Fri" -> "Monday to Friday"."""
    stop = "." if match[0].endswith(".") and not after(match, 2).strip() else ""
    return f"{_DAYS[match['a'][:3].lower()]} to {_DAYS[match['b'][:3].lower()]}{stop}"


@rule(rf"(?P<day>{_DAY})(?=\s\d{{1,2}}(?:(?::\d\d)?\s?[ap]\.?m\b|(?:st|nd|rd|th)?\s{MONTH}(?!\w)))")
def _weekday_alone(match: Match) -> str:
    """ "Sat 5pm" -> "Saturday …"."""
    return _DAYS[match["day"][:3].lower()]


@rule(rf"(?P<day>{_DAY})(?:\.,?|,)(?=\s(?:{MONTH}|\d))")
def _weekday(match: Match) -> str:
    """ "Tue, Nov 21" -> "Tuesday, …"."""
    return _DAYS[match["day"][:3].lower()] + ","


@rule(rf"(?P<month>{MONTH})(?<=\.)(?=\s[a-z]|,|\s\()")
def _month_alone(match: Match) -> str:
    """ "in Sept. we" -> "in September we"."""
    return _month(match["month"])


@rule(r"(?:10|100|1,?000|10,?000|100,?000)s(?=\sof\b)")
def _many(match: Match) -> str | None:
    """ "100s of people" -> "hundreds of people"."""
    return _MANY.get(match[0].rstrip("s").replace(",", ""))


_MANY = {"10": "tens", "100": "hundreds", "1000": "thousands", "10000": "tens of thousands"}
_MANY |= {"100000": "hundreds of thousands"}


@rule(r"(?P<n>1\d\d0|20\d0|[1-9]0)['’]?s(?:\s?[-–]\s?['’]?(?P<n2>[1-9]0)s)?(?!\w)")
def _decade(match: Match) -> str | None:
    """ "1990s" -> "nineteen nineties"; "the 90s" too, but "30s" alone are seconds."""
    value = int(match["n"])
    if value < 100:
        cue = before(match, 16).lower()
        if not (
            _DECADE_BEFORE.search(cue) or _DECADE_AFTER.match(after(match, 12)) or "’" in match[0] or "'" in match[0]
        ):
            return None
        if value == 10:
            return None
    return decade(value) + (f" to {decade(int(match['n2']))}" if match["n2"] else "")


_DECADE_BEFORE = compiled(
    r"(?:\b(?:the|early|mid|late|his|her|their|my|your|our|low|high|upper|lower|and|or)[\s-]|['’])$"
)
_DECADE_AFTER = compiled(
    r"\s(?:music|movies?|films?|hits?|pop|rock|fashion|styles?|kids?|vibes?|era|disco|nostalgia)\b"
)


@rule(r"['’‘](?P<n>\d0)s(?!\w)")
def _short_decade(match: Match) -> str:
    return decade(int(match["n"]))


@rule(r"['’‘](?P<n>\d\d)(?![\w'’\"”]|[.,:]\d)")
def _short_year(match: Match) -> str | None:
    """ "the class of '99"; "'12'" is a quotation."""
    value = match["n"]
    return f"oh {cardinal(int(value))}" if value[0] == "0" else cardinal(int(value))


@rule(r"(?P<a>\d{1,4})\s?(?P<era>BCE?|CE|AD|B\.C\.(?:E\.)?|A\.D\.)(?!\w)")
def _era(match: Match) -> str:
    """ "44 BC", "1066 AD"."""
    value = int(match["a"])
    era = match["era"].replace(".", "")
    said = year(value) if value >= 1000 else number(match["a"]) if value < 100 else _short_era(value)
    stop = "." if match["era"].endswith(".") and not after(match, 2).strip() else ""
    return f"{said} {' '.join(era)}{stop}"


def _short_era(value: int) -> str:
    """476 -> "four seventy-six"."""
    head, tail = divmod(value, 100)
    if tail == 0:
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' if tail < 10 else ''}{cardinal(tail)}"


AT_NUMBER = (_iso, _year_month, _slashes, _day_first, _many, _decade, _era)
AT_SLASH = (_month_day,)
AT_WORD = (_month_first, _month_year, _month_range, _day_range, _weekday, _weekday_alone, _month_alone)
AT_APOSTROPHE = (_short_decade, _short_year)
