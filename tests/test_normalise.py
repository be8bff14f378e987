"""Written forms become words: golden tables, the map of every edit, and what no text may do."""

from __future__ import annotations

import itertools
import json
import random
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import ChunkLimits, speak
from pipeline.text.models import Boundary, SpeechChunk, TextChunk
from pipeline.text.normalise import beginnings, english, world
from pipeline.text.normalise.beginnings import can_begin, steps_of
from pipeline.text.normalise.edits import Edit
from pipeline.text.normalise.rules import RuleSet
from pipeline.text.speech_languages import KNOWN
from pipeline.text.speech_rules import SpeechRules
from pipeline.text.tts_processor import TTSTextProcessor
from tests.streams import golden

GOLDEN = sorted(Path(__file__).with_name("golden").glob("spoken_*.jsonl"))
CASES = [json.loads(line) for path in GOLDEN for line in path.read_text("utf-8").splitlines()]
MARKUP = re.compile(r"[*_`#<>{}|\\~^]|://|www\.|\w/\w+/|[€$£¥%°²³½]")


def say(text: str, lang: str = "en") -> str | None:
    chunk = TTSTextProcessor(lang=lang).process(text)
    return chunk and chunk.text


def test_golden_tables_are_large_enough() -> None:
    assert len(CASES) >= 400
    assert {case["lang"] for case in CASES} == KNOWN


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_forms(path: Path) -> None:
    cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    wrong = [
        (case["written"], case["spoken"], said)
        for case in cases
        if (said := say(case["written"], case["lang"])) != case["spoken"]
    ]
    assert wrong == []


def test_forms_of_an_examiner_who_had_not_seen_the_rules() -> None:
    wrong = []
    for case in golden("examination_forms"):
        chunks = speak(case["written"], lang=case["lang"], limits=ChunkLimits.sentences())
        said = " ".join(chunk.text for chunk in chunks)
        if _loose(said) not in [_loose(words) for words in case["spoken"]]:
            wrong.append((case["written"], case["spoken"][:3], said))
    assert wrong == []


def _loose(text: str) -> str:
    """Without what a voice does not tell apart: capitals, hyphens, marks at the end of a word."""
    text = text.lower().replace("-", " ").replace("’", "'")
    return " ".join(re.sub(r"[,.;:!?…]+(?=\s|$)", " ", text).split())


def test_no_markup_is_spoken() -> None:
    kept = {"If |x| ≥ 2 stop.", "It is 1/2/3 now.", "Prenez 1½ gâteau."}  # no rule is sure of these
    spoken = [(case["written"], case["spoken"]) for case in CASES if case["written"] not in kept]
    assert [pair for pair in spoken if MARKUP.search(pair[1])] == []


ALL_GOLDEN = sorted(path.stem for path in Path(__file__).with_name("golden").glob("*.jsonl"))
MARKS = re.compile(
    r"\*\*|__|`|\]\(|~~|:::|://|www\.|</?[A-Za-z][^>]*>|\|.*\||==\w|&\w+;|!\[|\[\^|\{#|\\[\[\](){}]|^(?:\#{1,6}|[>*+-])\s"
)
PATH_OF_URL = re.compile(r"(?:https?://|www\.)[^\s/<>()\[\]]+(/[^\s<>()\[\]\"'，。]{2,})")
FENCED = re.compile(r"^(?:```|~~~)[^\n]*\n(.*?)(?:^(?:```|~~~)|\Z)", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ALL_GOLDEN)
def test_no_mark_tag_path_or_code_of_any_golden_text_is_spoken(name: str) -> None:
    wrong = []
    for row in golden(name):
        text = row.get("text") or row["written"]
        lang = row.get("lang") or (name[-2:] if name.startswith("segmentation_") else "en")
        said = [chunk.text for chunk in speak(text, lang=lang)]
        silent = [path[1] for path in PATH_OF_URL.finditer(text)]
        silent += [line.strip() for code in FENCED.finditer(text) for line in code[1].splitlines()]
        if text != "If |x| ≥ 2 stop.":  # bars that are no table
            wrong += [(found[0], words) for words in said if (found := MARKS.search(words))]
        wrong += [(part, words) for words in said for part in silent if len(part) > 2 and part in words]
    assert wrong == []


@pytest.mark.parametrize(
    ("lang", "written", "spoken"),
    [
        ("zh", "请访问https://www.example.com/help。", "请访问example 点 com。"),
        ("ja", "サイトはwww.example.jpです。", "サイトはexample ドット jpです。"),
        ("ko", "사이트는 www.example.kr입니다.", "사이트는 example 점 kr입니다."),
        ("es", "El sitio es www.ejemplo.es.", "El sitio es ejemplo punto es."),
        ("pl", "Strona to www.przyklad.pl.", "Strona to przyklad kropka pl."),
    ],
)
def test_addresses_in_other_languages(lang: str, written: str, spoken: str) -> None:
    assert say(written, lang) == spoken


