"""Whether a pattern can match a text of which only the first characters are known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["MARKS", "Steps", "can_begin", "steps_of"]

_parser: Any = import_module("re._parser")
_op: Any = import_module("re._constants")

MARKS = "–—−×÷±≈≤≥≠→•°²³½¼¾€£¥₽₹₩₺§№’”…"
"""The characters beyond ASCII that a beginning may name."""
_ALPHABET = [*(chr(code) for code in range(128) if not 49 <= code <= 57), *MARKS]


@dataclass(frozen=True, slots=True)
class _Branches:
    """One of these, at least and at most so often."""

    branches: Sequence[Steps]
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class _Ahead:
    """This follows, and is matched again."""

    steps: Steps


Steps = Sequence["frozenset[str] | _Branches | _Ahead | None"]
"""What a pattern accepts: a character of a set, of which "0" stands for any digit, or a group; None: anything."""


def steps_of(pattern: re.Pattern[str]) -> Steps:
    return _steps(_parser.parse(pattern.pattern, pattern.flags))


def _steps(tree: Any) -> Steps:
    steps: list[frozenset[str] | _Branches | _Ahead | None] = []
    for op, argument in tree:
        if op in (_op.LITERAL, _op.NOT_LITERAL, _op.IN, _op.ANY):
            steps.append(_one_char(op, tuple(argument) if op is _op.IN else argument))
        elif op in (_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT):
            steps.append(_Branches([_steps(argument[2])], int(argument[0]), int(argument[1])))
        elif op is _op.BRANCH:
            steps.append(_Branches([_steps(branch) for branch in argument[1]]))
        elif op is _op.SUBPATTERN or op is _op.ATOMIC_GROUP:
            steps += _steps(argument[-1] if op is _op.SUBPATTERN else argument)
        elif op is _op.ASSERT and argument[0] > 0:
            steps.append(_Ahead(_steps(argument[1])))
        elif op is _op.AT and argument is _op.AT_END:
            steps.append(_Ahead([frozenset("\n")]))
        elif op not in (_op.ASSERT, _op.ASSERT_NOT, _op.AT):
            steps.append(None)
    return steps


@cache
def _one_char(op: Any, argument: Any) -> frozenset[str]:
    """The characters of the alphabet that an operation accepts."""
    found = {char for char in _ALPHABET if _accepts(op, argument, char)}
    return frozenset(found | {"0"} if any(_accepts(op, argument, digit) for digit in "123456789") else found)


def _accepts(op: Any, argument: Any, char: str) -> bool:
    if op is _op.IN:
        return _in_class(argument, char)
    return op is _op.ANY or (ord(char) == argument) == (op is _op.LITERAL)


def _in_class(items: Any, char: str) -> bool:
    found = False
    for op, argument in items:
        if op is _op.LITERAL:
            found |= ord(char) == argument
        elif op is _op.RANGE:
            found |= argument[0] <= ord(char) <= argument[1]
        elif op is _op.CATEGORY:
            found |= re.match(_CATEGORIES[argument], char) is not None
    return found != (items[0][0] is _op.NEGATE)


_CATEGORIES = {
    _op.CATEGORY_DIGIT: r"\d",
    _op.CATEGORY_NOT_DIGIT: r"\D",
    _op.CATEGORY_SPACE: r"\s",
    _op.CATEGORY_NOT_SPACE: r"\S",
    _op.CATEGORY_WORD: r"\w",
    _op.CATEGORY_NOT_WORD: r"\W",
}


def can_begin(steps: Steps, begins: str) -> bool:
    """False: the pattern surely matches no text that begins so. "0" is any digit there, "\\0" any character."""
    return bool(_ends(steps, begins, 0))


def _ends(steps: Steps, begins: str, start: int) -> set[int]:
    """Where a match may end that begins at `start`; at the end of what is known it may go on as it likes."""
    ends = {start}
    for step in steps:
        if len(begins) in ends or step is None:
            return {len(begins)}
        if isinstance(step, frozenset):
            ends = {at + 1 for at in ends if begins[at] in step or begins[at] == "\0"}
        elif isinstance(step, _Ahead):
            ends = {at for at in ends if _ends(step.steps, begins, at)}
        else:
            ends = _repeated(step, begins, ends)
        if not ends:
            break
    return ends


def _repeated(step: _Branches, begins: str, reached: set[int]) -> set[int]:
    ends = reached if step.least == 0 else set()
    for number in range(1, step.most + 1):
        reached = {end for at in reached for branch in step.branches for end in _ends(branch, begins, at)}
        if len(begins) in reached:
            return reached
        if number >= step.least:
            if reached <= ends:
                break
            ends = ends | reached
    return ends
