"""Open quotation marks and brackets: a sentence does not end inside them."""

from __future__ import annotations

import re

__all__ = ["Nesting"]

_REACH = 200  # a mark that stays open longer was not one
_BRACKET_REACH = 60  # "[" is mostly a stray
_MARK = re.compile(
    r"[()\[\]\"“”„«»‹›「」『』（）【】《》〈〉]"
    r"|(?<![^\s(\[—–\"“-])['‘](?=\w)(?!(?:s|t|m|d|re|ve|ll|em|tis|twas|cause|til|bout|n)\b|\d0s)"  # opens
    r"|(?<=[^\s\w])['’](?!\w)|(?<=\w)['’](?![\w'’])"  # closes
    r"|(?<!\S)''?(?=\s)",  # spaced, in tokenised text
    re.IGNORECASE,
)
_ANY = re.compile(r"[()\[\]\"“”„«»‹›‘「」『』（）【】《》〈〉'’](?:(?<!['’])|(?<!\w')(?<=')|(?!\w))")
_PAIRS = {
    "(": ")", "[": "]", "“": "”", "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹", "”": "”",
    "「": "」", "『": "』", "（": "）", "【": "】", "《": "》", "〈": "〉",
    '"': '"', "'": "'’", "‘": "’'", "''": "''",
}  # fmt: skip
_EITHER = frozenset("\"«»‹›”'")  # these open or close, by their neighbours
_BEFORE_OPENING = frozenset("([{—–-\"'“„/")


class Nesting:
    """Knows for one sentence which marks are open; it reads every character once."""

    def __init__(self) -> None:
        self._at = 0
        self._open: list[tuple[str, int]] = []

    def begin(self, at: int) -> None:
        """A sentence begins at `at`: nothing is open."""
        self._at = at
        if self._open:
            self._open = []

    def shift(self, by: int) -> None:
        """The first `by` characters of the text were dropped."""
        self._at -= by
        self._open = [(closing, at - by) for closing, at in self._open]

    def inside(self, text: str, at: int) -> bool:
        """Whether `at` lies within an open pair (`text[at]` must be there, or the text has ended)."""
        if self._at < at and _ANY.search(text, self._at, at) is None:
            self._at = at
        if not self._open and self._at >= at:
            return False
        if self._at < at:
            for found in _MARK.finditer(text, self._at, min(at + 1, len(text))):
                if found.end() <= at:
                    self._mark(text[: at + 1], found.start(), found.end())
            self._at = at
        if self._open and at - self._open[0][1] > _REACH:
            self._open = [entry for entry in self._open if at - entry[1] <= _REACH]
        return any(closing != "]" or at - opened <= _BRACKET_REACH for closing, opened in self._open)

    def awaits(self, text: str, at: int, mark: str) -> bool:
        """Whether an open pair is to be closed by `mark` at `at`."""
        self.inside(text, at)
        return self._awaited(mark)

    def _awaited(self, mark: str) -> bool:
        return any(mark == closing or (len(mark) == 1 and mark in closing) for closing, _ in self._open)

    def _mark(self, text: str, at: int, end: int) -> None:
        mark = text[at:end]
        opens = mark in _PAIRS and self._opens(text, at, end, mark)
        if not opens or mark in "“”«»":
            for n in range(len(self._open) - 1, -1, -1):
                closing, opened = self._open[n]
                if at - opened > _REACH:
                    break
                if mark == closing or (len(mark) == 1 and mark in closing):
                    del self._open[n:]
                    return
        if opens and not (mark in "([" and at and text[at - 1] in ":;="):  # a smiley opens nothing
            self._open.append((_PAIRS[mark], at))
            if len(self._open) > 2 * _REACH:
                del self._open[:_REACH]

    def _opens(self, text: str, at: int, end: int, mark: str) -> bool:
        if mark not in _EITHER and mark != "''":
            return True
        before = text[at - 1] if at else " "
        after = text[end] if end < len(text) else " "
        if mark == "«" and not any("«" in closing for closing, _ in self._open):
            return True
        if before.isspace() and after.isspace():  # spaced: in turns, before a name or number
            following = text[end:].lstrip()[:1] if mark in "''" else ""
            return (following.isupper() or following.isdigit()) and not self._awaited(mark)
        return (before.isspace() or before in _BEFORE_OPENING) and not after.isspace()
