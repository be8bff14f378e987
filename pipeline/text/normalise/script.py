"""Which language a chunk is in, when its letters are plainly not those of the turn's language."""

from __future__ import annotations

import re

from pipeline.text.speech_languages.model import words_of

__all__ = ["language_of", "letters_of"]

_SCRIPTS = {
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "ru": "\u0400-\u052f",
    "ar": "\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "hi": "\u0900-\u0963\u0971-\u097f",
    "ja": "\u3041-\u30ff\u31f0-\u31ff",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
}

_FINDERS = {lang: re.compile(f"[{ranges}]") for lang, ranges in _SCRIPTS.items()}
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_PERSIAN = re.compile("[پچژگکی]")
_SAME_SCRIPT = {
    "ru": frozenset(words_of("uk be bg sr mk kk ky mn tg")),
    "ar": frozenset(words_of("fa ur ps ku sd ug")),
    "hi": frozenset(words_of("mr ne sa")),
    "zh": frozenset({"yue"}),
}
_OWN = {member: script for script, members in _SAME_SCRIPT.items() for member in members}


_FOREIGN = re.compile(f"[{''.join(_SCRIPTS.values())}]")


def letters_of(lang: str) -> str:
    """Character-class ranges of a language's own letters."""
    own = _OWN.get(lang, lang)
    if own not in _SCRIPTS:
        return "A-Za-zÀ-ÖØ-öø-ɏ"
    return _SCRIPTS[own] + (_SCRIPTS["zh"] + "々ー" if lang == "ja" else "")


_MEASURES = re.compile(
    r"[0-9]\s?(?:°\s?[CF]|[kcdm]?m(?:/[hs])?[²³23]?|[kmµ]?g|[mcd]?[lL]|[kKMGT]i?B(?:/s)?|[kKMG]?bps|[kMGTm]?(?:Hz|Wh?|V|A)"
    r"|mAh|h|min|s|ms|mph|fps|kcal|dB|USD|EUR|GBP|JPY|CNY|[xXkKMB])(?![A-Za-z])"
    r"|°\s?[CF]|(?<![A-Za-z])[A-Za-z]{1,5}-?[0-9][A-Za-z0-9-]*"
)
"""Units and names of things, which are written in Latin letters everywhere and tell nothing of the language."""


def language_of(text: str, lang: str) -> str:
    """`lang`, unless more than half of the letters belong to a script that it is not written in."""
    own = _OWN.get(lang, lang)
    if own not in _SCRIPTS:
        if text.isascii() or _FOREIGN.search(text) is None:
            return lang
    elif _FINDERS[own].search(text) and not (lang == "zh" and _FINDERS["ja"].search(text)):
        return lang
    counts = {script: len(finder.findall(text)) for script, finder in _FINDERS.items()}
    if counts["ja"]:  # kana among Han characters is Japanese
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    latin = len(_LATIN.findall(_MEASURES.sub("0", text) if own in _SCRIPTS else text))
    best = max(counts, key=counts.__getitem__)
    if counts[best] == 0:
        return "en" if latin and own in _SCRIPTS else lang
    if counts[best] <= latin or (lang == "ja" and best == "zh"):
        return lang
    if best == "ar" and _PERSIAN.search(text):
        return "fa"
    return best
