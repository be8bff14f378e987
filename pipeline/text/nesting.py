"""Open quotation marks and brackets: a sentence does not end inside them."""

from __future__ import annotations

import re

__all__ = ["Nesting"]

_REACH = 200  # a mark that stays open longer was not one
_MARK = re.compile(
    r"[()\[\]\"“”„«»‹›「」『』（）【】《》〈〉]"
    r"|(?<![^\s(\[—–\"“-])['‘](?=\w)"  # opens: after a space, before a letter
    r"|(?<=[^\s\w])['’](?!\w)|(?<=\w)['’](?![\w'’])"  # closes
)
_PAIRS = {
    "(": ")", "[": "]", "“": "”", "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹", "”": "”",
    "「": "」", "『": "』", "（": "）", "【": "】", "《": "》", "〈": "〉",
    '"': '"', "'": "'’", "‘": "’'",
}  # fmt: skip


class Nesting:
    """Knows for one sentence which marks are open; it reads every character once."""

    def __init__(self) -> None:
        self.begin(0)

    def begin(self, at: int) -> None:
        self._at = at
        self._open: list[tuple[str, int]] = []

    def shift(self, by: int) -> None:
        self._at -= by
        self._open = [(closing, at - by) for closing, at in self._open]

    def inside(self, text: str, at: int) -> bool:
        """Whether `at` lies within an open pair (`text[:at + 1]` must be there, or the text has ended)."""
        if self._at < at:
            for found in _MARK.finditer(text, self._at, min(at + 1, len(text))):
                if found.start() < at:
                    self._mark(text, found.start())
            self._at = at
        self._open = [entry for entry in self._open if at - entry[1] <= _REACH]
        return bool(self._open)

    def _mark(self, text: str, at: int) -> None:
        mark = text[at]
        for n in range(len(self._open) - 1, -1, -1):
            if mark in self._open[n][0] and not self._opens(text, at, mark):
                del self._open[n:]
                return
        if mark in _PAIRS and self._opens(text, at, mark):
            if mark in "([" and at and text[at - 1] in ":;=-'":
                return  # a smiley
            self._open.append((_PAIRS[mark], at))

    def _opens(self, text: str, at: int, mark: str) -> bool:
        before = text[at - 1] if at else " "
        after = text[at + 1] if at + 1 < len(text) else " "
        if mark in "\"'”»›“":
            if mark == "“" and not any("“" in closing for closing, _ in self._open):
                return True
            return (before.isspace() or before in "([{—–-\"'“„") and not after.isspace()
        return mark in _PAIRS
