"""Language tables, one small file each: `language("pt-BR")` is Portuguese, an unknown code an empty table."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from pipeline.text.languages.model import Language

__all__ = ["LANGUAGES", "Language", "language", "language_of_script"]

LANGUAGES = (
    "ar", "de", "el", "en", "es", "fa", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh",
)  # fmt: skip
"""The languages with a full table."""

_EVERYWHERE = frozenset({"dr", "prof", "mr", "mrs", "ms", "st", "mt"})
_SMALL = ("bg", "da", "hy", "kk", "sk", "uk")
"""Languages with the commonest abbreviations only."""


@lru_cache(maxsize=128)
def language(code: str) -> Language:
    base = code.replace("_", "-").split("-")[0].lower()
    if base not in LANGUAGES and base not in _SMALL:
        return Language(base, titles=_EVERYWHERE)
    table: Language = import_module(f"pipeline.text.languages.{base}").TABLE
    return table


_SCRIPTS = (  # first and last code point, the script's name, the language that stands for it
    (0x0041, 0x024F, "latin", "en"),
    (0x0370, 0x03FF, "greek", "el"),
    (0x0400, 0x052F, "cyrillic", "ru"),
    (0x0600, 0x06FF, "arabic", "ar"),
    (0x0900, 0x097F, "devanagari", "hi"),
    (0x1E00, 0x1EFF, "latin", "en"),
    (0x1F00, 0x1FFF, "greek", "el"),
    (0x3040, 0x30FF, "kana", "ja"),
    (0x3400, 0x9FFF, "han", "zh"),
    (0xAC00, 0xD7A3, "hangul", "ko"),
)
_OWN_SCRIPTS = {
    "el": {"greek"}, "ru": {"cyrillic"}, "uk": {"cyrillic"}, "bg": {"cyrillic"}, "kk": {"cyrillic"},
    "ar": {"arabic"}, "fa": {"arabic"}, "ur": {"arabic"}, "hi": {"devanagari"}, "mr": {"devanagari"},
    "ja": {"kana", "han"}, "zh": {"han"}, "ko": {"hangul", "han"}, "hy": set(),
}  # fmt: skip


def _script(letter: str) -> tuple[str, str] | None:
    point = ord(letter)
    for first, last, name, code in _SCRIPTS:
        if first <= point <= last:
            return name, code
    return None


@lru_cache(maxsize=4_096)  # letters and codes come from outside
def language_of_script(letter: str, code: str) -> Language:
    """The table for a text in `code` at a word that ends in `letter`: its script may be another's."""
    script = _script(letter)
    base = code.replace("_", "-").split("-")[0].lower()
    if script is None or script[0] in _OWN_SCRIPTS.get(base, {"latin"}):
        return language(code)
    return language(script[1])
