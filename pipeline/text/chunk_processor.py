"""Tokens in, speakable chunks out: markdown filter, boundary scanner and policy in one object per turn.

Sans-I/O: no task, no clock. Every method returns the list of the chunks that are certain now; the chunks of a
reply are the same for every way of cutting it into tokens (only `release()`, the caller's clock, is not).
"""

from __future__ import annotations

import re

from pipeline.text.full_stop import LOOK
from pipeline.text.limits import ChunkLimits
from pipeline.text.markdown import Break, MarkdownFilter, Piece, Text
from pipeline.text.models import Block, Boundary, TextChunk
from pipeline.text.plain_text import PlainText
from pipeline.text.scanner import BREATH, MARKS, NO, WAIT, YES, Scanner, Verdict

__all__ = ["ChunkLimits", "TextChunkProcessor"]

_MARKUP = r"*_`\[<&$\\~\n\r:!=\^"
_MARKUP_MARKS = re.compile(f"[{_MARKUP}]")
_MARKS = re.compile(f"[{MARKS}]")
_CLAUSE_MARKS = re.compile(f"[{MARKS}{BREATH}]")
_ARMENIAN_MARKS = re.compile(f"[{MARKS}:]")
_SPECIAL = re.compile(f"[{MARKS}{_MARKUP}]")
_CLAUSE_SPECIAL = re.compile(f"[{MARKS}{BREATH}{_MARKUP}]")
_WORD = re.compile(r"\S++(?=\s)")
_UNSPACED = "،؛、，；："
_FINISHED = re.compile(
    r"(?:[^\W\d_][\"'”’»)\]]*[.!?…]{1,8}|[!?]|[。！？؟۔।॥]|[\u0370-\u03ff];|[^\W\d_]:)"
    r"[\"'”’»)\]」』]*(?:[ ]?[\U0001F300-\U0001FAFF])*\Z"
)
_HISTORY = 256  # plain characters kept before the chunk: a decision may look back so far
_DEFAULT = ChunkLimits()


