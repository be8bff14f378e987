"""Dates and times of the day in other languages than English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from pipeline.text.normalise.rules import Match, after, before, one_of
from pipeline.text.normalise.world.icu import DATE_YEAR, long_date, months, plural, spell
from pipeline.text.normalise.world.numbers import RIGHT, Row, between
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["at_number"]

_SAID = (("\u202f", " "), ("г.", "года"), ("육월", "유월"), ("십월", "시월"))
_NUMERALS = re.compile(r"\d+\.?")


def _day(language: SpeechLanguage, day: int, cue: str) -> str:
    """The day of a date: "dritter", after "am" "dritten", "premier"."""
    if language.first_day_rule and day == 1:
        return spell(language, day, language.first_day_rule)
    if not language.day_rule:
        return spell(language, day)
    word = cue.rstrip().rsplit(" ", 1)[-1].lower()
    return spell(language, day, language.day_rule_after.get(word, language.day_rule))


def _year(language: SpeechLanguage, year: int) -> str:
    rule = language.year_rule
    if language.code == "ru":
        rule = "ordinal-masculine-genitive"
    return spell(language, year, rule)


def _calendar(language: SpeechLanguage, match: Match) -> str | None:
    """ "12.03.2024", "2024-03-12": read in the language's own order."""
    year = int(match["y"])
    if len(match["y"]) == 2:
        year += 2000 if year < 70 else 1900
    try:
        day = date(year, int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    if not 1000 <= year < 2200:
        return None
    written = long_date(language, day.month, day.day)

    def said(found: re.Match[str]) -> str:
        value = int(found[0].rstrip("."))
        if value == DATE_YEAR:
            return _year(language, year)
        if value == day.day and found.start() == _last_small(written, value):
            return _day(language, value, before(match, 16))
        return spell(language, value)

    words = _NUMERALS.sub(said, written)
    for written_as, said_as in _SAID:
        words = words.replace(written_as, said_as)
    return words


def _last_small(written: str, value: int) -> int:
    """Where the day stands: in "2024年3月3日" it is the last of the two."""
    return max(found.start() for found in _NUMERALS.finditer(written) if int(found[0].rstrip(".")) == value)


def _written(language: SpeechLanguage, match: Match) -> str | None:
    """ "3. Oktober 1990" -> "dritter Oktober neunzehnhundertneunzig"."""
    day = int(match["d"])
    if not 1 <= day <= 31:
        return None
    words = f"{_day(language, day, before(match, 16))} {match['month']}"
    if not match["y"]:
        return words
    words += f" {_year(language, int(match['y']))}"
    tail = (match["tail"] or "").strip()
    stop = "." if tail.endswith(".") and not after(match, 4).strip() else ""
    return words + (f" {({'г.': 'года', 'r.': 'roku'}).get(tail, tail)}{stop}" if tail else "")


def _german_days(language: SpeechLanguage, match: Match) -> str | None:
    """ "vom 3.–5. Mai" -> "vom dritten bis fünften Mai", "am 1. und 2. Mai" -> "am ersten und zweiten Mai"."""
    days, last = [int(day) for day in _NUMERAL.findall(match["days"])], int(match["last"])
    joint = match["joint"] if match["joint"].isalpha() else "bis"
    if not all(1 <= day <= 31 for day in (*days, last)) or (joint == "bis" and days[-1] >= last):
        return None
    cue = before(match, 16)
    first = ", ".join(_day(language, day, cue) for day in days)
    end = spell(language, last, "ordinal-n") if joint == "bis" else _day(language, last, cue)
    return f"{first} {joint} {end} {match['month']}" + (f" {_year(language, int(match['y']))}" if match["y"] else "")


_NUMERAL = re.compile(r"\d+")


def _german_date(language: SpeechLanguage, match: Match) -> str | None:
    """ "am 3.10." -> "am dritten Oktober"; without a word before it, "3.10." may be a section."""
    day, month = int(match["d"]), int(match["m"])
    word = before(match, 16).rstrip().rsplit(" ", 1)[-1].lower()
    if word not in ("am", "vom", "zum", "seit", "ab", "bis", "den") or not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    stop = "" if after(match, 4).strip() else "."
    return f"{_day(language, day, before(match, 16))} {months(language)[month - 1]}{stop}"


def _cjk_date(language: SpeechLanguage, match: Match) -> str | None:
    """ "12/25に" -> "十二月二十五日に"; "5/8に" may as well be a fraction."""
    month, day = int(match["m"]), int(match["d"])
    if after(match, 1) not in ("(", "（") and day < 10 and month <= day:
        return None
    try:
        date(DATE_YEAR, month, day)
    except ValueError:
        return None
    return f"{spell(language, month)}月{spell(language, day)}日"


def _first_day(language: SpeechLanguage, match: Match) -> str:
    """ "1 de enero" -> "primero de enero"."""
    return spell(language, 1, language.first_day_rule)


def _time(language: SpeechLanguage, match: Match) -> str | None:
    """ "17:05" -> "siebzehn Uhr fünf", "17h05" -> "dix-sept heures cinq"."""
    return _clock(language, match, match["h"], match["m"])


def _times(language: SpeechLanguage, match: Match) -> str | None:
    """ "8h-12h", "8:00–17:30"."""
    first = _clock(language, match, match["h"], match["m"])
    last = _clock(language, match, match["h2"], match["m2"])
    return f"{first}{between(language)}{last}" if first and last and language.to else None


def _clock(language: SpeechLanguage, match: Match, h: str, m: str | None) -> str | None:
    hour, minute = int(h), int(m or "0")
    if hour > 24 or minute > 59:
        return None
    full, with_minutes = language.clock
    rule = language.hour_rule
    cue = before(match, 6).lower()
    if language.code == "pl" and cue.endswith(("o ", "od ", "do ", "po ", "godz. ")):
        rule += "-genitive" if cue.endswith(("od ", "do ")) else "-locative"
    hours = plural(language, hour, language.hours) if language.hours else ""
    said_hour = spell(language, hour, rule)
    if minute == 0:
        return full.format(h=said_hour, hours=hours)
    said = spell(language, minute, language.minute_rule)
    if minute < 10 and language.zero_minutes:
        said = f"{language.zero_minutes}{language.joint}{said}"
    return with_minutes.format(h=said_hour, hours=hours, m=said)


def at_number(language: SpeechLanguage) -> Sequence[Row]:
    right = RIGHT(language)
    table: list[Row] = [
        (rf"(?P<y>\d{{4}})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?){right}(?!-\d)", _calendar),
        (rf"(?P<d>\d\d?)(?P<mark>[./-])(?P<m>\d\d?)(?P=mark)(?P<y>\d{{4}}){right}(?!-\d)", _calendar),
        (rf"(?P<d>\d\d?)(?P<mark>[./])(?P<m>\d\d?)(?P=mark)(?P<y>\d\d){right}(?!-\d)", _calendar),
    ]
    if language.day_rule:
        names = one_of(months(language))
        tail = r"(?P<tail>\s(?:года|году|roku)|\s?г\.|\s?r\.)?"
        table.append(
            (
                rf"(?P<d>\d\d?){re.escape(language.day_mark)}\s?(?P<month>{names})(?:\s(?P<y>[12]\d{{3}}){tail})?(?!\w)",
                _written,
            )
        )
    if language.first_day_rule:
        names = one_of(months(language))
        table.append((rf"(?P<d>1)(?=\s(?:de\s)?(?:{names})(?!\w))", _first_day))
    if language.code == "de":
        name = one_of(months(language))
        days = r"(?P<days>(?:\d\d?\.,\s){0,3}\d\d?\.)\s?(?P<joint>[-–]|bis|und|oder)\s?(?P<last>\d\d?)\."
        table.append((rf"{days}\s?(?P<month>{name})(?:\s(?P<y>[12]\d{{3}}))?(?!\w)", _german_days))
        table.append((r"(?P<d>\d\d?)\.\s?(?P<m>\d\d?)\.(?!\d|\s?[-–\d])", _german_date))
    if language.code == "ja":
        certain = "に|から|まで|頃|の予定|[(（][月火水木金土日][)）]"
        table.append((rf"(?P<m>1[0-2]|0?[1-9])/(?P<d>[12]\d|3[01]|0?[1-9])(?={certain})", _cjk_date))
    if language.clock[0]:
        colons = "".join(c for c in language.clock_written if c in ":：")
        dash = r"\s?[-–—〜～]\s?"
        after_both = f"(?:{language.clock_after})?" if language.clock_after else ""
        table.append(
            (
                rf"(?P<h>\d\d?)[{colons}](?P<m>\d\d){dash}(?P<h2>\d\d?)[{colons}](?P<m2>\d\d)(?![\d:]){after_both}",
                _times,
            )
        )
        if "h" in language.clock_written:
            table.append(
                (rf"(?P<h>\d\d?)\s?[hH]\s?(?P<m>\d\d)?{dash}(?P<h2>\d\d?)\s?[hH]\s?(?P<m2>\d\d)?(?!\w)", _times)
            )
        said = f"(?:{language.clock_after})" if language.clock_after else "(?!)"
        table.append((rf"(?P<h>\d\d?)[{colons}](?P<m>\d\d)(?![\d:]){said}?", _time))
        if "." in language.clock_written:
            table.append((rf"(?P<h>\d\d?)\.(?P<m>\d\d)(?!\d){said}", _time))
        if "h" in language.clock_written:
            table.append((r"(?P<h>\d\d?)\s?[hH]\s?(?P<m>\d\d)(?!\w|\s?min)", _time))
            table.append((r"(?P<h>\d\d?)\s?[hH](?P<m>)(?!\w)", _time))
        elif language.clock_after and language.code != "es":
            said = said.replace("|\\s?h\\b", "")  # "2 h" is a length
            table.append((rf"(?P<h>\d\d?)(?P<m>){said}(?!\w)", _time))
    return table
