"""What a language needs so that its written forms can be said; each file here fills in one of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SpeechLanguage", "words_of"]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a long list, which reads better as one text."""
    return tuple(text.split())


@dataclass(frozen=True, kw_only=True, eq=False)
class SpeechLanguage:
    """Everything is optional: what a language does not know stays as it is written.

    A *plural* is its forms joined by "|": "one|other", "one|few|other", or "one|two|few|other". A *rule* is
    the name of an ICU spell-out rule set without its "spellout-" ("cardinal-feminine").
    """

    code: str

    # announcements
    code_block: tuple[str, ...] = ()
    """A code block of one line, and of more, as the forms of a plural; `{name}` and `{n}` are filled in."""
    code_word: str = ""
    """What is said up to the comma when the block names no language."""
    formula: str = ""
    list_item: str = ""
    """How a numbered list item begins; `{ordinal}` is filled in."""
    list_rule: str = ""

    # addresses
    dot: str = ""
    at: str = ""
    dash: str = ""
    underscore: str = ""
    plus: str = ""
    slash: str = ""

    # numbers
    decimal: str = "."
    grouping: str = ","
    """The marks between thousands; spaces always count."""
    point: str = ""
    """The word for the decimal mark."""
    digits_after_point: bool = False
    """Whether decimals are said digit by digit ("eins vier") or as a number ("quatorze")."""
    minus: str = ""
    pause: str = ""
    """Between the groups of a telephone number, when it is not a comma and a space."""
    to: str = ""
    """What stands between the ends of a range."""
    counted: tuple[str, str] = ("", "")
    """Rules of a number before a masculine and before a feminine noun."""
    feminine_words: str = ""
    """A pattern of common feminine nouns, for "21 minutes" and "2 минуты"."""
    one_agrees: bool = False
    """Whether 1 takes the gender of a noun we do not know, so that a bare 1 before a word stays a numeral."""
    ordinals: Mapping[str, str] = field(default_factory=dict)
    """Ending of a written ordinal ("er", "º") -> rule."""
    joint: str = " "
    """What stands between a number and its noun."""

    # quantities
    percent: str = ""
    """With `{n}`; a plural."""
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Sign or code -> plural."""
    cents: Mapping[str, str] = field(default_factory=dict)
    """Sign -> plural of its hundredth; a sign that is missing says "3 euro 50"."""
    money_and: str = ""
    """Between the units and the hundredths."""
    magnitudes: Mapping[str, str] = field(default_factory=dict)
    """Written magnitude ("Mio.", "M") -> plural."""
    of_money: str = ""
    """Between a magnitude and its currency ("deux millions d'euros")."""
    feminine: frozenset[str] = frozenset()
    """Units (CLDR names) and currencies whose number takes the feminine rule."""

    # times and dates
    clock: tuple[str, str] = ("", "")
    """Full hour and hour with minutes, with `{h}`, `{m}` and `{hours}`."""
    clock_written: str = ":"
    """Marks between hours and minutes."""
    clock_after: str = ""
    """A pattern for a word after the time that the template already says (" Uhr")."""
    hours: str = ""
    hour_rule: str = ""
    minute_rule: str = ""
    zero_minutes: str = ""
    """Said before a single-digit minute ("ноль пять")."""
    day_rule: str = ""
    first_day_rule: str = ""
    """Only the first of a month is an ordinal in some languages."""
    day_rule_after: Mapping[str, str] = field(default_factory=dict)
    """Word before a date -> rule of its day ("am" -> "ordinal-n")."""
    day_mark: str = ""
    """What follows a written day that is an ordinal ("." in "3. Oktober")."""
    year_rule: str = ""
    year_cues: tuple[str, ...] = ()
    """Words before a number that make it a year."""
    year_words: Mapping[str, str] = field(default_factory=dict)
    """Word after a number that makes it a year -> rule ("году" -> "ordinal-masculine-locative")."""
    year_words_in: tuple[str, str] = ("", "")
    """Preposition and the rule it asks for instead."""
    counters: Mapping[str, str] = field(default_factory=dict)
    """Pattern of a word after a number -> rule ("개|명" -> "cardinal-native-attributive")."""
    roman_after: Mapping[str, str] = field(default_factory=dict)
    """Word after a Roman numeral -> rule ("siècle" -> "ordinal-masculine")."""
    roman_before: tuple[str, ...] = ()
    """Words before a Roman numeral that make it a plain number ("siglo")."""
    crown: tuple[str, str, int] | None = None
    """How a monarch's numeral is said: a template with `{n}`, its rule, and up to which value it holds."""
    squared: str = ""
    """What is said after a number with ²."""
    power: str = ""
    """What is said after a number with another exponent, with `{e}` ("hoch {e}")."""
    power_rule: str = ""
    half: str = ""
    """A number and a half, with `{n}` ("{n}einhalb")."""
    halves: tuple[tuple[str, str, str], ...] = ()
    """Where a half goes by its noun, for the rules of `counted`: nouns ("one|other", or the one form there is), one
    and a half of them, and more, with `{n}` and `{noun}`."""
    against: str = ""
    """What stands between the sides of a score or ratio ("3:1")."""
    fractions: Mapping[str, str] = field(default_factory=dict)
    """ "1/2" -> words; "n/m" with `{n}` and `{m}` for any."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Own unit symbols -> CLDR names, or -> words with `{n}`."""

    # words
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    """Written -> said; a key that ends in "#" needs a number after it, one in "^" a capital."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    """Operators and signs between numbers and words."""
    fixes: Mapping[str, str] = field(default_factory=dict)
    """Spell-outs of the library that nobody says so -> what is said."""
