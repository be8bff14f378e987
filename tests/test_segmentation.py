"""Where sentences end, against golden tables, streamed at every token size."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import Block, ChunkLimits, TextChunk
from pipeline.text.languages import LANGUAGES
from tests.streams import SIZES, chunked, cut_at, every, golden, sentences, words

RULES = golden("english_golden_rules")
OWN = {lang: golden(f"segmentation_{lang}") for lang in LANGUAGES}
ALL_OWN = [(lang, row["text"]) for lang, rows in OWN.items() for row in rows]


@pytest.mark.parametrize("tokens", [every, words], ids=["characters", "words"])
@pytest.mark.parametrize("number", range(1, len(RULES) + 1))
def test_english_golden_rules(number: int, tokens: object) -> None:
    text, want = RULES[number - 1]["text"], RULES[number - 1]["want"]
    cuts = [words(text)] if tokens is words else [every(text, size) for size in (1, 4, len(text))]
    for cut in cuts:
        assert sentences(text, cut) == want


@pytest.mark.parametrize("lang", LANGUAGES)
def test_own_sentences_at_every_token_size(lang: str) -> None:
    for row in OWN[lang]:
        text = row["text"]
        for size in (*SIZES, len(text)):
            got = [chunk.text for chunk in chunked(every(text, size), lang, ChunkLimits.sentences())]
            assert got == row["want"], f"size {size}: {text!r}"


@pytest.mark.parametrize("row", golden("boundaries"), ids=lambda row: row["text"][:30])
def test_boundaries_as_an_editor_sees_them(row: dict[str, Any]) -> None:
    text = row["text"]
    for size in (*SIZES, len(text)):
        got = [chunk.text for chunk in chunked(every(text, size), row["lang"], ChunkLimits.sentences())]
        assert got in [row["want"], *row.get("also", [])], size


@pytest.mark.parametrize("size", [1, 4, 1_000_000])
def test_boundaries_of_an_examiner_who_had_not_seen_the_rules(size: int) -> None:
    wrong = []
    for row in golden("examination_boundaries"):
        chunks = chunked(every(row["text"], size), row["lang"], ChunkLimits.sentences())
        got = [_with_number(chunk, row["text"]) for chunk in chunks if chunk.text]
        if [_bare(sentence) for sentence in got] != [_bare(sentence) for sentence in row["want"]]:
            wrong.append((got, row["want"]))
    assert wrong == []


def _with_number(chunk: TextChunk, text: str) -> str:
    begins = chunk.block is Block.LIST_ITEM and text.startswith(f"{chunk.info}.", chunk.start)
    return f"{chunk.info}. {chunk.text}" if begins and chunk.info else chunk.text


def _bare(text: str) -> str:
    return "".join(text.split())


def test_there_are_enough_own_sentences() -> None:
    assert len(ALL_OWN) >= 400


@pytest.mark.parametrize("size", [1, 4, 1_000_000])
def test_sentencex_cases(size: int) -> None:
    """At least 95 of 100 in the languages with a full table."""
    rows = [row for row in golden("sentencex") if row["lang"] in LANGUAGES]
    right = 0
    for row in rows:
        want = [" ".join(sentence.split()) for sentence in row["want"]]
        right += sentences(row["text"], every(row["text"], size), row["lang"]) == want
    assert right >= 0.95 * len(rows), f"{right} of {len(rows)}"


@pytest.mark.parametrize("profile", ["balanced", "fast", "prosody"])
def test_profiles_do_not_depend_on_the_cut(profile: str) -> None:
    limits = ChunkLimits.profile(profile)
    for lang, rows in OWN.items():
        reply = " ".join(row["text"] for row in rows)
        whole = chunked([reply], lang, limits)
        for size in SIZES:
            assert chunked(every(reply, size), lang, limits) == whole


@settings(max_examples=200)
@given(st.sampled_from(ALL_OWN), st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_random_cuts_of_own_sentences(case: tuple[str, str], sizes: list[int]) -> None:
    lang, text = case
    assert chunked(cut_at(text, sizes), lang) == chunked([text], lang)
