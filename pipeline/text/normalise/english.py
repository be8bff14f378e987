"""English written forms."""

from __future__ import annotations

import re

from pipeline.text.normalise import numbers
from pipeline.text.normalise.edits import Edit

__all__ = ["find_edits"]

_PLAIN = re.compile(r"(?<![\w.,])\d{1,15}(?![\w.,:/-])|(?<![\w.,])\d{1,3}(?=[.,](?:\s|$))")


def find_edits(text: str, urls: str) -> list[Edit]:
    return [(m.start(), m.end(), numbers.number(m[0])) for m in _PLAIN.finditer(text)]
