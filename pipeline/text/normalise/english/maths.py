"""English operators and symbols: "3 × 4 = 12", "x > 5", "2^8", "10²", "A&B", "A → B", "√16"."""

from __future__ import annotations

from pipeline.text.normalise.english.numbers import number, power
from pipeline.text.normalise.rules import Match, after, before, compiled, rule

__all__ = ["AT_NUMBER", "AT_OPERATOR", "AT_WORD", "SUPERSCRIPTS"]

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₂₃₄₅₆₇₈₉", "0123456789-+0123456789")
_OPERAND_LEFT = compiled(r"(?:[0-9½¼¾²³%)\]π∞]|(?<![A-Za-z])[A-Za-z]|[⁰¹⁴-⁹₀-₉])\s?$")
_OPERAND_RIGHT = compiled(r"\s?(?:[-−+]?\.?\d|[√π∞(]|[A-Za-z](?![A-Za-z]))")
_SHORT_NAME = compiled(r"(?<![^\W_])[A-Za-z]{2,3}$")
_WORD_RIGHT = compiled(r"\s?[-−+]?(?:[^\W_]|[(√π∞$€£¥])")
_WORD_LEFT = compiled(r"[\w)%²³\]|€$£¥₹¢°]\s?$")

_BINARY = {
    "+": "plus",
    "−": "minus",
    "×": "times",
    "·": "times",
    "⋅": "times",
    "∗": "times",
    "*": "times",
    "÷": "divided by",
    "/": "divided by",
    "±": "plus or minus",
    "^": "to the power of",
    "**": "to the power of",
}
_RELATIONS = {
    "=": "equals",
    "==": "equals",
    "===": "equals",
    "!=": "is not equal to",
    "≠": "is not equal to",
    "≈": "is approximately",
    "≃": "is approximately",
    "≡": "is equivalent to",
    "<": "is less than",
    ">": "is greater than",
    "<=": "is less than or equal to",
    ">=": "is greater than or equal to",
    "≤": "is less than or equal to",
    "≥": "is greater than or equal to",
    "≪": "is much less than",
    "≫": "is much greater than",
}
_ASSIGNED = {"+=": "plus equals", "-=": "minus equals", "*=": "times equals", "/=": "divided by equals"}
_BEFORE_NUMBER = {
    "<": "less than",
    ">": "more than",
    "<=": "at most",
    "≤": "at most",
    ">=": "at least",
    "≥": "at least",
    "=": "equals",
    "×": "times",
}


def _spaced(match: Match, words: str) -> str:
    return f"{' ' if match.start() else ''}{words} "


@rule(r"\s?(?P<op>\*\*|[+−×·⋅∗*÷±^])\s?")
def _operation(match: Match) -> str | None:
    """ "3 × 4", "2+2", "x * y": only between two operands."""
    op = match["op"]
    if not _OPERAND_LEFT.search(before(match, 3)) or not _OPERAND_RIGHT.match(after(match, 4)):
        return None
    if op in ("^", "**"):
        return None
    return _spaced(match, _BINARY[op])


@rule(r"\s/\s(?=\d)")
def _division(match: Match) -> str | None:
    return " divided by " if before(match, 1).isdigit() else None


@rule(r"\s?[-–]\s?(?=\d{1,15}(?:\.\d{1,9})?\s?=\s?[-−]?\d)|\ -\ (?=\d|[A-Za-z](?![^\W_]))")
def _minus(match: Match) -> str | None:
    """ "10 - 4 = 6", "x - 1"; a hyphen elsewhere is none."""
    return " minus " if _OPERAND_LEFT.search(before(match, 3)) else None


@rule(
    r"""\s?(?:\^|\*\*)\s?(?:\{(?P<braced>[-−]?\w{1,4})\}|(?P<n>[-−+]?\d{1,4}(?:\.\d{1,4})?)|
    (?P<x>[a-zA-Z])(?!\w))"""
)
def _power(match: Match) -> str | None:
    """ "2^8" -> "two to the power of eight"."""
    if not (_OPERAND_LEFT.search(before(match, 3)) or _SHORT_NAME.search(before(match, 5))):
        return None
    exponent = match["n"] or match["braced"] or match["x"]
    if exponent.lstrip("-−+").replace(".", "").isdigit():
        return f" {power(exponent)}"
    return f" to the power of {exponent}"


