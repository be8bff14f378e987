"""English fractions as words."""

from __future__ import annotations

from pipeline.text.normalise.english.numbers import cardinal, ordinal

__all__ = ["VULGAR", "and_fraction", "fraction"]

VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅒": "1/10", "⅑": "1/9",
    "⅐": "1/7",
}  # fmt: skip


def fraction(top: int, bottom: int) -> str:
    """(3, 4) -> "three quarters", (1, 2) -> "one half"."""
    if bottom == 2:
        part = "half" if top == 1 else "halves"
    elif bottom == 4:
        part = "quarter" if top == 1 else "quarters"
    else:
        part = ordinal(bottom) + ("" if top == 1 else "s")
    return f"{cardinal(top)} {part}"


def and_fraction(whole: int, top: int, bottom: int) -> str | None:
    """(3, 1, 2) -> "three and a half"; None when it is no proper fraction."""
    if not 0 < top < bottom:
        return None
    part = fraction(top, bottom)
    if top == 1:
        part = ("an" if bottom in (8, 11, 18) else "a") + part[3:]
    return f"{cardinal(whole)} and {part}"
