"""Inline formulas, `$x^2 + 1$` or `\\(x\\)`: a simple one is read, any other is announced."""

from __future__ import annotations

import re

from pipeline.text.normalise.edits import Edit
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["find_formulas"]

# A dollar opens a formula when no space follows, and closes it when no space comes before and no digit
# after: "$5 and $10" are sums.
_INLINE = re.compile(
    r"\$(?![\s$])(?P<tex>[^$\n]{1,200}?)(?<![\s\\])\$(?![\d$])"
    r"|\\\((?P<tex2>[^\n]{1,200}?)\\\)"
)
_SURELY_TEX = re.compile(r"[\\^_=+*<>]|^[A-Za-z](?:\([a-z]\))?$|^-?[\d.]+$")
_COMMANDS = {
    "times": " × ", "cdot": " × ", "div": " ÷ ", "pm": " ± ", "le": " ≤ ", "leq": " ≤ ", "ge": " ≥ ",
    "geq": " ≥ ", "ne": " ≠ ", "neq": " ≠ ", "approx": " ≈ ", "to": " → ", "rightarrow": " → ", "pi": "π",
    "infty": "∞", "left": "", "right": "", "quad": " ", "circ": "°", "degree": "°", "ldots": "…",
    **{name: f" {name} " for name in ("alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu")},
    **{name: f" {name} " for name in ("sigma", "phi", "omega", "rho", "tau", "sin", "cos", "tan", "log")},
    "Delta": " delta ", "Sigma": " sigma ", "Omega": " omega ",
}  # fmt: skip
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|mathit|operatorname)\{([^{}]{0,80})\}")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]{1,60})\}\{([^{}]{1,60})\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]{1,60})\}")
_SCRIPT = re.compile(r"([\^_])\{([^{}]{1,20})\}")
_COMMAND = re.compile(r"\\([A-Za-z]{1,20})\s?")
_ESCAPED = re.compile(r"\\([,;:! %$#&])")


def find_formulas(text: str, rule: str, language: SpeechLanguage) -> list[Edit]:
    """The edits that turn inline formulas into plain text, which the written forms then say."""
    edits: list[Edit] = []
    for match in _INLINE.finditer(text):
        tex = match["tex"] or match["tex2"] or ""
        if match["tex"] and not _SURELY_TEX.search(tex.strip()):
            continue
        words = "" if rule == "skip" else _plain(tex, language)
        start, end = match.span()
        if not words and start and text[start - 1] == " ":
            start -= 1
        edits.append((start, end, words))
    return edits


def _plain(tex: str, language: SpeechLanguage) -> str:
    """The formula as one would type it, or the announcement when it is more than a line of plain maths."""
    text = _WRAPPED.sub(r"\1", tex)
    if language.code == "en":
        text = _FRACTION.sub(r" \1 over \2 ", text)
    text = _ROOT.sub(r"√\1", text)
    text = _SCRIPT.sub(lambda found: found[1] + found[2] if found[1] == "^" else f" {found[2]}", text)
    text = _ESCAPED.sub(lambda found: found[1] if found[1] in "%$#&" else " ", text)
    text = _COMMAND.sub(lambda found: _COMMANDS.get(found[1], found[0]), text)
    text = text.replace("^°", "°")
    if "\\" in text or "{" in text or (language.code != "en" and "^" in text):
        return language.formula
    return " ".join(text.replace("_", " ").split())
