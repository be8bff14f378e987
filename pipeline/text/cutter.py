"""The policy: when a chunk leaves, and where a sentence that is too long is cut."""

from __future__ import annotations

import re

from pipeline.text.enumeration import follows
from pipeline.text.full_stop import LOOK
from pipeline.text.limits import ChunkLimits
from pipeline.text.models import Block, Boundary, TextChunk
from pipeline.text.plain_text import PlainText
from pipeline.text.reader import LIST_ITEM, PARAGRAPH
from pipeline.text.scanner import BREATH, MARKS, NO, WAIT, YES, Scanner, Verdict

__all__ = ["Cutter"]


class _Marks:
    """Where to look: at any of the marks; `open` leaves out those within a word or number ("3.5")."""

    def __init__(self, marks: str) -> None:
        self.all = re.compile(f"[{marks}]").search
        self.open = re.compile(rf"[{marks}](?!(?<=[.!?…])[a-z0-9])").search


_MARKS, _CLAUSE_MARKS, _ARMENIAN_MARKS = _Marks(MARKS), _Marks(MARKS + BREATH), _Marks(MARKS + ":")
_MARK = re.compile(f"[{MARKS}]")
_WORD = re.compile(r"\S++(?=\s)")
_NUMBER = re.compile(r"\s*(\d{1,3})(?:\.\)|[.)])(?=\s)")
_UNSPACED = "،؛、，；："
_FINISHED = re.compile(
    r"(?:[^\W\d_][\"'”’»)\]]*[.!?…]{1,8}|[!?]|[。！？؟۔।॥]|[\u0370-\u03ff];|[^\W\d_]:)"
    r"[\"'”’»)\]」』]*(?:[ ]?[\U0001F300-\U0001FAFF])*\Z"
)
_HISTORY = 256  # plain characters kept before the chunk: a decision may look back so far
_SENTENCE, _PARAGRAPH_END = Boundary.SENTENCE, Boundary.PARAGRAPH
_TABLE_ROW = Block.TABLE_ROW


