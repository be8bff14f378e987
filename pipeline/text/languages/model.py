"""What a language's table may say. Words are lower-case, abbreviations are written without the last dot."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Language", "words"]


def words(text: str) -> frozenset[str]:
    """A table from words between spaces."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Language:
    """A language's own facts about where a sentence ends and where a breath may fall.

    titles:        abbreviations that never end a sentence: a name or word follows ("Dr.", "e.g.")
    counted:       do not end a sentence before a number ("p. 55", "No. 7")
    abbreviations: end one only before a word of `starters` ("Inc.", "U.S.")
    closing:       end one before any capital, hardly ever stand before a name ("etc.", "Ph.D.", "usw.")
    units:         are `closing` behind a number ("5 mi."), else ordinary words ("Come in.")
    starters:      words that, capitalised, almost always begin a sentence
    follow:        what comes after an ordinal number with a dot ("3. Oktober"); None: there are no such ordinals
    articles:      before a number with a dot they make it an ordinal ("das 15. Lebensjahr")
    labels:        words before a letter that is no initial ("Plan B. Then")
    names:         names that end in "!"
    endings:       endings of words that do not end a sentence before a number ("Goethestr. 12")
    weak:          words after which nobody breathes: articles, prepositions, auxiliaries, conjunctions
    """

    code: str
    titles: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()
    closing: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    starters: frozenset[str] = frozenset()
    follow: frozenset[str] | None = None
    articles: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()
    known: frozenset[str] = field(init=False)
    """Everything that is written with a dot: most words before one are not among them."""

    def __post_init__(self) -> None:
        known = self.titles | self.counted | self.abbreviations | self.closing | self.units
        object.__setattr__(self, "known", known)
