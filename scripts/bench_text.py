"""What the text stage costs and how soon it speaks: `scripts/bench text [--plot out.png] [--quick]`.

Four tables: microseconds per 4-character token (chunker alone, chunker and normaliser, and other segmenters
where they are installed: `pip install sentence-stream pysbd`); seconds for hostile inputs of 200,000
characters; look-ahead in tokens; and the delay of the first chunk at 50 tokens a second, against whole
sentences. A time is processor time, the best of several runs: the machine may be busy with other things.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from pipeline.text import ChunkLimits, TextChunkProcessor, TTSTextProcessor  # noqa: E402 - after the path

TOKEN = 4  # characters
RATE = 50  # tokens per second
HOSTILE = 200_000  # characters

PROSE = (
    "The tea plant grows best in warm places with plenty of rain, and most of the world's tea still comes from "
    "Asia. Leaves are picked by hand, then withered, rolled and dried. It takes about three minutes to brew a "
    "good cup. You can add milk if you like; many people do. What matters most is the water, which should be "
    "fresh and just off the boil. Green tea wants cooler water, though. Dr. Smith drinks it without sugar. "
)
MARKDOWN = """## Tea

**Making tea** is *easy*, and it takes about `3.5` minutes. See [this guide](https://example.com/a_b?c=1).

1. Boil **250 ml** of water.
2. Add the *leaves* and wait.

- One item here
- Another `code` item

| Name | Age |
|------|-----|
| Ada  | 36  |

```python
print("tea")
```

That's all &amp; done.
"""
NUMBERS = (
    "It costs $3.50, or 1,250.75 in total at 10:30am on 2026-11-21. Version 2.0.1 runs on 10.0.0.17 now. About "
    "3/4 of the 1,200 users, 72% of them at 60 mph, paid €1.2M in the 1990s. "
)
CJK = "茶树最喜欢温暖多雨的地方，世界上大部分的茶仍然来自亚洲。叶子用手采摘，然后萎凋、揉捻和干燥。泡茶需要三分钟。"
TEXTS = {"prose": (PROSE, "en"), "markdown": (MARKDOWN, "en"), "numbers": (NUMBERS, "en"), "CJK": (CJK, "zh")}

HOSTILES = {
    "no punctuation": "word ", "one word": "a", "[[[[": "[", "****": "*", "a.b.a.b.": "a.b.", "... ...": "... ",
    "````": "`", "<<<<": "<", "((((": "(", "CSV": "12,34,56.7,ab;", "A. A. A.": "A. ", "|a|": "|a|\n", "🎉": "! 🎉",
}  # fmt: skip

REPLIES = [
    "Sure! I can help you with that. What kind of recipe are you looking for today?",
    "The capital of Australia is Canberra. It was chosen in 1908 as a compromise between Sydney and Melbourne.",
    "It's currently 18 degrees and cloudy in Berlin, with a light breeze from the west.",
    "I've set a timer for ten minutes. I'll let you know when it goes off.",
    "Photosynthesis is the process by which green plants turn sunlight, water and carbon dioxide into sugar.",
    "That's a great question! There are three main reasons, and they're all connected.",
    "Your meeting with Dr. Patel is at 9:30 a.m. tomorrow, right after the weekly call with the design team.",
    "Unfortunately, the last train has already left, but there's a night bus that goes every hour.",
    "To make pancakes, you need two cups of flour, two eggs, a cup of milk and a pinch of salt.",
    "Yes. The library is open until eight today.",
    "According to the latest figures, about 8.9 million people live in London, which makes it the largest city.",
    "Here's what I found:\n\n1. **The Blue Door** is a small cafe near the station.\n2. **Mira** serves dinner.",
    "No problem at all, I have cancelled your reservation and sent a confirmation to your email address.",
    'The word "serendipity" was coined by Horace Walpole in 1754, who took it from a Persian fairy tale.',
    "Let me check that for you. One moment, please.",
    "A black hole is a region of space where gravity is so strong that nothing, not even light, can escape.",
    "Once upon a time, in a village at the edge of a deep forest, there lived a girl who could talk to birds.",
    "You could try restarting the router first, since that fixes most connection problems within a minute or two.",
    "Well, it depends on how much time you have and whether you want to see museums or parks.",
    "The total comes to $48.50 including tax, and it should arrive by Friday.",
    "Of course, let's go through it step by step so that nothing gets lost along the way.",
    "Mount Everest is 8,849 metres high. It grows by a few millimetres every year.",
    "I'm sorry, I didn't catch that. Could you say it again?",
    "When you multiply both sides by four you get twelve, so the answer is that x equals three.",
]


def tokens_of(text: str) -> list[str]:
    return [text[i : i + TOKEN] for i in range(0, len(text), TOKEN)]


def best(run: Callable[[], None], count: int, repeats: int) -> float:
    """Microseconds per token."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times) / count * 1e6


def chunker(tokens: list[str], lang: str) -> None:
    processor = TextChunkProcessor(lang=lang)
    for token in tokens:
        processor.feed(token)
    processor.flush()


def whole_stage(tokens: list[str], lang: str) -> None:
    processor, normaliser = TextChunkProcessor(lang=lang), TTSTextProcessor(lang=lang)
    for token in tokens:
        for chunk in processor.feed(token):
            normaliser.process(chunk)
    for chunk in processor.flush():
        normaliser.process(chunk)


def peers() -> dict[str, Callable[[list[str], str], None]]:
    """The other segmenters that are installed, as they would be used on a stream."""
    found: dict[str, Callable[[list[str], str], None]] = {}
    try:
        boundary = importlib.import_module("sentence_stream").SentenceBoundaryDetector
    except ImportError:
        pass
    else:

        def sentence_stream(tokens: list[str], lang: str) -> None:
            detector = boundary()
            for token in tokens:
                list(detector.add_chunk(token))
            detector.finish()

        found["sentence-stream"] = sentence_stream
    try:
        segmenter = importlib.import_module("pysbd").Segmenter
    except ImportError:
        pass
    else:

        def pysbd(tokens: list[str], lang: str) -> None:
            """It knows no streams: the text so far again, whenever a mark came."""
            split, buffer = segmenter(language=lang, clean=False), ""
            for token in tokens:
                buffer += token
                if any(mark in token for mark in ".!?。！？"):
                    parts = split.segment(buffer)
                    buffer = parts[-1] if parts else ""

        found["pysbd"] = pysbd
    return found


def speed(repeats: int) -> dict[str, dict[str, float]]:
    ours = {"chunker": chunker, "chunker + normaliser": whole_stage}
    table: dict[str, dict[str, float]] = {}
    for name, run in {**ours, **peers()}.items():
        table[name] = {}
        for kind, (text, lang) in TEXTS.items():
            size = 2_000 if name == "pysbd" else 16_000
            tokens = tokens_of((text * (size // len(text) + 1))[:size])
            rounds = 1 if name == "pysbd" else repeats
            table[name][kind] = best(lambda r=run, t=tokens, code=lang: r(t, code), len(tokens), rounds)  # type: ignore[misc]
    return table


def hostile(name: str) -> float:
    unit = HOSTILES[name]
    tokens = tokens_of(unit * (HOSTILE // len(unit)))
    return best(lambda: chunker(tokens, "en"), 1, 2) / 1e6


def look_ahead() -> float:
    """Tokens that came after a sentence's last one before it left, on average (the end of the reply apart)."""
    waits = []
    for text in [PROSE, NUMBERS, *REPLIES]:
        processor = TextChunkProcessor(limits=ChunkLimits.sentences())
        for n, token in enumerate(tokens_of(text)):
            waits += [n - (chunk.end - 1) // TOKEN for chunk in processor.feed(token)]
    return mean(waits)


def first_chunks(limits: ChunkLimits) -> list[tuple[float, int]]:
    """For each reply (milliseconds until the first chunk, its characters)."""
    out = []
    for text in REPLIES:
        processor = TextChunkProcessor(limits=limits)
        tokens, got, n = tokens_of(text), [], 0
        while not got and n < len(tokens):
            got, n = processor.feed(tokens[n]), n + 1
        got = got or processor.flush()
        out.append((n * 1000 / RATE, len(got[0].text)))
    return out


def row(name: str, *cells: object) -> None:
    print(f"{name:<24}" + "".join(f"{cell:>12}" for cell in cells))


def plotter() -> Any:
    try:
        return importlib.import_module("matplotlib.pyplot")
    except ImportError:
        sys.exit("--plot needs matplotlib: pip install matplotlib")


def plot(
    pyplot: Any, path: str, table: dict[str, dict[str, float]], first: dict[str, list[tuple[float, int]]]
) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    kinds, width = list(TEXTS), 0.8 / len(table)
    for n, (name, times) in enumerate(table.items()):
        places = [i + n * width for i in range(len(kinds))]
        left.bar_label(left.bar(places, [times[kind] for kind in kinds], width, label=name), fmt="%.1f", fontsize=8)
    left.set_xticks([i + 0.4 - width / 2 for i in range(len(kinds))], kinds)
    left.set_ylabel("µs per 4-character token")
    if len(table) > 2:
        left.set_yscale("log")  # the others are up to a hundred times slower
    left.margins(y=0.15)
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
    lines = dict(zip(first, ("-", "-", "-", ":"), strict=True))  # prosody and sentence may be the same
    for name, delays in first.items():
        times = sorted(delay for delay, _ in delays)
        shares = [(i + 1) / len(times) for i in range(len(times))]
        right.step(times, shares, where="post", label=name, linestyle=lines[name])
    right.set_xlabel(f"ms until the first chunk, at {RATE} tokens/s")
    right.set_ylabel("share of replies")
    right.legend()
    figure.tight_layout()
    figure.savefig(path)
    print(f"\n{path} written.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the text stage: speed, look-ahead, first chunk.")
    parser.add_argument("--plot", metavar="FILE", help="write speed and first-chunk delays as a picture")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, no hostile inputs")
    options = parser.parse_args()
    pyplot = plotter() if options.plot else None  # before the work, not after it

    table = speed(2 if options.quick else 7)
    row("µs per token", *TEXTS)
    for name, times in table.items():
        row(name, *(f"{times[kind]:.2f}" for kind in TEXTS))
    if not options.quick:
        print()
        row("hostile, 200,000 chars", "seconds")
        for name in HOSTILES:
            row(name, f"{hostile(name):.2f}")
    print(f"\nmean look-ahead: {look_ahead():.2f} tokens\n")
    first = {name: first_chunks(ChunkLimits.profile(name)) for name in ("balanced", "fast", "prosody", "sentence")}
    row("first chunk", "mean ms", "worst ms", "mean chars")
    for name, delays in first.items():
        times = [delay for delay, _ in delays]
        row(name, f"{mean(times):.0f}", f"{max(times):.0f}", f"{mean(size for _, size in delays):.0f}")
    if options.plot:
        plot(pyplot, options.plot, table, first)


if __name__ == "__main__":
    main()
