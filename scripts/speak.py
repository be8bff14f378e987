#!/usr/bin/env python3
"""Shows what the text stage makes of a reply: its chunks, their raw spans, boundaries, emotions and spoken form.

scripts/speak.py 'It costs **$3.50**, Dr. Lee said. :)'     a text
scripts/speak.py --file reply.md                            a file
cat reply.md | scripts/speak.py                             standard input
scripts/speak.py --file reply.md --tokens 4 --rate 50       streamed, as a voice client would get it
scripts/speak.py --file reply.md --json                     one JSON object a line
scripts/speak.py --lang de --profile fast --rule code=skip --rule list_numbers=false 'z. B. …'
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
_PYTHON = ROOT / ".venv" / "bin" / "python"
try:
    from pipeline.text import ChunkLimits, SpeechChunk, SpeechRules, TextChunk, TextChunkProcessor, TTSTextProcessor
except ModuleNotFoundError as error:
    if Path(sys.executable).parent == _PYTHON.parent or not _PYTHON.exists():
        sys.exit(f"The Python package `{error.name}` is missing: run scripts/serve once, which installs it.")
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])

IDLE_RELEASE_S = 0.25


def rules_from(settings: list[str]) -> SpeechRules:
    """`code=skip`, `list_numbers=false`, … as SpeechRules; ValueError says what is wrong."""
    known = {field.name for field in fields(SpeechRules)} - {"emotions"}
    values: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if name not in known or not equals:
            raise ValueError(f"--rule {setting}: use NAME=VALUE with one of {', '.join(sorted(known))}")
        values[name] = {"true": True, "false": False}.get(value, value)
    return SpeechRules(**values)  # type: ignore[arg-type]


def tokens_of(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)] if size else [text]


def stream(chunker: TextChunkProcessor, tokens: list[str], rate: float) -> Iterator[tuple[float, TextChunk]]:
    """The chunks with the seconds after which they came; with `rate` tokens per second in real time."""
    begin = time.monotonic()
    for token in tokens:
        if rate:
            time.sleep(1 / rate)
        for chunk in chunker.feed(token):
            yield time.monotonic() - begin, chunk
        if rate and 1 / rate > IDLE_RELEASE_S:
            for chunk in chunker.release():
                yield time.monotonic() - begin, chunk
    for chunk in chunker.flush():
        yield time.monotonic() - begin, chunk


def as_json(chunk: SpeechChunk, seconds: float, timed: bool) -> str:
    line = {
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "boundary": chunk.boundary,
        "block": chunk.block,
        "lang": chunk.lang,
        "emotion": chunk.emotion,
    }
    if timed:
        line["seconds"] = round(seconds, 3)
    return json.dumps(line, ensure_ascii=False)


def as_row(chunk: SpeechChunk, seconds: float, timed: bool, raw: str) -> str:
    when = f"{seconds:6.2f}s " if timed else ""
    span = f"{chunk.start}-{chunk.end}"
    row = f"{when}{span:>11}  {chunk.boundary:<9} {chunk.block:<10} {chunk.emotion or '':<9} {chunk.text}"
    written = " ".join(raw[chunk.start : chunk.end].split())
    indent = " " * (len(when) + 45)
    return row if written == chunk.text else f"{row}\n{indent}< {written}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="%(prog)s [options] [text]"
    )
    parser.add_argument("text", nargs="?", help="the reply (default: standard input)")
    parser.add_argument("--file", metavar="FILE", help="read the reply from a file")
    parser.add_argument("--lang", default="en", help="its language (default: en)")
    parser.add_argument("--profile", default="balanced", help="balanced, fast, prosody or sentence")
    parser.add_argument(
        "--rule", action="append", default=[], metavar="NAME=VALUE", help="a speech rule, e.g. urls=skip"
    )
    parser.add_argument("--tokens", type=int, default=0, metavar="N", help="stream it in tokens of N characters")
    parser.add_argument("--rate", type=float, default=0.0, metavar="R", help="R tokens per second, in real time")
    parser.add_argument("--json", action="store_true", help="one JSON object per chunk")
    options = parser.parse_args()
    if options.tokens < 0 or options.rate < 0:
        parser.error("--tokens and --rate must not be negative")
    try:
        limits, rules = ChunkLimits.profile(options.profile), rules_from(options.rule)
    except ValueError as error:
        parser.error(str(error))
    if options.file:
        try:
            text = Path(options.file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"--file {options.file}: {error}")
    else:
        text = options.text if options.text is not None else sys.stdin.read()

    size = options.tokens or (4 if options.rate else 0)
    chunker = TextChunkProcessor(lang=options.lang, limits=limits)
    normaliser = TTSTextProcessor(lang=options.lang, rules=rules)
    timed = options.rate > 0
    if not options.json:
        head = "   when " if timed else ""
        print(f"{head}{'raw':>11}  {'boundary':<9} {'block':<10} {'emotion':<9} spoken (< written, where it differs)")
    for seconds, chunk in stream(chunker, tokens_of(text, size), options.rate):
        spoken = normaliser.process(chunk)
        if spoken is not None:
            line = as_json(spoken, seconds, timed) if options.json else as_row(spoken, seconds, timed, text)
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