@pytest.mark.parametrize("lang", sorted(KNOWN))
def test_a_sum_is_said_with_its_magnitude_or_stays(lang: str) -> None:
    """ "$1.2M" must never become a dollar and twenty cents."""
    for sign, letter in itertools.product("$€£", ("K", "k", "M", "m", "B", "bn", "T", "xq", "MM")):
        whole, part = say(f"{sign}7{letter}, x", lang), say(f"{sign}7, x", lang)
        assert whole is not None
        assert part is not None
        assert not whole.startswith(part.partition(",")[0]), (sign, letter)


def test_words_that_only_look_like_forms_stay() -> None:
    for text in (
        "Is a plain umbrella an um-brella?",
        "I may march in May, said Mark.",
        "No. He came in, I think, at once.",
        "Either/or, he/she and A/B.",
        "MIX, CD and DIY are no numerals.",
    ):
        assert say(text) == text


def test_off_leaves_written_forms() -> None:
    chunk = TTSTextProcessor(rules=SpeechRules(normalise="off")).process("It costs $5, see https://a.com/b 😀")
    assert chunk is not None
    assert chunk.text == "It costs $5, see a dot com"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("host", "See docs dot example dot com for it."),
        ("full", "See docs dot example dot com slash a slash b for it."),
        ("skip", "See for it."),
    ],
)
def test_urls(rule: str, words: str) -> None:
    processor = TTSTextProcessor(rules=SpeechRules(urls=rule))  # type: ignore[arg-type]
    chunk = processor.process("See https://docs.example.com/a/b for it.")
    assert chunk is not None
    assert chunk.text == words


def test_emoji_names() -> None:
    chunk = TTSTextProcessor(rules=SpeechRules(emoji="name")).process("Well done 🎉 everyone!")
    assert chunk is not None
    assert chunk.text == "Well done party popper everyone!"


def test_a_beginning_rules_out_only_what_cannot_match() -> None:
    for case in CASES:
        text, lang = case["written"], case["lang"]
        numbers = english.NUMBERS if lang == "en" else world.number_rules(lang)
        for at in range(len(text)):
            if text[at] in "0123456789+-(" and (edit := numbers.edit(text, at)) != _asked_of_all(numbers, text, at):
                pytest.fail(f"{text!r} at {at}: {edit}")


@pytest.mark.parametrize(
    "pattern", [r"(?i:kg)", r"a(?!b)c", r"(a)\1", r"(a|)(?(1)b|c)?x?", r"[^\W\d_]k", r"\Za?", "a*", r"[^5]\d"]
)
def test_what_a_pattern_matches_it_can_begin_with(pattern: str) -> None:
    made = re.compile(pattern)
    steps = steps_of(made)
    for text in map("".join, itertools.product("aAbckKgxé5 ", repeat=2)):
        if made.match(text):
            assert can_begin(steps, "".join("\0" if c == "é" else "0" if c.isdigit() else c for c in text))
    assert can_begin(steps_of(re.compile("kg", re.IGNORECASE)), "KG")


@pytest.mark.parametrize(
    "parse",
    [
        pytest.param(lambda *_: [], id="gives nothing"),
        pytest.param(lambda *_: [(SimpleNamespace(name="NEW"), None)], id="an operation nobody knows"),
        pytest.param(lambda *_: [(SimpleNamespace(name="IN"), [(SimpleNamespace(name="NEW"), 1)])], id="a new class"),
        pytest.param(lambda *_: [(1, 2, 3)], id="another shape"),
        pytest.param(None, id="no parser"),
    ],
)
def test_without_the_parser_of_re_every_rule_is_asked(monkeypatch: pytest.MonkeyPatch, parse: Any) -> None:
    parser = SimpleNamespace(parse=parse) if parse else SimpleNamespace()
    monkeypatch.setattr(beginnings, "import_module", lambda _: parser)
    rules = RuleSet(english.NUMBERS.rules)
    for case in CASES[:300]:
        text = case["written"]
        for at in (at for at in range(len(text)) if text[at].isdecimal()):
            assert rules.edit(text, at) == _asked_of_all(rules, text, at)


def _asked_of_all(numbers: RuleSet, text: str, at: int) -> Edit | None:
    for rule in numbers.rules:
        match = rule.pattern.match(text, at)
        if match is not None and (words := rule.say(match)) is not None:
            return at, match.end(), words
    return None


WORDS = ("alpha", "bravo", "quiet", "window", "harbour", "zebra")
FORMS = (
    "$5",
    "3–5",
    "10:30am",
    "😀",
    "(laughs)",
    "https://a.com/b/c",
    "5 kg",
    "1984",
    "e.g.",
    "50%",
    "Dr. Who",
    "C#",
)


