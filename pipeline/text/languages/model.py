"""What a language's table may say. Words are lower-case, abbreviations are written without the last dot."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Language"]


def words(text: str) -> frozenset[str]:
    """A table from words between spaces."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Language:
    """A language's own facts about where a sentence ends and where a breath may fall.

    titles:        abbreviations that never end a sentence: a name or word always follows ("Dr.", "e.g.")
    counted:       do not end a sentence before a number ("p. 55", "No. 7")
    abbreviations: may end one: the next word decides ("etc.", "Inc.", "U.S.", "a.m.")
    starters:      words that, capitalised, almost always begin a sentence
    months:        what may follow an ordinal number with a dot ("3. Oktober"), besides lower case
    ordinals:      a number with a dot may be an ordinal
    names:         names that end in "!" or "?"
    weak:          words after which nobody breathes: articles, prepositions, auxiliaries, conjunctions
    """

    code: str
    titles: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()
    starters: frozenset[str] = frozenset()
    months: frozenset[str] = frozenset()
    ordinals: bool = False
    names: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
