"""What the parts of the markdown filter share: the buffer they read, and the sink they write to."""

from __future__ import annotations

import re
from enum import Enum
from typing import Protocol

from pipeline.text.models import Block, TextChunk

__all__ = [
    "CODE", "HEADING", "HIDDEN", "HOLD", "INLINE", "LINE_BREAK", "LINE_START", "LIST_ITEM", "LONG_HOLD", "NO_ADDRESS",
    "PARAGRAPH", "WAIT", "Reader", "Sink", "State",
]  # fmt: skip

HOLD = 200  # an unclosed mark is text after so many characters
LONG_HOLD = 600  # link targets, addresses and display formulas run longer than that
WAIT = -1  # a reading method returns the position behind what it read, or this when it cannot tell yet

LINE_BREAK = re.compile(r"\n")
NO_ADDRESS = re.compile(r"[^\w/.-]")  # not among what an address mostly consists of

# A member by its class costs ten times as much as a name.
HEADING, PARAGRAPH, LIST_ITEM = Block.HEADING, Block.PARAGRAPH, Block.LIST_ITEM


class Sink(Protocol):
    """Where the filter writes to."""

    def text(self, text: str, start: int, end: int, whole: int) -> None:
        """Plain text for raw [start, end). It must not be cut inside, nor from texts with the same `whole`,
        if not 0.
        """

    def block(self, block: Block, info: str, start: int, closed: int) -> None:
        """The block so far ends, with its closing marks at raw `closed`; what follows, from `start` on, is a
        `block`.
        """

    def line(self, chunk: TextChunk) -> None:
        """A row, a code line or a formula, as it is to be given out."""


class State(Enum):
    LINE_START = 1
    INLINE = 2
    CODE = 3
    INDENTED = 4
    HIDDEN = 5


LINE_START, INLINE, CODE, HIDDEN = State.LINE_START, State.INLINE, State.CODE, State.HIDDEN


class Reader:
    """Reads `_buffer`, the raw text that is not decided; the character at `i` has the raw offset `base + i`.

    Each reading method takes the position of its mark and returns the position behind what it has read, or
    WAIT when the text that decides has not come. After HOLD characters, or at the line's end, it decides.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._write = sink.text
        self._buffer = ""
        self._final = False  # nothing follows the buffer
        self.reset()

    def reset(self) -> None:
        self.base = 0  # raw offset of the buffer
        self.awaited: re.Pattern[str] | None = None  # only this, or `room` characters, ends the hold
        self.room = 0
        self.state = LINE_START
        self._said = 0  # raw end of the last text
        self.closed = 0  # raw end of the marks right behind it
        self._before = ""  # the last two plain characters: emphasis goes by its neighbours
        self.current = PARAGRAPH  # the block
        self._open = False  # it has text, so a line break in it may be a space
        self._newline = -1  # raw offset of a line break not yet decided: a space or the end of the block
        self._line = -1  # raw offset of the first character of the line

    def _text(self, text: str, start: int, end: int, whole: int = 0) -> None:
        if start > self._said and text[0] == " " and self._before[-1:] == " ":
            bare = text.lstrip(" ")  # between two spaces something was dropped: one is enough
            if not bare:
                return
            text, start = bare, start + len(text) - len(bare)
        self._said = end
        self._before = text[-2:] if len(text) > 1 else (self._before + text)[-2:]
        self._open = True
        self._write(text, start, end, whole)

    def _break(self, block: Block, start: int, info: str = "") -> None:
        self._sink.block(block, info, start, self.closed)
        self.current, self._open, self._newline, self._before = block, False, -1, ""

    def _literal(self, i: int, size: int = 1) -> int:
        self._text(self._buffer[i : i + size], self.base + i, self.base + i + size)
        return i + size

    def _whole(self, i: int, end: int) -> int:
        self._text(self._buffer[i:end], self.base + i, self.base + end, self.base + end)
        return end

    def _mark(self, i: int, end: int) -> int:
        """Silent marks from `i` to `end`: behind a text they close it, and its span goes on to their end."""
        at = self.base + i
        if at == self._said or at == self.closed:
            self.closed = self.base + end
        return end

    def _await(self, marks: re.Pattern[str], limit: int) -> int:
        """WAIT: until one of `marks` comes, or `limit` characters are held, reading again would change nothing."""
        self.awaited, self.room = marks, limit
        return WAIT

    def _open_ended(self, i: int, limit: int = HOLD) -> bool:
        """More text may still close the mark at `i`."""
        return not self._final and len(self._buffer) - i < limit and "\n" not in self._buffer[i:]
