"""Written forms of every language that has a table in `speech_languages`, with ICU's spell-outs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from pipeline.text.normalise import rules
from pipeline.text.normalise.edits import Edit
from pipeline.text.normalise.script import letters_of
from pipeline.text.normalise.world import codes, dates, fractions, numbers, quantities, roman, russian, words
from pipeline.text.speech_languages import SpeechLanguage, speech_language

__all__ = ["find_edits", "is_plain", "number_rules"]

MakeRules = Callable[[SpeechLanguage], Sequence[numbers.Row]]

_QUIET = r"\s,!?;:\"'’‘“”„«»…—¿¡)\]、。！？，；：「」『』（）《》،؟؛।"


@dataclass(frozen=True, slots=True)
class _Forms:
    """A language's gate and its rules by the kind of place."""

    gate: re.Pattern[str]
    word: rules.RuleSet
    digit: rules.RuleSet
    sign: rules.RuleSet
    operator: rules.RuleSet
    code: re.Pattern[str]
    left: re.Pattern[str]

    def inside_code(self, text: str, here: int) -> bool:
        """Whether the digit belongs to a name: "MP3", "i7-13700K", "COVID-19" stay as they are written."""
        return here > 0 and self.code.search(text, max(0, here - 2), here) is not None

    def is_glued(self, text: str, here: int) -> bool:
        """Whether a hyphen hangs on what is before it, so that it is no minus: "138-1234", "8h-12h"."""
        return here > 0 and self.left.search(text, here - 1, here) is not None

    def edit_at(self, text: str, here: int, floor: int) -> Edit | None:
        """The edit of the form that the gate has found: it may begin there, at its word, or at the word before."""
        mark = text[here]
        if mark.isdecimal() and text[here - 1 : here] in ("", " "):
            return self._at_number(text, here, floor)
        start = rules.word_start(text, here, floor)
        edit: Edit | None = None
        if mark.isalpha() or mark in ".°" or start < here:
            edit = self.word.edit(text, start)
        if start < here and not mark.isdigit():
            edit = edit or self.sign.edit(text, start)  # "R$ 5"
        if edit is not None:
            return edit
        if mark.isdecimal():
            return None if self.inside_code(text, here) else self._at_number(text, here, floor)
        if mark not in _MINUS or not self.is_glued(text, here):
            edit = self.sign.edit(text, here) or self.digit.edit(text, here)
        if edit is None and here > floor and text[here - 1] == " ":
            edit = self.operator.edit(text, here - 1)
        return edit or self.operator.edit(text, here)

    def _at_number(self, text: str, here: int, floor: int) -> Edit | None:
        edit: Edit | None = None
        if here - 4 >= floor and text[here - 4 : here - 1].isupper() and text[here - 1] == " ":
            edit = self.sign.edit(text, here - 4)  # "CHF 5"
        return edit or self.digit.edit(text, here)


_MINUS = frozenset("-−")


def is_plain(text: str, lang: str) -> bool:
    """Whether no rule can want anything of this text."""
    return _forms(lang).gate.search(text) is None


def find_edits(text: str, lang: str) -> list[Edit]:
    """The edits that turn the written forms of a text in `lang` into words."""
    forms = _forms(lang)
    return rules.find_edits(text, forms.gate, forms.edit_at)


def number_rules(lang: str) -> rules.RuleSet:
    """The rules for places where a number begins."""
    return _forms(lang).digit


@cache
def _forms(lang: str) -> _Forms:
    language = speech_language(lang)
    written = {key.rstrip("#^") for key in language.abbreviations}
    firsts = {key.partition(".")[0] + "." for key in written if "." in key}
    firsts |= {first[0].upper() + first[1:] for first in firsts}
    without = [key for key in written if "." not in key]
    bare = rf"|\b(?:{rules.one_of(without)})(?!\w)" if without else ""
    joined = _joined_letters(lang)
    letters = letters_of(lang).replace("A-Z", "ABD-HJKM-UWYZ")  # the others may be Roman numerals
    gate = re.compile(
        rf"""[^{letters}{_QUIET}](?:
        (?<=\.)(?:(?=[A-Za-z0-9])|{rules.endings(firsts)}{"|(?<=[a-zäöü]str[.])" if lang == "de" else ""})
        |(?<=[IVXLC])(?<!\w[IVXLC])(?=[IVXLC]{{0,7}}(?:e|er|ème|º|ª|-?[ей])?\b)
        |(?<=\()(?=[0-9])|(?<=-)(?=\d)|(?<=[^.()\[\-IVXLC])){bare}""",
        re.VERBOSE,
    )
    return _Forms(
        gate=gate,
        word=_bound(language, words.at_word, roman.at_word, russian.at_word),
        digit=_bound(
            language,
            dates.at_number,
            numbers.at_ordinal,
            russian.at_number,
            quantities.at_number,
            fractions.at_number,
            codes.at_number,
            numbers.at_number,
        ),
        sign=_bound(language, quantities.at_sign),
        operator=_bound(language, words.at_operator),
        code=re.compile(rf"[{joined}_]$|[{joined}\d]-$"),
        left=re.compile(rf"[{joined}\d_)\]−-]$"),
    )


def _joined_letters(lang: str) -> str:
    """Letters that are one word with the digits after them; scripts without capitals glue their particles on."""
    return "A-Za-z" if lang in _GLUING else "A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿ"


_GLUING = frozenset({"zh", "ja", "ko", "ar", "fa", "hi"})


def _bound(language: SpeechLanguage, *makers: MakeRules) -> rules.RuleSet:
    return rules.RuleSet(
        rules.Rule(re.compile(pattern, re.VERBOSE), partial(say, language))
        for make in makers
        for pattern, say in make(language)
    )