class Cutter(PlainText):
    """Takes the plain text of a reply as the filter finds it; `take` gives the chunks that are certain."""

    def __init__(self, lang: str, limits: ChunkLimits) -> None:
        self.limits = limits
        self.scanner = Scanner(lang)
        self._max_chars = limits.max_chars
        marks = _ARMENIAN_MARKS if self.scanner.language.code == "hy" else _MARKS
        self._marks = _CLAUSE_MARKS if limits.clause_chars else marks
        self._reset()

    def _reset(self) -> None:
        super()._reset()
        self._block, self._info = PARAGRAPH, ""
        self._block_raw = -1  # raw offset of the block's mark, until its first chunk takes it
        self._out: list[TextChunk] = []
        self._first = True
        self._breathing = self.limits.clause_first  # the first chunk may end at a clause or a word
        self._begin(0)

    def _begin(self, at: int) -> None:
        """A new block begins at `at`."""
        self._block_begin = at
        self._chunk = at  # where the chunk begins
        self._ready = at  # it is known to be whole sentences up to here
        self._sentence = at  # where the sentence begins
        self._scan = at  # where to look on
        self._breathed, self._words = at, 0  # how far, and how many words were offered as a place to breathe
        self._limit = at + self._max_chars
        self.scanner.begin(at)

    # -- from the filter ----------------------------------------------------------------------------------

    def block(self, block: Block, info: str, start: int, closed: int) -> None:
        at = len(self._text)
        if self._chunk < at:
            self._end_block(_PARAGRAPH_END, closed)
        if block is PARAGRAPH:
            self._block_raw = -1
        elif not (self._block_raw >= 0 and self._block is block is LIST_ITEM):
            self._block_raw = start  # else "- 1. …": the outer mark counts
        self._block, self._info = block, info
        if self._block_begin != at:
            self._begin(at)
        self.scanner.item = info

    def line(self, chunk: TextChunk) -> None:
        if chunk.block is _TABLE_ROW:
            self._first = self._breathing = False
        self._out.append(chunk)

    # -- interface ----------------------------------------------------------------------------------------

    def take(self, within_line: bool) -> tuple[list[TextChunk], int]:
        """The chunks, and how much more text without a mark can change nothing: 0 when anything may. At the start
        of a line the block may be over, so nothing must wait for its end there.
        """
        size, room = len(self._text), 0
        settled = self._scan == size and not self._breathing
        if settled and (within_line or self._chunk == size or self._text[self._chunk :].isspace()):
            room = self._limit - size
        out, self._out = self._out, []
        if self._chunk >= _HISTORY + 1_000:
            self._trim()
        return out, room

    def release(self) -> None:
        """Give out what is a finished sentence as far as one can see."""
        end = len(self._text)
        while end > self._chunk and self._text[end - 1].isspace():
            end -= 1
        if end > self._chunk and self._finished(end):
            self._emit(len(self._text), _SENTENCE)
            self._new_sentence(len(self._text))
            self._scan = max(self._scan, self._chunk)
        elif self._ready > self._chunk:
            self._emit(self._ready, _SENTENCE)

    def flush(self, closed: int) -> list[TextChunk]:
        """The reply has ended, with its closing marks at raw `closed`."""
        self._end_block(Boundary.END, closed)
        out = self._out
        self._reset()
        return out

    def _trim(self) -> None:
        count = self._chunk - _HISTORY
        self._forget(count, self._chunk)
        self._chunk -= count
        self._sentence -= count
        self._ready -= count
        self._scan -= count
        self._limit -= count
        self._breathed -= count
        self.scanner.nesting.shift(count)

    # -- decisions ----------------------------------------------------------------------------------------

    def look(self, *, final: bool = False) -> None:
        """Take every decision that can be taken, in the order of the text."""
        while True:
            text, limit = self._text, self._limit
            if self._scan == len(text) <= limit:
                return
            marks = _CLAUSE_MARKS if self._breathing else self._marks
            found = (marks.all if self._whole else marks.open)(text, self._scan, limit + 1)
            at = found.start() if found else min(len(text), limit + 1)
            if self._breathing and self._breath(at):
                continue
            if at > limit:
                self._force()
                continue
            if found is None:
                self._scan = at
                return
            answer, self._scan = self._verdict(at, final)
            if answer == WAIT:
                return
            if self._info and self._block is LIST_ITEM and self._next_item(at, answer):
                continue
            if answer == YES and not self._sentence_end(self._scan, at, final):
                return

    def _verdict(self, at: int, final: bool) -> Verdict:
        guard = self._guard(at)
        if guard:
            begin, end = guard
            if at < end - 1 or " " not in self._text[begin:end]:
                return (NO, end)  # (a label may be a sentence, and end one)
        mark = self._text[at]
        clause = mark in BREATH and (self._breathing or self.limits.clause_chars > 0)
        if clause and not (mark == ";" and at and self._text[at - 1] >= "Ͱ"):
            return self._clause(at, final)
        return self.scanner.decide(self._text, at, self._sentence, final)

    def _clause(self, at: int, final: bool) -> Verdict:
        """A clause mark: it cuts here (the emit is done), or it is NO or WAIT."""
        text, after = self._text, at + 1
        if after == len(text):
            return (NO, after) if final else (WAIT, at)
        if text[at] not in _UNSPACED and text[at] != "—" and not text[after].isspace():
            return (NO, after)
        if text[at] in "–" and at and not text[at - 1].isspace():
            return (NO, after)
        size = after - self._chunk
        if self._first and text[at] in _UNSPACED:
            enough = size >= self.limits.first_min_chars // 2
        elif self._first:
            enough = size >= self.limits.first_min_chars
            enough = enough and len(text[self._chunk : at].split()) >= self.limits.first_min_words
        else:
            enough = size >= self.limits.clause_chars
        if not enough:
            return (NO, after)
        if at and text[at - 1].isdigit() and text[at] in ",:":
            first, stop = after, min(len(text), after + LOOK)
            while first < stop and text[first].isspace():
                first += 1
            if first == len(text):
                return (NO, after) if final else (WAIT, at)
            if text[first].isdigit():
                return (NO, after)
        if self.scanner.nesting.inside(text, after):
            return (NO, after)
        self._emit(after, Boundary.CLAUSE)
        return (NO, after)

    def _sentence_end(self, end: int, at: int, final: bool) -> bool:
        """A sentence ends at `end`. False when it is the end of the block, which the caller gives out."""
        if final and not self._text[end:].strip():
            return False
        if end > self._limit:
            self._scan = at
            if self._ready > self._chunk:
                self._emit(self._ready, _SENTENCE)
            else:
                self._force()
            return True
        self._ready = end
        self._new_sentence(end)
        if self._first or end - self._chunk >= self.limits.min_chars:
            self._emit(end, _SENTENCE)
        return True

    def _next_item(self, at: int, answer: int) -> bool:
        """Whether the mark at `at` is a sibling's, "1. Mix. 2. Bake": its number goes the same way as the first one's,
        which the filter took.
        """
        begin = self._scan if answer == YES and self._scan <= at else self._sentence
        found = _NUMBER.match(self._text, begin, begin + LOOK)
        if found is None or found.end(1) != at or begin > self._limit or not follows(self._info, found[1]):
            return False
        begin = found.start(1)
        raw = self._span(begin, found.end())[0]
        self._emit(begin, _PARAGRAPH_END)
        self._block_raw, self._info = raw, found[1]
        self._begin(found.end())
        self.scanner.item = found[1]
        return True

    def _new_sentence(self, at: int) -> None:
        self._sentence = at
        self.scanner.begin(at)

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
        if word.lower().replace("’", "'") in self.scanner.language.weak or not word[-1].isalpha():
            return False
        if self._splits(end):
            return False
        return not self.scanner.nesting.inside(self._text, end)

    def _force(self) -> None:
        """No boundary within the limit: cut at the best clause mark or word."""
        if self._ready > self._chunk:
            self._emit(self._ready, _SENTENCE)
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
        while at > self._sentence and not _MARK.match(text, at):
            at -= 1
        while at > self._sentence and text[at - 1] == text[at]:
            at -= 1  # the first of "..."
        if text[at] != "." or text[end - 1] == ":":
            return True
        return self.scanner.decide(text[:end] + " X ", at, self._sentence, True)[0] == YES

    def _end_block(self, boundary: Boundary, closed: int) -> None:
        self.look(final=True)
        if len(self._text) > self._chunk:
            self._emit(len(self._text), boundary, closed)

    def _emit(self, end: int, boundary: Boundary, closed: int = 0) -> None:
        chunk = self._chunk
        text = self._text[chunk:end]
        if end - self._sentence > _HISTORY:
            self._sentence = end  # look-behind is bounded
        self._chunk = end
        self._limit = end + self._max_chars
        if self._ready < end:
            self._ready = end
        bare = text.lstrip()
        begin = end - len(bare)
        bare = bare.rstrip()
        if not bare:
            self._breathed = max(self._breathed, end)
            return
        self._first = self._breathing = False
        stop = begin + len(bare)
        start, raw_end, mapping = self._span(begin, stop)
        if self._block_raw >= 0:
            if not mapping and start != self._block_raw:
                mapping = ((0, start),)
            start, self._block_raw = self._block_raw, -1
        if closed > raw_end:
            raw_end = closed
        self._out.append(TextChunk(bare, start, raw_end, boundary, self._block, self._info, mapping))
