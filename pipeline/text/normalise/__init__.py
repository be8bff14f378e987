"""Written forms to words: `normalise(text, lang)` gives the edits, the caller applies them."""

from __future__ import annotations

from pipeline.text.normalise import english, world
from pipeline.text.normalise.edits import Edit
from pipeline.text.speech_languages import KNOWN

__all__ = ["is_plain", "normalise"]


def normalise(text: str, lang: str) -> list[Edit]:
    """The edits, in order, without overlap, that turn written forms into words of `lang`."""
    if lang == "en":
        return english.find_edits(text)
    return world.find_edits(text, lang) if lang in KNOWN else []


def is_plain(text: str, lang: str) -> bool:
    """One look: whether the text is already what will be said, and in the letters of `lang`."""
    if lang == "en":
        return english.is_plain(text)
    return lang in KNOWN and world.is_plain(text, lang)
