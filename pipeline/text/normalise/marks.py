"""What is no text: emoji, emotion tags, control characters. They leave before words are looked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from pipeline.text.normalise.edits import Edit

__all__ = ["find_marks", "find_wrapping", "has_bracket"]

EMOJI = (
    "\U0001f000-\U0001faff\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u231a\u231b\u23e9-\u23fa"
    "\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
)
"""Character-class ranges of emoji and of the marks that colour them."""

UNSPEAKABLE = "\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ufff9-\ufffd\ue000-\uf8ff\ud800-\udfff"
"""Characters no voice can say and some speech services refuse: controls, surrogates, private use."""

_EMOJI = rf"[{EMOJI}][{EMOJI}\u200d]*"  # the joiner also shapes letters, so alone it stays
_BRACKETED = r"[\[(*]\s?[^\W\d_]{2,20}(?:[ '-][^\W\d_]{1,20}){0,3}\s?[\])*]"
_TAG = r"</?[a-z]{2,20}(?:[\s:][^<>]{0,80})?/?>"
_MARK = re.compile(rf"{_EMOJI}|[{UNSPEAKABLE}]+|{_BRACKETED}|{_TAG}", re.IGNORECASE)
_VALUE = re.compile(
    r"""(?:value|name|type)\s*=\s*["']?\s*([^\W\d_][\w -]{0,31})|^</?emotion:([\w-]{1,32})""", re.IGNORECASE
)
_ANY = re.compile(rf"[<(\[*{EMOJI}{UNSPEAKABLE}]")
_UNSPEAKABLE = re.compile(f"[{UNSPEAKABLE}]")


_STAGE = re.compile(_BRACKETED)


_WRAPPED = re.compile(
    r"(?<![\w=~])(?P<mark>==|~~)(?=[^\s=~])[^\n]{0,200}?(?<=[^\s=~])(?P=mark)(?![\w=~])"
    r"|(?<=[\w)])(?P<script>~(?=[0-9+-]{1,6}~)|\^(?=(?:[0-9+-]{1,6}|st|nd|rd|th|[a-z])\^(?!\w)))"
    r"(?P<text>[0-9a-z+-]{1,6})(?P=script)"
)


def find_wrapping(text: str) -> list[Edit]:
    """The marks of "==marked==", "~~struck~~", "H~2~O" and "x^2^" go; a power keeps its first."""
    edits: list[Edit] = []
    for match in _WRAPPED.finditer(text):
        width = len(match["mark"] or match["script"])
        if match["script"] != "^" or match["text"] in ("st", "nd", "rd", "th"):
            edits.append((match.start(), match.start() + width, ""))
        edits.append((match.end() - width, match.end(), ""))
    return edits


def has_bracket(text: str) -> bool:
    """Whether something in brackets may be a stage direction."""
    return ("(" in text or "[" in text) and _STAGE.search(text) is not None


def find_marks(text: str, emotions: Mapping[str, str], *, name_emoji: bool) -> tuple[list[Edit], str | None]:
    """The deletions, and the first emotion found. An unknown bracket or tag is text."""
    edits: list[Edit] = []
    emotion: str | None = None
    if _ANY.search(text) is None:
        return edits, emotion
    at = 0
    while match := _MARK.search(text, at):
        mark, at = match[0], match.end()
        words = ""
        if _UNSPEAKABLE.match(mark):
            edits.append((match.start(), match.end(), ""))
            continue
        if mark[0] == "<":
            found = _tag_emotion(mark, emotions)
            if found is None:
                at = match.start() + 1  # text, in which there may be marks
                continue
            emotion = emotion or found or None
        elif mark[0] in "[(*":
            found = emotions.get(mark[1:-1].strip().lower())
            if found is None:
                at = match.start() + 1  # text, in which there may be marks
                continue
            emotion = emotion or found
        else:
            emotion = emotion or next((emotions[c] for c in mark if c in emotions), None)
            if name_emoji:
                words = emoji_names(mark)
        _add_deletion(edits, text, match.start(), match.end(), words)
    return edits, emotion


def emoji_names(mark: str) -> str:
    """ "🎉" -> "party popper"; joiners, skin tones and flags' letters have no name of their own."""
    names = [unicodedata.name(c, "") for c in mark if unicodedata.category(c) == "So"]
    return ", ".join(name.lower() for name in names if name and "REGIONAL INDICATOR" not in name)


def _tag_emotion(tag: str, emotions: Mapping[str, str]) -> str | None:
    """The emotion a tag sets; "" for a closing tag; None when it is no emotion tag."""
    name = tag.strip("</>").split(None, 1)[0].lower()
    if name == "emotion" or name.startswith("emotion:"):
        value = _VALUE.search(tag)
        return (value[1] or value[2]).strip().lower() if value else ""
    if name in emotions:
        return "" if tag[1] == "/" else emotions[name]
    return None


def _add_deletion(edits: list[Edit], text: str, start: int, end: int, words: str) -> None:
    """Takes the mark away with the space before it, unless its neighbours would then touch."""
    if edits and not edits[-1][2].strip() and not text[edits[-1][1] : start].strip():
        start = edits.pop()[0]  # one run of marks
    floor = edits[-1][1] if edits else 0
    while start > floor and text[start - 1].isspace():
        start -= 1
    following = text[end : end + 1]
    if words:
        before = " " if start else ""
        edits.append((start, end, before + words + (" " if following.isalnum() else "")))
        return
    if start == 0:
        while text[end : end + 1].isspace():
            end += 1
    touching = start > 0 and following.isalnum() and (text[start] == " " or text[start - 1].isalnum())
    edits.append((start, end, " " if touching else ""))
