"""Markdown table rows as speech: every cell with its header."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.text.models import Block, Boundary, TextChunk

__all__ = ["Cells", "is_delimiter_row", "row_chunk", "split_cells"]

Cells = list[str]
_Plain = Callable[[str, int], tuple[str, list[tuple[int, int]]]]
_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_BAR = re.compile(r"(?<!\\)\|")


def is_delimiter_row(line: str) -> bool:
    return "|" in line and _DELIMITER.fullmatch(line) is not None


def split_cells(row: str) -> list[tuple[str, int]]:
    """The cells of a row, each with its position in it."""
    body = row.rstrip()
    cells, start = [], 1 if body.startswith("|") else 0
    if "\\" not in body:
        for cell in body[start:].split("|"):
            cells.append((cell, start))
            start += len(cell) + 1
        if not cells[-1][0]:
            cells.pop()
        return cells
    for bar in _BAR.finditer(body, start):
        cells.append((body[start : bar.start()], start))
        start = bar.end()
    if start < len(body):
        cells.append((body[start:], start))
    return cells


def row_chunk(headers: Cells, row: str, start: int, plain_of: _Plain) -> TextChunk | None:
    """ "Name: Ada. Age: 36." for a row at raw offset `start`; None when all its cells are empty."""
    text, points = "", []
    for n, (cell, at) in enumerate(split_cells(row)):
        offset = start + at + len(cell) - len(cell.lstrip())
        plain, inner = plain_of(cell.strip(), offset)
        if not plain.strip():
            continue
        if text:
            text += " "
        points.append((len(text), offset))
        if n < len(headers) and headers[n]:
            text += f"{headers[n]}: "
        points += [(len(text) + here, raw) for here, raw in inner]
        text += plain
        points.append((len(text), offset + len(cell.strip())))
        if not text.endswith((".", "!", "?", "。", "！", "？", "।", "؟")):
            text += "."
    if not text:
        return None
    mapping = tuple({here: (here, raw) for here, raw in points}.values())
    return TextChunk(text, start, start + len(row.rstrip()), Boundary.PARAGRAPH, Block.TABLE_ROW, "", mapping)
