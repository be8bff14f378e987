"""English times and durations: "10:30am", "17:05", "2:15:30"; also ratios and verses, which look alike."""

from __future__ import annotations

from pipeline.text.normalise.english.numbers import cardinal, digits, number
from pipeline.text.normalise.rules import Match, after, before, compiled, rule

__all__ = ["AT_NUMBER", "clock"]

_HALF = r"(?:\s?(?P<half>[aApP])\.?\s?[mM](?P<dot>\.)?(?![\w]))"
_ZONE = r"(?:\s(?P<zone>[ECMP][SD]?T|GMT|UTC|CET|CEST|BST|IST|JST)(?!\w))?"


def clock(hour: str, minute: str, half: str = "") -> str | None:
    """("17", "05") -> "seventeen oh five", ("6", "00") -> "six o'clock", ("9", "00", "a") -> "nine AM"."""
    h, m = int(hour), int(minute)
    if h > 24 or m > 59 or (half and not 1 <= h <= 12):
        return None
    if half:
        suffix = f" {half.upper()}M"
        return cardinal(h) + (f" {_minutes(m)}" if m else "") + suffix
    if m == 0:
        if h in (0, 24):
            return "midnight"
        return f"{cardinal(h)} o'clock" if h <= 12 else f"{cardinal(h)} hundred"
    return f"{cardinal(h)} {_minutes(m)}"


def _minutes(value: int) -> str:
    return f"oh {cardinal(value)}" if value < 10 else cardinal(value)


def _stop(match: Match) -> str:
    """The full stop of "a.m." also ends a sentence when a capital or nothing follows."""
    following = after(match, 3)
    ends = not following.strip() or (following[0] == " " and following.lstrip()[:1].isupper())
    return "." if match["dot"] and ends and not _GOES_ON.match(after(match)) else ""


_GOES_ON = compiled(
    r"""\ (?:(?:Eastern|Central|Mountain|Pacific|Atlantic)(?:[.,;:!?)]|\ (?:time|standard|daylight|and|or)\b)
    |(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b)"""
)


@rule(rf"(?P<h>\d\d?)(?:[:.](?P<m>\d\d))?{_HALF}{_ZONE}")
def _half_day(match: Match) -> str | None:
    """ "10:30am", "5 p.m.", "6.30pm"."""
    words = clock(match["h"], match["m"] or "00", match["half"].lower())
    if words is None:
        return None
    return words + (f" {match['zone']}" if match["zone"] else _stop(match))


@rule(
    rf"""(?P<h>\d\d?)(?:[:.](?P<m>\d\d))?(?:\s?(?P<half1>[aApP])\.?[mM]\.?)?\s?(?P<to>[-–—]|to)\s?
    (?P<h2>\d\d?)(?:[:.](?P<m2>\d\d))?{_HALF}{_ZONE}"""
)
def _half_day_range(match: Match) -> str | None:
    """ "9-11am", "10:30am–12pm"."""
    half = (match["half1"] or "").lower()
    first = (
        clock(match["h"], match["m"] or "00", half)
        if half or match["m"] not in (None, "00")
        else cardinal(int(match["h"]))
    )
    last = clock(match["h2"], match["m2"] or "00", match["half"].lower())
    if first is None or last is None or int(match["h"]) > 12:
        return None
    return f"{first} to {last}" + (f" {match['zone']}" if match["zone"] else _stop(match))


_RATIO = compiled(r"\b(?:ratios?|odds|aspect|scale|mix|mixed|diluted?|dilution|proportions?|water|format)\b[^.]{0,14}$")
_BOOKS = compiled(
    r"""\b(?:Genesis|Gen|Exodus|Ex|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings
    |Chronicles|Ezra|Nehemiah
    |Esther|Job|Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Lamentations|Ezekiel|Daniel|Hosea|Joel
    |Amos|Obadiah
    |Jonah|Micah|Nahum|Habakkuk|Zephaniah|Haggai|Zechariah|Malachi|Matthew|Matt|Mark|Luke|John|Acts|Romans
    |Corinthians|Galatians|Ephesians|Philippians|Colossians|Thessalonians|Timothy|Titus|Philemon|Hebrews|James
    |Peter|Jude|Revelation|Surah|Sura|Quran|Qur'an)\.?\s$"""
)


@rule(r"(?P<c>\d{1,3}):(?P<v>\d{1,3})(?:\s?[-–]\s?(?P<v2>\d{1,3}))?(?![\w:])")
def _verse(match: Match) -> str | None:
    """ "John 3:16" -> "John three sixteen"."""
    if not _BOOKS.search(before(match)):
        return None
    words = f"{number(match['c'])} {number(match['v'])}"
    return f"{words} to {number(match['v2'])}" if match["v2"] else words


