"""Edits of a text, and the map back to the raw reply that survives them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.text.models import Mapping

__all__ = ["Edit", "apply_edits", "identity"]

Edit = tuple[int, int, str]
"""(start, end, words): these characters are said as these words; an empty string is a deletion."""


def identity(start: int) -> Mapping:
    return ((0, start),)


def apply_edits(text: str, mapping: Mapping, edits: Sequence[Edit]) -> tuple[str, Mapping]:
    """The edited text and its own map to raw offsets. Edits are in order and do not overlap.

    An edit ends where its source ends, so both maps are exact at the end of every word. Inside an edit
    the map stands at its start: a form that was not heard to its end was not heard.
    """
    pieces: list[str] = []
    points: list[tuple[int, int]] = [mapping[0]]
    here = 0  # position in `text`
    out = 0  # position in the new text
    following = 1  # the first point of `mapping` that is not passed yet
    for number, (start, end, words) in enumerate(edits):
        while following < len(mapping) and mapping[following][0] <= start:
            at, raw = mapping[following]
            points.append((out + at - here, raw))
            following += 1
        pieces.append(text[here:start])
        out += start - here
        at, raw = mapping[following - 1]
        began = raw + start - at
        if following < len(mapping):
            began = min(began, mapping[following][1])
        while following < len(mapping) and mapping[following][0] <= end:
            following += 1
        at, raw = mapping[following - 1]
        raw += end - at
        if following < len(mapping):
            raw = min(raw, mapping[following][1])
        here = end
        if words:
            pieces.append(words)
            began = max(began, points[-1][1])
            points.append((out, began))
            out += len(words)
            points += ((out, began), (out, max(raw, began)))
        elif out == 0:
            points = [(0, raw)]
        elif end < len(text) and (number + 1 == len(edits) or edits[number + 1][0] > end):
            # One character later, so that the end of the word before a deletion stays exact.
            limit = mapping[following][1] if following < len(mapping) else raw + 1
            points.append((out + 1, min(raw + 1, limit)))
    points.extend((out + at - here, raw) for at, raw in mapping[following:])
    pieces.append(text[here:])
    return "".join(pieces), tuple(points)
