"""TTSTextProcessor: blocks, marks, spans and the map back; the written forms have their own tests."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import pipeline.text
from pipeline.text.models import Block, Boundary, SpeechChunk, TextChunk
from pipeline.text.speech_rules import SpeechRules
from pipeline.text.tts_processor import TTSTextProcessor


def say(text: str, *, lang: str = "en", **rules: object) -> SpeechChunk | None:
    return TTSTextProcessor(lang=lang, rules=SpeechRules(**rules)).process(text)  # type: ignore[arg-type]


def spoken(text: str, *, lang: str = "en", **rules: object) -> str | None:
    chunk = say(text, lang=lang, **rules)
    return chunk and chunk.text


def block(kind: Block, text: str = "", info: str = "") -> TextChunk:
    return TextChunk(text, 10, 10 + max(len(text), 1), Boundary.PARAGRAPH, kind, info)


def test_plain_text_is_itself() -> None:
    chunk = say("A plain umbrella, as it is written.")
    assert chunk is not None
    assert chunk.text == "A plain umbrella, as it is written."
    assert (chunk.start, chunk.end, chunk.mapping, chunk.lang) == (0, 35, (), "en")


@pytest.mark.parametrize(
    ("rule", "info", "words"),
    [
        ("announce", "python:12", "Python code, 12 lines."),
        ("announce", "python:1", "Python code, 1 line."),
        ("announce", ":3", "Code, 3 lines."),
        ("announce", "brainfog:3", "Code, 3 lines."),
        ("announce", "c++:2", "C plus plus code, 2 lines."),
        ("skip", "python:12", None),
        ("read", "python:12", None),
    ],
)
def test_the_end_of_code(rule: str, info: str, words: str | None) -> None:
    processor = TTSTextProcessor(rules=SpeechRules(code=rule))  # type: ignore[arg-type]
    chunk = processor.process(block(Block.CODE_END, info=info))
    assert (chunk and chunk.text) == words


@pytest.mark.parametrize(("rule", "words"), [("announce", None), ("skip", None), ("read", "total")])
def test_code_lines(rule: str, words: str | None) -> None:
    chunk = TTSTextProcessor(rules=SpeechRules(code=rule)).process(  # type: ignore[arg-type]
        block(Block.CODE, "total", "python")
    )
    assert (chunk and chunk.text) == words


def test_table_rows_and_list_numbers() -> None:
    row, item = block(Block.TABLE_ROW, "Name: Ada."), block(Block.LIST_ITEM, "Open the door.", "3")
    full, lean = TTSTextProcessor(), TTSTextProcessor(rules=SpeechRules(tables="skip", list_numbers=False))
    assert [c and c.text for c in map(full.process, (row, item))] == ["Name: Ada.", "Third: Open the door."]
    assert [c and c.text for c in map(lean.process, (row, item))] == [None, "Open the door."]


@pytest.mark.parametrize(
    ("text", "words", "emotion"),
    [
        ("[whispers] Hi there.", "Hi there.", "whisper"),
        ("That is funny (laughs).", "That is funny.", "laugh"),
        ('<emotion value="happy"/>Hi', "Hi", "happy"),
        ("Great! 😂😂 Let's go", "Great! Let's go", "laugh"),
        ("Hi😀there", "Hi there", "happy"),
        ("Take the train 🚆 today", "Take the train today", None),
        ("An unknown [bracket] stays (as it should).", "An unknown [bracket] stays (as it should).", None),
    ],
)
def test_marks_leave_the_text(text: str, words: str, emotion: str | None) -> None:
    chunk = say(text)
    assert chunk is not None
    assert (chunk.text, chunk.emotion) == (words, emotion)


def test_a_silent_chunk_leaves_span_and_emotion_to_the_next() -> None:
    processor = TTSTextProcessor()
    assert processor.process(TextChunk("😂 !", 3, 6, Boundary.SENTENCE)) is None
    chunk = processor.process(TextChunk("Well.", 7, 12, Boundary.SENTENCE))
    assert chunk is not None
    assert (chunk.start, chunk.end, chunk.emotion) == (3, 12, "laugh")
    again = processor.process(TextChunk("Well.", 13, 18, Boundary.END))
    assert again is not None
    assert (again.start, again.emotion) == (13, None)


@pytest.mark.parametrize("text", ["", " ", "…", "\x00", "\ud800", "---", "👋"])
def test_nothing_to_say(text: str) -> None:
    assert say(text) is None


@pytest.mark.parametrize(
    "bad",
    [
        {"code": "speak"},
        {"emoji": ""},
        {"normalise": "FULL"},
        {"list_numbers": "yes"},
        {"emotions": {"": "x"}},
    ],
)
def test_bad_rules_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        SpeechRules(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lang", "code", "item"),
    [
        ("de", "Python-Code, 12 Zeilen.", "Drittens: X."),
        ("fr", "Code Python, 12 lignes.", "Troisième : X."),
        ("ru", "Код на Python, 12 строк.", "Третье: X."),
        ("zh", "Python代码，12行。", "第三，X."),
        ("ko", "Python 코드, 12줄.", "셋째, X."),
        ("xx", None, "X."),
    ],
)
def test_announcements_in_other_languages(lang: str, code: str | None, item: str) -> None:
    processor = TTSTextProcessor(lang=lang)
    end = processor.process(block(Block.CODE_END, info="py:12"))
    assert (end and end.text) == code
    chunk = processor.process(block(Block.LIST_ITEM, "X.", "3"))
    assert chunk is not None
    assert chunk.text == item


def test_a_list_item_in_parts_is_numbered_once() -> None:
    processor = TTSTextProcessor()
    parts = [
        TextChunk("One thing,", 0, 10, Boundary.CLAUSE, Block.LIST_ITEM, "2"),
        TextChunk("then more.", 11, 21, Boundary.PARAGRAPH, Block.LIST_ITEM, "2"),
        TextChunk("New list.", 22, 31, Boundary.PARAGRAPH, Block.LIST_ITEM, "2"),
    ]
    said = [chunk and chunk.text for chunk in map(processor.process, parts)]
    assert said == ["Second: One thing,", "then more.", "Second: New list."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("So $E = mc^2$ holds.", "So E equals mc squared holds."),
        (r"So \(x_1 + x_2 \le 5\) holds.", "So x one plus x two is less than or equal to five holds."),
        (r"So $\sum_{i=1}^n i$ holds.", "So a formula holds."),
        ("It costs $5 or $10.", "It costs five dollars or ten dollars."),
    ],
)
def test_inline_formulas(text: str, words: str) -> None:
    assert spoken(text) == words


def test_a_formula_of_its_own() -> None:
    chunk = TTSTextProcessor().process(block(Block.MATH, r"\int f"))
    assert chunk is not None
    assert chunk.text == "A formula."
    assert TTSTextProcessor(rules=SpeechRules(math="skip")).process(block(Block.MATH, "x")) is None


@pytest.mark.parametrize(
    ("text", "lang", "said_in"),
    [
        ("Привет, как дела?", "en", "ru"),
        ("음악을 들어요.", "en", "ko"),
        ("お元気ですか。", "zh", "ja"),
        ("我们走吧。", "de", "zh"),
        ("سلام، چطوری؟", "en", "fa"),
        ("Hello there.", "ja", "en"),
        ("He said привет to me.", "en", "en"),
        ("我们走吧。", "ja", "ja"),
    ],
)
def test_a_chunk_in_another_script_is_said_in_its_language(text: str, lang: str, said_in: str) -> None:
    chunk = say(text, lang=lang)
    assert chunk is not None
    assert chunk.lang == said_in


def test_the_examples_of_the_readme_run() -> None:
    readme = Path(pipeline.text.__file__).with_name("README.md")
    failed, tried = doctest.testfile(str(readme), module_relative=False)
    assert (failed, tried > 8) == (0, True)