@rule(r"(?P<a>\d{1,4}):(?P<b>\d{1,3}(?:,\d{3}){1,3}|\d{1,4}(?:\.\d)?)(?::(?P<c>\d{1,4}))?(?![\w:]|[.,]\d)")
def _ratio(match: Match) -> str | None:
    """ "16:9" -> "sixteen to nine"; with two digits after the colon only when a ratio is spoken of."""
    parts = [p for p in match.group("a", "b", "c") if p]
    if all(len(part) == 4 for part in parts):
        return match[0]  # ISO 9001:2015
    last = parts[-1]
    if "." in last:
        return " to ".join(number(p) for p in parts)
    clearly = len(last) == 1 or len(last) > 2 or (len(parts) == 2 and (int(last) > 59 or len(parts[0]) > 2))
    if not clearly and not _RATIO.search(before(match).lower()):
        return None
    return " to ".join(number(p) for p in parts)


_LENGTH = compiled(
    r"""
    \b(?:in|took|lasts?|lasted|runs?|ran|time|of|duration|length|track|video|finish(?:ed)?|record|pace
    |timer)\b[^.]{0,9}$"""
)


@rule(r"(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?P<f>\.\d{1,3})?(?P<half>\s?[AaPp]\.?[Mm]\b\.?)?(?![\w:])")
def _with_seconds(match: Match) -> str | None:
    """ "2:15:30" -> "two hours, fifteen minutes and thirty seconds"; "14:05:09" is a time of the day."""
    h, m, s = match["h"], match["m"], match["s"]
    half = (match["half"] or "").strip()[:1].lower()
    if half or (len(h) == 2 and h[0] != "0" and int(h) < 24 and not _LENGTH.search(before(match).lower())):
        words = clock(h, m)
        if words is None:
            return None
        words += f" and {_count(s, 'second')}" if int(s) else ""
        return words + (f" {half.upper()}M" if half else "")
    seconds = _count(s, "second") if not match["f"] else f"{number(str(int(s)))} point {digits(match['f'])} seconds"
    parts = [_count(n, unit) for n, unit in ((h, "hour"), (m, "minute")) if int(n)]
    if not parts:
        return seconds
    return f"{', '.join(parts)} and {seconds}" if int(s) or match["f"] else " and ".join(parts)


def _count(value: str, unit: str) -> str:
    n = int(value)
    return f"{cardinal(n)} {unit}{'' if n == 1 else 's'}"


@rule(r"(?P<m>\d{1,2}):(?P<s>[0-5]\d)\.(?P<f>\d{1,3})(?![\w:]|\.\d)")
def _race(match: Match) -> str:
    """ "1:43.7" -> "one minute forty-three point seven seconds"."""
    return f"{_count(match['m'], 'minute')} {number(str(int(match['s'])))} point {digits(match['f'])} seconds"


@rule(r"(?P<h>[01]\d|2[0-4])(?P<m>[0-5]\d)(?=\s?(?:hours|hrs)\b)")
def _military(match: Match) -> str:
    """ "0800 hours" -> "oh eight hundred hours"."""
    hour = int(match["h"])
    said = f"{'oh ' if hour < 10 else ''}{cardinal(hour)}"
    return f"{said} {_minutes(int(match['m']))}" if int(match["m"]) else f"{said} hundred"


_PACE = compiled(
    r"(?:\s?(?:minutes?|mins?\b|min/|per\ (?:mile|kilomet)|/(?:mi|km)\b|pace|long\b|left\b|video|remaining))"
)


@rule(
    rf"""(?P<h>\d\d?):(?P<m>[0-5]\d)(?:\s?[-–—]\s?(?P<h2>\d\d?):(?P<m2>[0-5]\d))?(?:\s?h(?!\w))?
    (?:{_ZONE}|(?P<zulu>Z))(?![\w:])"""
)
def _time(match: Match) -> str | None:
    """ "17:05", "6:00", "9:00–17:00", "15:00Z"; a duration in minutes when one is spoken of."""
    if _PACE.match(after(match, 14)) and not match["h2"]:
        first = cardinal(int(match["h"]))
        return f"{first} {_minutes(int(match['m']))}" if int(match["m"]) else first
    words = clock(match["h"], match["m"])
    if words is None and not match["h2"] and int(match["h"]) > 24:
        return f"{_count(match['h'], 'minute')} and {_count(match['m'], 'second')}"
    if words is None:
        return None
    if match["h2"]:
        last = clock(match["h2"], match["m2"])
        if last is None:
            return None
        words += f" to {last}"
    zone = "UTC" if match["zulu"] else match["zone"]
    return words + (f" {zone}" if zone else "")


AT_NUMBER = (_military, _half_day_range, _half_day, _verse, _race, _with_seconds, _ratio, _time)
