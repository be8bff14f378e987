"""Edits of a text, and the map back to the raw reply that survives them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipeline.text.models import Mapping

__all__ = ["Edit", "apply_edits", "identity"]

Edit = tuple[int, int, str]
"""(start, end, words): these characters are said as these words; an empty string is a deletion."""


_NEVER = (sys.maxsize, sys.maxsize)
"""A point after every text."""


def identity(start: int) -> Mapping:
    return ((0, start),)


def apply_edits(text: str, mapping: Mapping, edits: Sequence[Edit]) -> tuple[str, Mapping]:
    """The edited text and its own map to raw offsets. Edits are in order and do not overlap.

    An edit ends where its source ends, so both maps are exact at the end of every word. Inside an edit
    the map stands at its start: a form that was not heard to its end was not heard.
    """
    pieces: list[str] = []
    points: list[tuple[int, int]] = [mapping[0]]
    at, raw = mapping[0]
    following = 1  # the first point of `mapping` that is not passed yet
    next_at, next_raw = mapping[1] if len(mapping) > 1 else _NEVER
    here = 0  # position in `text`
    out = 0  # position in the new text
    for number, (start, end, words) in enumerate(edits):
        while next_at <= start:
            points.append((out + next_at - here, next_raw))
            at, raw = next_at, next_raw
            following += 1
            next_at, next_raw = mapping[following] if following < len(mapping) else _NEVER
        pieces.append(text[here:start])
        out += start - here
        began = raw + start - at
        if began > next_raw:
            began = next_raw
        while next_at <= end:
            at, raw = next_at, next_raw
            following += 1
            next_at, next_raw = mapping[following] if following < len(mapping) else _NEVER
        ended = raw + end - at
        if ended > next_raw:
            ended = next_raw
        here = end
        if words:
            pieces.append(words)
            if began < points[-1][1]:
                began = points[-1][1]
            said = out + len(words)
            points += ((out, began), (said, began), (said, ended if ended > began else began))
            out = said
        elif out == 0:
            points = [(0, ended)]
        elif end < len(text) and (number + 1 == len(edits) or edits[number + 1][0] > end):
            # One character later, so that the end of the word before a deletion stays exact.
            points.append((out + 1, min(ended + 1, next_raw)))
    points.extend((out + at - here, raw) for at, raw in mapping[following:])
    pieces.append(text[here:])
    return "".join(pieces), tuple(points)
