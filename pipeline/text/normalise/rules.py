"""The machine behind the written forms: a finder stops at every possible place, and the first rule that both
matches there and knows what to say makes the edit. Each text is walked through once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.text.normalise.edits import Edit

__all__ = ["Match", "Rule", "after", "before", "compiled", "find_edits", "rule"]

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A written form and the function that says it, or gives None to leave it to the next rule."""

    pattern: re.Pattern[str]
    say: Callable[[Match], str | None]


def compiled(pattern: str) -> re.Pattern[str]:
    r"""A verbose pattern whose \d means ASCII digits only (inside a class write 0-9)."""
    return re.compile(pattern.replace(r"\d", "[0-9]"), re.VERBOSE)


def rule(pattern: str) -> Callable[[Callable[[Match], str | None]], Rule]:
    """Turns a function that says a match into a rule. Patterns are verbose: a space is `\\ ` or `\\s`."""

    def decorate(say: Callable[[Match], str | None]) -> Rule:
        return Rule(compiled(pattern), say)

    return decorate


def before(match: Match, chars: int = 32) -> str:
    """The text just before a match; long enough for a cue, short enough to be cheap."""
    at = match.start()
    return match.string[max(0, at - chars) : at]


def after(match: Match, chars: int = 32) -> str:
    at = match.end()
    return match.string[at : at + chars]


def find_edits(text: str, finder: re.Pattern[str], rules: Mapping[str, Sequence[Rule]]) -> list[Edit]:
    """`finder` has one named group for each kind of place; `rules` has the rules of each kind, in order."""
    edits: list[Edit] = []
    at = 0
    while found := finder.search(text, at):
        start = found.start()
        at = start + 1
        for each in rules[found.lastgroup or ""]:
            match = each.pattern.match(text, start)
            if match is not None and (words := each.say(match)) is not None:
                at = match.end()
                edits.append((start, at, words))
                break
    return edits
