"""Feeding replies to the chunker, cut into tokens in every way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipeline.text import ChunkLimits, TextChunk, TextChunkProcessor

GOLDEN = Path(__file__).parent / "golden"
SIZES = (1, 2, 3, 4, 7)


def golden(name: str) -> list[dict[str, Any]]:
    lines = (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def every(text: str, size: int) -> list[str]:
    """Tokens of `size` characters."""
    return [text[i : i + size] for i in range(0, len(text), size)]


def words(text: str) -> list[str]:
    """Tokens as models make them: a word with the space before it."""
    return re.findall(r"\s*\S+|\s+\Z", text)


def cut_at(text: str, sizes: Sequence[int]) -> list[str]:
    """Tokens of the given sizes, over and over."""
    out, at, n = [], 0, 0
    while at < len(text):
        step = sizes[n % len(sizes)]
        out.append(text[at : at + step])
        at, n = at + step, n + 1
    return out


def chunked(tokens: Iterable[str], lang: str = "en", limits: ChunkLimits | None = None) -> list[TextChunk]:
    processor = TextChunkProcessor(lang=lang, limits=limits or ChunkLimits())
    out = [chunk for token in tokens for chunk in processor.feed(token)]
    return out + processor.flush()


def sentences(text: str, tokens: Iterable[str], lang: str = "en") -> list[str]:
    """The raw characters of each sentence, spaces made single."""
    chunks = chunked(tokens, lang, ChunkLimits.sentences())
    return [" ".join(text[chunk.start : chunk.end].split()) for chunk in chunks]