class TextChunkProcessor(PlainText):
    """Cuts a reply into chunks. `feed` tokens, `release` when they pause, `flush` at the end.

    After `flush` it is as new: offsets count from 0 again and the next chunk is a first chunk.
    """

    def __init__(self, *, lang: str = "en", limits: ChunkLimits = _DEFAULT) -> None:
        self.lang = lang
        self.limits = limits
        self._scanner = Scanner(lang)
        self._marks = _ARMENIAN_MARKS if self._scanner.language.code == "hy" else _MARKS
        self._special = _CLAUSE_SPECIAL if limits.clause_chars else _SPECIAL
        self._markdown = MarkdownFilter(limits.max_chars, self._scanner.language.follow)
        self._reset()

    def _reset(self) -> None:
        super()._reset()
        self._markdown.reset()
        self._known = 0  # position in _text up to which the filter knows it
        self._block, self._info = Block.PARAGRAPH, ""
        self._block_raw = -1  # raw offset of the block's mark, until its first chunk takes it
        self._out: list[TextChunk] = []
        self._first = True
        self._begin(0)
        self._inline = False  # the filter holds nothing, plain text needs no filter
        self._quick = False  # every mark so far is decided

    def _begin(self, at: int) -> None:
        """A new block begins at `at`."""
        self._block_begin = at
        self._chunk = at  # where the chunk begins
        self._sentence = at  # where the sentence begins
        self._breathed, self._words = at, 0  # how far, and how many words were offered as a place to breathe
        self._ready = at  # the chunk is known to be whole sentences up to here
        self._scan = at  # where to look on
        self._limit = at + self.limits.max_chars
        self._scanner.begin(at, self._info)

    # -- interface ----------------------------------------------------------------------------------------

    def feed(self, text: str) -> list[TextChunk]:
        if self._inline:
            # Most tokens end here: nothing in them can be a boundary or markup.
            if self._quick and self._special.search(text) is None and len(self._text) + len(text) < self._limit:
                self._text += text
                return []
            if _MARKUP_MARKS.search(text) is None:
                self._text += text
                self._look(final=False)
                return self._done()
        if not text:
            return []
        self._sync()
        pieces = self._markdown.feed(text)
        if not pieces and not self._markdown.inline:
            self._inline = False
            return []  # all of it is held
        self._take(pieces)
        self._inline = self._markdown.inline and self._raw_after() == self._markdown.base
        self._look(final=False)
        return self._done()

    def release(self) -> list[TextChunk]:
        """The stream is idle: what is a finished sentence as far as one can see, is given out."""
        self._sync()
        self._take(self._markdown.loosen())
        self._inline = self._markdown.inline and self._raw_after() == self._markdown.base
        self._look(final=False)
        end = len(self._text)
        while end > self._chunk and self._text[end - 1].isspace():
            end -= 1
        if end > self._chunk and self._finished(end):
            self._emit(len(self._text), Boundary.SENTENCE)
            self._new_sentence(len(self._text))
            self._scan = max(self._scan, self._chunk)
        elif self._ready > self._chunk:
            self._emit(self._ready, Boundary.SENTENCE)
        return self._done()

    def flush(self) -> list[TextChunk]:
        self._sync()
        self._take(self._markdown.feed("", final=True))
        self._end_block(Boundary.END, self._markdown.closed)
        out = self._out
        self._reset()
        return out

    # -- intake -------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        if self._known < len(self._text):
            self._markdown.skip(self._text[self._known :])
            self._known = len(self._text)

    def _take(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Text):
                self._add(piece)
            elif isinstance(piece, Break):
                self._end_block(Boundary.PARAGRAPH, piece.closed)
                if piece.block is Block.PARAGRAPH:
                    self._block_raw = -1
                elif not (self._block_raw >= 0 and self._block is piece.block is Block.LIST_ITEM):
                    self._block_raw = piece.start  # else "- 1. …": the outer mark counts
                self._block, self._info = piece.block, piece.info
                self._begin(len(self._text))
            else:
                self._line(piece)
        self._known = len(self._text)

    def _add(self, piece: Text) -> None:
        self._append(piece)
        if len(self._text) - self._chunk > 4_000:  # a long token: decide on the way, copy little
            self._known = len(self._text)
            self._look(final=False)
            self._trim()

    def _done(self) -> list[TextChunk]:
        out, self._out = self._out, []
        self._trim()
        self._quick = not self._first and self._scan == len(self._text)
        return out

    def _trim(self) -> None:
        count = self._chunk - _HISTORY
        if count < 1_000:
            return
        self._sync()
        self._forget(count, self._chunk)
        self._chunk -= count
        self._sentence -= count
        self._ready -= count
        self._scan -= count
        self._limit -= count
        self._known -= count
        self._breathed -= count
        self._scanner.nesting.shift(count)

    # -- decisions ----------------------------------------------------------------------------------------

    def _look(self, final: bool) -> None:
        """Take every decision that can be taken, in the order of the text."""
        while True:
            marks = _CLAUSE_MARKS if self._clauses() else self._marks
            found = marks.search(self._text, self._scan, self._limit + 1)
            at = found.start() if found else min(len(self._text), self._limit + 1)
            if self._first and self.limits.clause_first and self._breath(at):
                continue
            if at > self._limit:
                self._force()
                continue
            if found is None:
                self._scan = at
                return
            verdict = self._verdict(at, final)
            self._scan = verdict.at
            if verdict.answer == WAIT:
                return
            if verdict.answer == YES and not self._sentence_end(verdict.at, at, final):
                return

    def _clauses(self) -> bool:
        return (self._first and self.limits.clause_first) or self.limits.clause_chars > 0

    def _verdict(self, at: int, final: bool) -> Verdict:
        guard = self._guard(at)
        if guard:
            begin, end = guard
            if at < end - 1 or " " not in self._text[begin:end]:
                return Verdict(NO, end)  # (a label may be a sentence, and end one)
        mark = self._text[at]
        if mark in BREATH and self._clauses() and not (mark == ";" and at and self._text[at - 1] >= "Ͱ"):
            return self._clause(at, final)
        return self._scanner.decide(self._text, at, self._sentence, final)

    def _clause(self, at: int, final: bool) -> Verdict:
        """A clause mark: it cuts here (the emit is done), or it is NO or WAIT."""
        text, after = self._text, at + 1
        if after == len(text):
            return Verdict(NO, after) if final else Verdict(WAIT, at)
        if text[at] not in _UNSPACED and text[at] != "—" and not text[after].isspace():
            return Verdict(NO, after)
        if text[at] in "–" and at and not text[at - 1].isspace():
            return Verdict(NO, after)
        size = after - self._chunk
        if self._first and text[at] in _UNSPACED:
            enough = size >= self.limits.first_min_chars // 2
        elif self._first:
            enough = size >= self.limits.first_min_chars
            enough = enough and len(text[self._chunk : at].split()) >= self.limits.first_min_words
        else:
            enough = size >= self.limits.clause_chars
        if not enough:
            return Verdict(NO, after)
        if at and text[at - 1].isdigit() and text[at] in ",:":
            first, stop = after, min(len(text), after + LOOK)
            while first < stop and text[first].isspace():
                first += 1
            if first == len(text):
                return Verdict(NO, after) if final else Verdict(WAIT, at)
            if text[first].isdigit():
                return Verdict(NO, after)
        if self._scanner.nesting.inside(text, after):
            return Verdict(NO, after)
        self._emit(after, Boundary.CLAUSE)
        return Verdict(NO, after)

    def _sentence_end(self, end: int, at: int, final: bool) -> bool:
        """A sentence ends at `end`. False when it is the end of the block, which the caller gives out."""
        if final and not self._text[end:].strip():
            return False
        if end > self._limit:
            self._scan = at
            if self._ready > self._chunk:
                self._emit(self._ready, Boundary.SENTENCE)
            else:
                self._force()
            return True
        self._ready = end
        self._new_sentence(end)
        if self._first or end - self._chunk >= self.limits.min_chars:
            self._emit(end, Boundary.SENTENCE)
        return True

    def _new_sentence(self, at: int) -> None:
        self._sentence = at
        self._scanner.begin(at)

    def _breath(self, at: int) -> bool:
        """Whether the first chunk was cut at a word, since no mark has come for many words before `at`."""
        for found in _WORD.finditer(self._text, self._breathed, min(at, self._limit)):
            self._words += 1
            self._breathed = found.end()
            if self._words >= self.limits.first_max_words and self._may_breathe(found.group(), found.end()):
                self._emit(found.end(), Boundary.CLAUSE)
                return True
        return False

    def _may_breathe(self, word: str, end: int) -> bool:
        if word.lower().replace("’", "'") in self._scanner.language.weak or not word[-1].isalpha():
            return False
        if self._splits(end):
            return False
        return not self._scanner.nesting.inside(self._text, end)

    def _force(self) -> None:
        """No boundary within the limit: cut at the best clause mark or word."""
        if self._ready > self._chunk:
            self._emit(self._ready, Boundary.SENTENCE)
            return
        self._emit(self._best_cut(), Boundary.FORCED)

    def _best_cut(self) -> int:
        begin, end = self._chunk, self._limit
        text = self._text[begin:end]
        low = len(text) * 2 // 5
        for pattern in (r"[,;:—،؛](?=\s)|[、，；：。！？]", r"\s"):
            places = [m.end() for m in re.finditer(pattern, text) if m.end() > low]
            for place in reversed(places):
                if not self._splits(begin + place):
                    return begin + place
        return end

    # -- output -------------------------------------------------------------------------------------------

    def _finished(self, end: int) -> bool:
        text = self._text
        if self._guard(end - 1):
            return False
        if self._sentence >= end:
            return True
        if not _FINISHED.search(text[max(self._chunk, end - 12) : end]):
            return False
        at = end - 1
        while at > self._sentence and not _MARKS.match(text, at):
            at -= 1
        while at > self._sentence and text[at - 1] == text[at]:
            at -= 1  # the first of "..."
        if text[at] != "." or text[end - 1] == ":":
            return True
        return self._scanner.decide(text[:end] + " X ", at, self._sentence, True).answer == YES

    def _end_block(self, boundary: Boundary, closed: int) -> None:
        self._look(final=True)
        if len(self._text) > self._chunk:
            self._emit(len(self._text), boundary, closed)

    def _line(self, chunk: TextChunk) -> None:
        """A row, a code line or a formula: it is a chunk already."""
        if chunk.block is Block.TABLE_ROW:
            self._first = False
        self._out.append(chunk)

    def _emit(self, end: int, boundary: Boundary, closed: int = 0) -> None:
        text = self._text[self._chunk : end]
        bare = text.strip()
        begin = self._chunk + len(text) - len(text.lstrip())
        if end - self._sentence > _HISTORY:
            self._sentence = end  # look-behind is bounded
        self._chunk = end
        self._ready = max(self._ready, end)
        self._limit = end + self.limits.max_chars
        self._breathed = max(self._breathed, end)
        if not bare:
            return
        self._first = False
        stop = begin + len(bare)
        start = self._raw_of(begin)
        mapping = self._mapping(begin, stop, start)
        if self._block_raw >= 0:
            if not mapping and start != self._block_raw:
                mapping = ((0, start),)
            start, self._block_raw = self._block_raw, -1
        raw_end = max(self._raw_end(stop), closed)
        self._out.append(TextChunk(bare, start, raw_end, boundary, self._block, self._info, mapping))
