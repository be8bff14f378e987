"""Lists within a line: "1. First 2. Second" and "• one • two" are cut before the next mark."""

from __future__ import annotations

import re

__all__ = ["follows", "is_item", "item_at"]

_ROMAN = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]
_ITEM = re.compile(r"[\s\"'“(•⁃-]*(\d{1,3}|[a-z]|[ivx]{2,4})(?:\.\)|[.)])\s")


def is_item(word: str) -> bool:
    """Whether a dot or bracket after `word` may make it a list item's mark."""
    if len(word) > 4:
        return False
    return (word.isdigit() and len(word) <= 3) or (len(word) == 1 and "a" <= word <= "z") or word in _ROMAN


def item_at(text: str, start: int) -> str:
    """The mark with which the sentence at `start` begins, without its dot; else ""."""
    found = _ITEM.match(text, start)
    return found[1] if found else ""


def follows(item: str, word: str) -> bool:
    """ "2" follows "1", "b" follows "a"."""
    if item.isdigit():
        return word.isdigit() and int(word) == int(item) + 1
    if item in _ROMAN and word in _ROMAN and _ROMAN.index(word) == _ROMAN.index(item) + 1:
        return True
    return len(item) == 1 == len(word) and ord(word) == ord(item) + 1
