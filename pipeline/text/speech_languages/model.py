"""What a language needs so that its written forms can be said; each file here fills in one of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SpeechLanguage", "words_of"]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a long list, which reads better as one text."""
    return tuple(text.split())


@dataclass(frozen=True, kw_only=True)
class SpeechLanguage:
    """Everything is optional: what a language does not know stays as it is written."""

    code: str
    code_block: tuple[str, str] = ("", "")
    """Announcement of a code block of one line and of several; `{name}` and `{n}` are filled in."""
    code_word: str = ""
    """What stands for `{name}` when the block names no language ("Code, 3 lines.")."""
    formula: str = ""
    """What is said for a formula that is not read."""
    list_item: str = ""
    """How a numbered list item begins; `{ordinal}` or `{n}` is filled in."""
    dot: str = ""
    """The full stop inside a host name."""
    at: str = ""
    """The sign inside an email address."""
    dash: str = ""
    underscore: str = ""
    plus: str = ""
    slash: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    """Symbols that are said by a word ("%", "&", "+", "°C" …)."""
