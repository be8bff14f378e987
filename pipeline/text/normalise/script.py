"""Which language a chunk is in, when its letters are plainly not those of the turn's language."""

from __future__ import annotations

import re

from pipeline.text.speech_languages.model import words_of

__all__ = ["FOREIGN_TO_LATIN", "language_of"]

_SCRIPTS = {
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "ru": "\u0400-\u052f",
    "ar": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "hi": "\u0900-\u097f",
    "ja": "\u3041-\u30ff\u31f0-\u31ff",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
}
FOREIGN_TO_LATIN = "".join(_SCRIPTS.values())
"""Character-class ranges of the scripts that are looked at."""

_FINDERS = {lang: re.compile(f"[{ranges}]") for lang, ranges in _SCRIPTS.items()}
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_PERSIAN = re.compile("[پچژگکی]")
_SAME_SCRIPT = {
    "ru": frozenset(words_of("uk be bg sr mk kk ky mn tg")),
    "ar": frozenset(words_of("fa ur ps ku sd ug")),
    "hi": frozenset(words_of("mr ne sa")),
    "zh": frozenset({"ja", "yue"}),
}
_OWN = {member: script for script, members in _SAME_SCRIPT.items() for member in members}


def language_of(text: str, lang: str) -> str:
    """`lang`, unless more than half of the letters belong to a script that it is not written in."""
    counts = {script: len(finder.findall(text)) for script, finder in _FINDERS.items()}
    if counts["ja"]:  # kana among Han characters is Japanese
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    own = _OWN.get(lang, lang)
    latin = len(_LATIN.findall(text))
    best = max(counts, key=counts.__getitem__)
    if own in counts:
        if lang == "ja" and best == "zh":
            return lang
        if not any(counts.values()):
            return "en" if latin else lang
        if counts[own] or counts[best] <= latin:
            return lang
    elif counts[best] <= latin:
        return lang
    if best == "ar" and _PERSIAN.search(text):
        return "fa"
    return best
