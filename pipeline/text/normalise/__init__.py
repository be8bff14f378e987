"""Written forms to words: `normalise(text, lang)` gives the edits, the caller applies them."""

from __future__ import annotations

from pipeline.text.normalise import english
from pipeline.text.normalise.edits import Edit

__all__ = ["normalise"]


def normalise(text: str, lang: str) -> list[Edit]:
    """The edits, in order, without overlap, that turn written forms into words of `lang`."""
    return english.find_edits(text) if lang == "en" else []