@given(st.lists(st.sampled_from(WORDS + FORMS), min_size=1, max_size=12), st.integers(0, 50))
@settings(max_examples=300, deadline=None)
def test_the_map_is_exact_at_the_end_of_every_word(parts: list[str], start: int) -> None:
    text = " ".join(parts)
    chunk = TTSTextProcessor().process(TextChunk(text, start, start + len(text), Boundary.END))
    if chunk is None:
        return
    assert_monotone(chunk)
    spoken = 0
    at = 0
    for part in parts:
        end = at + len(part)
        if part in WORDS:
            spoken = chunk.text.index(part, spoken) + len(part)
            assert chunk.raw_at(spoken) == start + end or spoken == len(chunk.text)
            assert chunk.spoken_at(start + end) == spoken
        at = end + 1


def test_the_map_goes_through_the_map_of_the_chunk() -> None:
    # raw: "**Pay** $5 [now](http://x)" -> text "Pay $5 now"
    chunk = TextChunk("Pay $5 now", 0, 26, Boundary.END, mapping=((0, 2), (3, 7), (7, 12)))
    said = TTSTextProcessor().process(chunk)
    assert said is not None
    assert said.text == "Pay five dollars now"
    ends = [len("Pay five dollars"), len("Pay five dollars n")]
    assert [said.raw_at(end) for end in ends] == [10, 13]
    assert said.spoken_at(13) == ends[1]


def test_a_form_cut_short_was_not_heard() -> None:
    text = "Pay $1,250.75 on 2026-11-21 please."
    said = TTSTextProcessor().process(text)
    assert said is not None
    for words, form in (
        ("one thousand two hundred fifty dollars and seventy-five cents", "$1,250.75"),
        ("November twenty-first, twenty twenty-six", "2026-11-21"),
    ):
        first, start = said.text.index(words), text.index(form)
        assert {said.raw_at(first + i) for i in range(len(words))} == {start}
        assert said.raw_at(first + len(words)) == start + len(form)
        assert (said.spoken_at(start), said.spoken_at(start + len(form))) == (first, first + len(words))


def assert_monotone(chunk: SpeechChunk) -> None:
    raw = [chunk.raw_at(position) for position in range(len(chunk.text) + 1)]
    back = [chunk.spoken_at(offset) for offset in range(chunk.start, chunk.end + 1)]
    assert raw == sorted(raw)
    assert back == sorted(back)
    assert (raw[0], raw[-1]) == (chunk.start, chunk.end)


ATOMS_TEXT = (
    "0 1 9 10 1984 $ € % . , : ; / - – ( ) [ ] < > = + * ^ & # @ ' \" ° ² ½ a b I V X Dr. St. e.g. http:// "
    "www. com kg km/h am May U.S. No. 😀 \u200d \ufe0f \x00 \ud800 é 中 あ 한 я ع ह १ ٣"
)
ATOMS = [*ATOMS_TEXT.split(" "), *[" "] * 12]


def test_random_text_never_raises_and_keeps_its_letters() -> None:
    rng = random.Random(7)
    processors = [TTSTextProcessor(lang=lang) for lang in (*sorted(KNOWN), "xx")]
    lean = TTSTextProcessor(rules=SpeechRules(normalise="off", emotions={}))
    for number in range(4_000):
        if number % 2:
            text = "".join(rng.choice(ATOMS) for _ in range(rng.randrange(1, 30)))
        else:
            top = rng.choice((0x80, 0x3000, 0x1FB00))
            text = "".join(chr(rng.randrange(top)) for _ in range(rng.randrange(1, 40)))
        chunk = rng.choice(processors).process(text)
        if chunk is None:
            assert not any(c.isalpha() for c in text)
            continue
        chunk.text.encode()
        assert_monotone(chunk)
        if "." not in text and ":" not in text:
            kept = lean.process(text)
            letters = [c for c in kept.text if c.isalpha()] if kept else []
            assert letters == [c for c in text if c.isalpha()]


@given(st.text(max_size=80), st.sampled_from(sorted(KNOWN)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_accepted(text: str, lang: str) -> None:
    chunk = TTSTextProcessor(lang=lang).process(text)
    if chunk is not None:
        assert_monotone(chunk)


FLOODS = ("1", "1.", "1 ", "1-", "1:", "$1", "2²", "½", "a.", "1/", "/a", "a_", "(a ", "<e ", "==a==", "I ", "5 kg ")


@pytest.mark.parametrize(
    ("lang", "unit"), [*(("en", unit) for unit in (*FLOODS, "https://a.b/c?")), ("de", "1 "), ("de", "2²"), ("de", "½")]
)
def test_long_input_takes_linear_time(lang: str, unit: str) -> None:
    text = (unit * 200_000)[:200_000]
    began = time.process_time()
    TTSTextProcessor(lang=lang).process(text)
    assert time.process_time() - began < 5  # under half a second on an idle core; a quadratic rule takes minutes
