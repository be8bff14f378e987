"""The machine behind the written forms: a gate stops at every possible place, and the first rule that both
matches there and knows what to say makes the edit. Each text is walked through once."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.text.normalise.beginnings import MARKS, can_begin, steps_of
from pipeline.text.normalise.edits import Edit

__all__ = [
    "EditAt",
    "Match",
    "Rule",
    "RuleSet",
    "after",
    "before",
    "compiled",
    "endings",
    "find_edits",
    "in_word",
    "one_of",
    "rule",
    "word_start",
]

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A written form and the function that says it, or gives None to leave it to the next rule."""

    pattern: re.Pattern[str]
    say: Callable[[Match], str | None]


EditAt = Callable[[str, int, int], Edit | None]
"""(text, where the gate stopped, end of the last edit) -> the edit of the form that is there."""


class RuleSet:
    """Rules in order. How the text begins at a place rules out most of them, which is found out once for each kind of
    beginning; the others are asked one by one."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._steps = [steps_of(each.pattern) for each in self.rules]
        self._all = tuple((each.pattern.match, each.say) for each in self.rules)
        self._by_kind: dict[str, tuple[_Asked, ...]] = {}
        self._asked: dict[str, tuple[_Asked, ...]] = {}

    def edit(self, text: str, at: int) -> Edit | None:
        """The edit of the first rule that matches at this place and knows what to say."""
        begins = _BEGINNING.match(text, at)[0]  # type: ignore[index]
        asked = self._asked.get(begins)
        if asked is None:
            asked = self._ask(begins)
        for match_at, say in asked:
            match = match_at(text, at)
            if match is not None and (words := say(match)) is not None:
                return at, match.end(), words
        return None

    def _ask(self, begins: str) -> tuple[_Asked, ...]:
        kind = begins.translate(_CLASSES)
        asked = self._by_kind.get(kind)
        if asked is None:
            if len(self._by_kind) >= _MOST_KINDS:
                return self._all
            each = zip(self._all, self._steps, strict=True)
            asked = self._by_kind[kind] = tuple(rule for rule, steps in each if can_begin(steps, kind))
        if len(self._asked) >= _MOST_BEGINNINGS:
            self._asked.clear()
        self._asked[begins] = asked
        return asked


_Asked = tuple[Callable[[str, int], "Match | None"], Callable[["Match"], str | None]]
_BEGINNING = re.compile(r"(?:\d{1,5}(?:,\d{3})?(?:\.\d{1,2})?)?(?:\s\d.|.{0,2})", re.DOTALL)
_MOST_BEGINNINGS = 4096
_MOST_KINDS = 1024
"""More than the texts of a language have. Beyond them every rule is asked, for finding out takes half a millisecond."""


class _Classes(dict[int, str]):
    """Digits are all one, and so are the characters beyond ASCII but for some marks."""

    def __missing__(self, code: int) -> str:
        return "\0" if code >= 128 else chr(code)


_CLASSES = _Classes({ord(mark): mark for mark in MARKS} | {ord(digit): "0" for digit in "0123456789"})


def compiled(pattern: str) -> re.Pattern[str]:
    r"""A verbose pattern whose \d means ASCII digits only (inside a class write 0-9)."""
    return re.compile(pattern.replace(r"\d", "[0-9]"), re.VERBOSE)


def rule(pattern: str) -> Callable[[Callable[[Match], str | None]], Rule]:
    """Turns a function that says a match into a rule. Patterns are verbose: a space is `\\ ` or `\\s`."""

    def decorate(say: Callable[[Match], str | None]) -> Rule:
        return Rule(compiled(pattern), say)

    return decorate


def one_of(names: Iterable[str]) -> str:
    """An alternation, the longest first, by first letter to fail early; it matches nothing when empty."""
    by_first: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        by_first[name[0]].append(re.escape(name[1:]))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items()) or "(?!)"


def endings(words: Iterable[str]) -> str:
    """Look-behinds for any of the words; each must have one width, so they are grouped by it."""
    by_length = defaultdict(set)
    for word in words:
        by_length[len(word)].add(re.escape(word))
    return "|".join(f"(?<=\\b(?:{'|'.join(sorted(found))}))" for found in by_length.values()) or "(?!)"


def before(match: Match, chars: int = 32) -> str:
    """The text just before a match; long enough for a cue, short enough to be cheap."""
    at = match.start()
    return match.string[max(0, at - chars) : at]


def after(match: Match, chars: int = 32) -> str:
    at = match.end()
    return match.string[at : at + chars]


def word_start(text: str, at: int, floor: int) -> int:
    """Where the word that ends at `at` begins, not before `floor`."""
    floor = max(floor, at - 64)
    while at > floor and in_word(text[at - 1]):
        at -= 1
    return at


def in_word(char: str) -> bool:
    return char.isalnum() or char == "_" or (char > "\u02ff" and unicodedata.category(char)[0] == "M")


def find_edits(text: str, gate: re.Pattern[str], edit_at: EditAt) -> list[Edit]:
    """`gate` stops at every character that may belong to a written form; `edit_at` says which form it is."""
    edits: list[Edit] = []
    at = 0
    while found := gate.search(text, at):
        here = found.start()
        edit = edit_at(text, here, at)
        if edit is None:
            run = _WHOLE.match(text, here)
            at = run.end() if run else here + 1
        else:
            at = edit[1]
            if edit[2] != text[edit[0] : at]:  # else a rule is sure that it stays as it is written
                edits.append(edit)
    return edits


# What no rule could say stays whole: "1.2.3.4.5" must not become "one.two.3.4.5"; nor is a word as long as that one.
_WHOLE = re.compile(r"\d+(?:[.,:/]\d+)*|\w{64,}|={2,}|&{3,}")
