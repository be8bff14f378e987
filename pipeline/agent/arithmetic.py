"""Arithmetic as people say it ("12.5 times 3", "15 percent of 80", "two plus two"): a parser, no eval."""

from __future__ import annotations

import math
import re
from fractions import Fraction

__all__ = ["NUMBER_WORDS", "calculate", "format_number"]

MAX_CHARS = 200
MAX_EXPONENT = 200
MAX_DIGITS = 300

_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: off
_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    **dict(zip(_TENS, range(20, 100, 10), strict=True)),
}
# fmt: on
_LARGE = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
NUMBER_WORDS = (*_SMALL, *_LARGE)

_PHRASES = [
    (rf"\b({'|'.join(_TENS)})-(?=[a-z])", r"\1 "),  # "twenty-five"; any other hyphen is a minus
    (r"\bto the power of\b|\braised to\b|\*\*", "^"),
    (r"\b(?:multiplied by|times)\b|[x×·](?=\s*[\d(.])", "*"),
    (r"\b(?:divided by|over)\b|[÷:]", "/"),
    (r"\bplus\b|\badded to\b", "+"),
    (r"\bminus\b|\bless\b|−", "-"),
    (r"\bmodulo\b|\bmod\b", " mod "),
    (r"\b(?:the )?square root of\b|√", " sqrt "),
    (r"\bsquared\b", "^2"),
    (r"\bcubed\b", "^3"),
    (r"\bhalf of\b", "1/2*"),
    (r"\ba third of\b", "1/3*"),
    (r"\ba quarter of\b", "1/4*"),
    (r"\b(?:per ?cent|percent)\b", "%"),
    (r"%\s*of\b", "/100*"),
    (r"\band\b", " "),  # "one hundred and five"
    (r"(?<=\d),(?=\d{3}\b)", ""),  # "1,000"
]
_PHRASES_COMPILED = [(re.compile(pattern), replacement) for pattern, replacement in _PHRASES]
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([a-z]+)|(.))")


def calculate(expression: str) -> Fraction:
    """The exact value (roots and broken powers: to double precision).

    Raises ValueError, with a sentence for a person, for what is no arithmetic, has no value or is too large.
    """
    if len(expression) > MAX_CHARS:
        raise ValueError("that is too long to calculate")
    text = expression.casefold()
    for pattern, replacement in _PHRASES_COMPILED:
        text = pattern.sub(replacement, text)
    try:
        value = _Parser(_tokens(text)).parse()
    except OverflowError:
        raise ValueError("the result is too large") from None
    except RecursionError:
        raise ValueError("there are too many brackets") from None
    if value.numerator.bit_length() > MAX_DIGITS * 4 or value.denominator.bit_length() > MAX_DIGITS * 4:
        raise ValueError("the result is too large")
    return value


def format_number(value: Fraction, decimals: int = 4) -> str:
    """As people write it: "1,234.5"; rounded where it does not end (`value` then differs from the text)."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    scaled = round(abs(value) * 10**decimals)
    if not scaled:
        return f"{float(value):.3g}"
    whole, part = divmod(scaled, 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0")
    return f"{'-' if value < 0 else ''}{whole:,}{'.' if digits else ''}{digits}"


def _tokens(text: str) -> list[Fraction | str]:
    tokens: list[Fraction | str] = []
    words: list[str] = []
    for number, word, sign in _TOKEN.findall(text):
        if word in _SMALL or word in _LARGE:
            words.append(word)
            continue
        if words:
            tokens.append(_words_value(words))
            words = []
        if number:
            tokens.append(Fraction(number))
        elif word or sign.strip():
            tokens.append(word or sign)
    if words:
        tokens.append(_words_value(words))
    return _join_magnitudes(tokens)


def _join_magnitudes(tokens: list[Fraction | str]) -> list[Fraction | str]:
    """ "3 million" came as 3 and a million: a number before a bare magnitude multiplies it."""
    joined: list[Fraction | str] = []
    for token in tokens:
        if isinstance(token, Fraction) and joined and isinstance(joined[-1], Fraction) and token in _LARGE.values():
            joined[-1] *= token
        else:
            joined.append(token)
    return joined


def _words_value(words: list[str]) -> Fraction:
    total = current = 0
    for word in words:
        if word in _SMALL:
            current += _SMALL[word]
        elif word == "hundred":
            current = (current or 1) * 100
        else:
            total += (current or 1) * _LARGE[word]
            current = 0
    return Fraction(total + current)


class _Parser:
    """Recursive descent: sum, product, sign, power, percent, atom."""

    def __init__(self, tokens: list[Fraction | str]) -> None:
        self._tokens = tokens
        self._at = 0

    def parse(self) -> Fraction:
        value = self._sum()
        if self._at < len(self._tokens):
            raise ValueError(f"{self._tokens[self._at]!s} is no arithmetic")
        return value

    def _next_is(self, *signs: str) -> str | None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if isinstance(token, str) and token in signs:
            self._at += 1
            return token
        return None

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._next_is("+", "-"):
            right = self._product()
            value = value + right if sign == "+" else value - right
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while sign := self._next_is("*", "/", "mod"):
            right = self._signed()
            if sign != "*" and right == 0:
                raise ValueError("nothing can be divided by zero")
            value = value * right if sign == "*" else value / right if sign == "/" else value % right
        return value

    def _signed(self) -> Fraction:
        if self._next_is("-"):
            return -self._signed()
        if self._next_is("+"):
            return self._signed()
        return self._power()

    def _power(self) -> Fraction:
        base = self._postfix()
        if not self._next_is("^"):
            return base
        exponent = self._signed()
        if abs(exponent) > MAX_EXPONENT or base.numerator.bit_length() * abs(exponent) > MAX_DIGITS * 4:
            raise ValueError("the result is too large")
        if base == 0 and exponent < 0:
            raise ValueError("nothing can be divided by zero")
        if exponent.denominator == 1:
            return base**exponent.numerator
        if base < 0:
            raise ValueError("that root is not a real number")
        return Fraction(float(base) ** float(exponent))

    def _postfix(self) -> Fraction:
        value = self._atom()
        while self._next_is("%"):
            value /= 100
        return value

    def _atom(self) -> Fraction:
        if self._next_is("("):
            value = self._sum()
            if not self._next_is(")"):
                raise ValueError("a bracket is not closed")
            return value
        if self._next_is("sqrt"):
            return _square_root(self._postfix())
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if isinstance(token, Fraction):
            self._at += 1
            return token
        raise ValueError("something is missing" if token is None else f"{token} is no arithmetic")


def _square_root(value: Fraction) -> Fraction:
    if value < 0:
        raise ValueError("that root is not a real number")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    exact = Fraction(top, bottom)
    return exact if exact * exact == value else Fraction(math.sqrt(value))
