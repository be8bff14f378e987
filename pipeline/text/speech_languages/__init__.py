"""One small file per language, and the way to find it by its tag."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from pipeline.text.speech_languages.model import SpeechLanguage, words_of

__all__ = ["KNOWN", "SpeechLanguage", "base_language", "speech_language"]

KNOWN = frozenset(words_of("ar de el en es fa fr hi it ja ko nl pl pt ru tr zh"))


def base_language(tag: str) -> str:
    """The language of a tag such as "pt-BR" or "zh_Hant", in lower case."""
    return tag.replace("_", "-").split("-", 1)[0].lower()


@cache
def speech_language(tag: str) -> SpeechLanguage:
    """The tables of a language; an unknown one has none, so its text stays as it is written."""
    base = base_language(tag)
    if base not in KNOWN:
        return SpeechLanguage(code=base)
    language: SpeechLanguage = import_module(f"pipeline.text.speech_languages.{base}").LANGUAGE
    return language