@rule(r"(?P<n>[⁻⁺]?[⁰¹²³⁴-⁹]{1,4})")
def _superscript(match: Match) -> str | None:
    """ "10²" -> "ten squared"; after a word it is a footnote and goes."""
    if not (_OPERAND_LEFT.search(before(match, 3)) or _SHORT_NAME.search(before(match, 5))):
        return None
    return f" {power(match['n'].translate(SUPERSCRIPTS))}"


@rule(r"\s(?P<op>[-+*/]=)\s(?=\w)")
def _assignment(match: Match) -> str:
    """ "x += 1"."""
    return f" {_ASSIGNED[match['op']]} "


@rule(r"\s?(?P<op>={1,3}|!=|[<>]=?|[≠≈≃≡≤≥≪≫])\s?")
def _relation(match: Match) -> str | None:
    """ "x > 5", "a = b"; "Settings > Privacy" is a path through menus."""
    op, right = match["op"], after(match, 24)
    glued = not match[0].endswith(" ")
    if op in "<>" and glued and right[:1].isalpha():
        return None  # a tag, or a type parameter
    if not _WORD_RIGHT.match(right) or (op == "≈" and right[:1].isdigit() and glued):
        return None
    left = before(match, 24)
    left_is_operand = _WORD_LEFT.search(left) is not None
    leads = not left_is_operand or (match[0].startswith(" ") and glued)
    if leads and op in _BEFORE_NUMBER and right[:1].isdigit():
        return f"{' ' if match[0].startswith(' ') else ''}{_BEFORE_NUMBER[op]} "
    if not left_is_operand:
        return None
    if op in "<>" and not (_OPERAND_LEFT.search(left) or _OPERAND_RIGHT.match(right)):
        return ", then " if op == ">" else None
    return _spaced(match, _RELATIONS[op])


@rule(r"\s?(?P<op>->|=>|-->|==>|→|⇒|⟶|➔|➜|↔|⇔|←|<-)\s?")
def _arrow(match: Match) -> str | None:
    """ "A → B" -> "A to B"."""
    if match.start() == 0:
        return ""
    if not _WORD_RIGHT.match(after(match, 3)):
        return None
    return " from " if match["op"] in ("←", "<-") else " to "


@rule(r"\s?&{1,2}\s?(?=[\w\#$€£@(\"'“])")
def _and(match: Match) -> str:
    """ "A&B" -> "A and B"."""
    return _spaced(match, "and")


@rule(r"√\s?(?=[\w(])")
def _root(match: Match) -> str:
    return "the square root of "


@rule(r"[π∞∑Σ](?!\w)|π")
def _named(match: Match) -> str | None:
    name = {"π": "pi", "∞": "infinity"}.get(match[0])
    if name is None:
        return None
    left = " " if before(match, 1).isalnum() else ""
    return f"{left}{name}{' ' if after(match, 1).isalnum() else ''}"


@rule(r"(?P<mark>[©№§])\s?(?=\d|[A-Z])")
def _mark(match: Match) -> str | None:
    return {"©": "copyright ", "№": "number ", "§": "section "}[match["mark"]]


@rule(r"[™®©†‡]|\s?[•▪‣◦⁃]\s?")
def _no_words(match: Match) -> str:
    mark = match[0].strip()
    if mark in "™®©†‡":
        return ""
    return "" if match.start() == 0 else ", "


@rule(r"(?P<m>\d{1,4}(?:\.\d{1,12})?)[eE](?P<e>[-+−]?\d{1,3})(?![\w])")
def _scientific(match: Match) -> str:
    """ "3e8" -> "three times ten to the power of eight"."""
    return f"{number(match['m'])} times ten {power(match['e'])}"


AT_NUMBER = (_scientific,)
AT_OPERATOR = (
    _assignment, _arrow, _power, _minus, _operation, _division, _relation, _and, _superscript, _root,
    _named, _mark, _no_words,
)  # fmt: skip
AT_WORD = ()
