"""TTSTextProcessor: a chunk of plain text in, words for a speech synthesiser out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.text.models import Block, Boundary, Mapping, SpeechChunk, TextChunk
from pipeline.text.normalise import is_plain, normalise
from pipeline.text.normalise.blocks import announce_code, announce_formula, list_prefix
from pipeline.text.normalise.edits import apply_edits, identity
from pipeline.text.normalise.formulas import find_formulas
from pipeline.text.normalise.links import find_links
from pipeline.text.normalise.marks import find_marks, find_wrapping, has_bracket
from pipeline.text.normalise.script import language_of
from pipeline.text.speech_languages import base_language, speech_language
from pipeline.text.speech_rules import SpeechRules

__all__ = ["SpeechRules", "TTSTextProcessor"]

_SPEAKABLE = re.compile(r"[^\W_]")
_AS_PROSE = frozenset({Block.PARAGRAPH, Block.HEADING})


@dataclass(slots=True)
class _Pending:
    """What silent chunks leave to the next one that speaks."""

    start: int | None = None
    emotion: str | None = None


class TTSTextProcessor:
    """One turn's object. `process` is pure but for what a silent chunk leaves to its successor: the start of
    its span and its emotion. A chunk whose boundary is END, or `reset()`, ends a turn."""

    def __init__(self, *, lang: str = "en", rules: SpeechRules | None = None) -> None:
        self._lang = base_language(lang) or "en"
        self._rules = rules or SpeechRules()
        self._pending = _Pending()
        self._list_item = ""  # the number of the list item that goes on in the next chunk

    def reset(self) -> None:
        """Forget what the last turn left behind."""
        self._pending = _Pending()
        self._list_item = ""

    def process(self, chunk: TextChunk | str) -> SpeechChunk | None:
        """What is said for this chunk; None: nothing to say. A `str` is a whole turn, its span [0, len)."""
        if isinstance(chunk, str):
            self.reset()
            chunk = TextChunk(chunk, 0, len(chunk), Boundary.END)
        spoken = self._speak(chunk)
        if chunk.boundary is Boundary.END:
            self.reset()
        return spoken

    def _speak(self, chunk: TextChunk) -> SpeechChunk | None:
        text = chunk.text
        prefix = ""
        if chunk.block not in _AS_PROSE or self._list_item:
            decided = self._by_block(chunk)
            if decided is None:
                self._keep(chunk, None)
                return None
            text, prefix = decided
            if text is not chunk.text:
                return self._said(chunk, text, ((0, chunk.start),), self._lang, None)
        if is_plain(text, self._lang) and not has_bracket(text) and _SPEAKABLE.search(text):
            if not prefix and self._pending.start is None:
                return SpeechChunk(
                    text, chunk.start, chunk.end, chunk.boundary, chunk.block, self._lang, None, chunk.mapping
                )
            if not text[0].isspace() and not text[-1].isspace():
                mapping = chunk.mapping or identity(chunk.start)
                return self._said(chunk, prefix + text, _shifted(mapping, len(prefix)), self._lang, None)
        return self._rewrite(chunk, prefix)

    def _by_block(self, chunk: TextChunk) -> tuple[str, str] | None:
        """The text to say and what comes before it, by the kind of block; None: say nothing."""
        rules = self._rules
        item, self._list_item = self._list_item, ""
        match chunk.block:
            case Block.CODE:
                return (chunk.text, "") if rules.code == "read" else None
            case Block.CODE_END:
                if rules.code != "announce":
                    return None
                words = announce_code(chunk.info, speech_language(self._lang))
                return (words, "") if words else None
            case Block.MATH:
                words = announce_formula(speech_language(self._lang)) if rules.math == "announce" else None
                return (words, "") if words else None
            case Block.TABLE_ROW:
                return (chunk.text, "") if rules.tables == "rows" else None
            case Block.LIST_ITEM:
                if chunk.boundary not in (Boundary.PARAGRAPH, Boundary.END):
                    self._list_item = chunk.info
                if not rules.list_numbers or not chunk.info or item == chunk.info:
                    return chunk.text, ""
                return chunk.text, list_prefix(chunk.info, speech_language(self._lang))
            case _:
                return chunk.text, ""

    def _rewrite(self, chunk: TextChunk, prefix: str) -> SpeechChunk | None:
        rules = self._rules
        text = chunk.text.rstrip()
        mapping = chunk.mapping or identity(chunk.start)
        if "$" in text or "\\(" in text:
            formulas = find_formulas(text, rules.math, speech_language(self._lang))
            text, mapping = apply_edits(text, mapping, formulas)
        if "==" in text or "~" in text or "^" in text:
            text, mapping = apply_edits(text, mapping, find_wrapping(text))
        marks, emotion = find_marks(text, rules.emotions, name_emoji=rules.emoji == "name")
        if text[:1].isspace():
            lead = len(text) - len(text.lstrip())
            if not (marks and marks[0][0] < lead):
                marks.insert(0, (0, lead, ""))
        if marks:
            text, mapping = apply_edits(text, mapping, marks)
        lang = language_of(text, self._lang)
        links = find_links(text, rules.urls, speech_language(lang))
        if links:
            text, mapping = apply_edits(text, mapping, links)
        if rules.normalise == "full":
            edits = normalise(text, lang)
            if edits:
                text, mapping = apply_edits(text, mapping, edits)
        text = text.rstrip()
        while mapping[-1][0] > len(text):
            mapping = mapping[:-1]
        if _SPEAKABLE.search(text) is None:
            self._keep(chunk, emotion)
            return None
        return self._said(chunk, prefix + text, _shifted(mapping, len(prefix)), lang, emotion)

    def _keep(self, chunk: TextChunk, emotion: str | None) -> None:
        if self._pending.start is None:
            self._pending.start = chunk.start
        self._pending.emotion = emotion or self._pending.emotion

    def _said(self, chunk: TextChunk, text: str, mapping: Mapping, lang: str, emotion: str | None) -> SpeechChunk:
        pending, self._pending = self._pending, _Pending()
        start = chunk.start if pending.start is None else pending.start
        if mapping[0][1] > start:
            mapping = ((0, start), *mapping)  # what was left out before the first word
        return SpeechChunk(
            text, start, chunk.end, chunk.boundary, chunk.block, lang, emotion or pending.emotion, mapping
        )


def _shifted(mapping: Mapping, by: int) -> Mapping:
    """The map of a text that got a prefix of `by` characters, which stands at the text's first raw offset."""
    if not by:
        return mapping
    return ((0, mapping[0][1]), *((at + by, raw) for at, raw in mapping))
