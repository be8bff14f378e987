"""The policy: when a chunk leaves, and what the chunker must never do."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import Block, Boundary, ChunkLimits, TextChunk, TextChunkProcessor, speak
from pipeline.text.limits import PROFILES
from tests.streams import SIZES, chunked, cut_at, every

REPLY = """# Tea

Sure! **Making tea** is easy, and it takes about 3.5 minutes. Here is [how](https://example.com/a_b?c=1):

1. Boil 250 ml of water.
2. Add the *leaves*; wait.
   Stir `tea.stir()` once.

| Name | Age |
|------|-----|
| Ada  | 36  |

```python
print("hi.")
```

<think>secret. plan</think>Dr. Smith said "Trust me." and smiled. That's all!
"""


def texts(text: str, size: int = 4, lang: str = "en", limits: ChunkLimits | None = None) -> list[str]:
    return [chunk.text for chunk in chunked(every(text, size), lang, limits)]


def test_a_whole_reply() -> None:
    assert [(c.block, c.text, c.info) for c in chunked([REPLY])] == [
        (Block.HEADING, "Tea", ""),
        (Block.PARAGRAPH, "Sure! Making tea is easy, and it takes about 3.5 minutes.", ""),
        (Block.PARAGRAPH, "Here is how:", ""),
        (Block.LIST_ITEM, "Boil 250 ml of water.", "1"),
        (Block.LIST_ITEM, "Add the leaves; wait. Stir tea.stir() once.", "2"),
        (Block.TABLE_ROW, "Name: Ada. Age: 36.", ""),
        (Block.CODE, 'print("hi.")', "python"),
        (Block.CODE_END, "", "python:1"),
        (Block.PARAGRAPH, 'Dr. Smith said "Trust me." and smiled.', ""),
        (Block.PARAGRAPH, "That's all!", ""),
    ]


def test_siblings_within_a_line_are_items_as_the_first_is() -> None:
    reply = "1. Preheat the oven. 2. Mix **it** for 3.5 minutes 3. Bake. That's all.\n\nIn 2. Bundesliga."
    for size in (*SIZES, len(reply)):
        got = chunked(every(reply, size))
        assert [(c.info, c.text, reply[c.start : c.end]) for c in got] == [
            ("1", "Preheat the oven.", "1. Preheat the oven."),
            ("2", "Mix it for 3.5 minutes", "2. Mix **it** for 3.5 minutes"),
            ("3", "Bake. That's all.", "3. Bake. That's all."),
            ("", "In 2. Bundesliga.", "In 2. Bundesliga."),
        ]
    assert [c.text for c in speak("1. Mix. 2. Bake.")] == ["First: Mix.", "Second: Bake."]


def test_why_chunks_end() -> None:
    got = chunked(["Well, my dear friend, hello. It costs $3.14 at example.com today.\n\nBye now."])
    assert [(c.text, c.boundary) for c in got] == [
        ("Well, my dear friend,", Boundary.CLAUSE),
        ("hello. It costs $3.14 at example.com today.", Boundary.PARAGRAPH),
        ("Bye now.", Boundary.END),
    ]


# -- the first chunk and the later ones -------------------------------------------------------------------


def test_a_short_first_sentence_leaves_at_once() -> None:
    assert texts("Yes. I can do that for you.") == ["Yes.", "I can do that for you."]


def test_the_first_chunk_may_end_at_a_clause() -> None:
    assert texts("When you are ready, press the green button. Then wait.")[0] == "When you are ready,"
    assert texts("Hello, you. And so on it goes.")[0] == "Hello, you."  # two words are too few


def test_a_clause_mark_within_a_number_is_none() -> None:
    assert texts("There are about 1,000 of them: all new.")[0] == "There are about 1,000 of them:"
    assert texts("It was on March 5, 1821 in the morning, I think.")[0] == "It was on March 5, 1821 in the morning,"


def test_the_first_chunk_ends_after_twelve_words_where_one_may_breathe() -> None:
    words = "one two three four five six seven eight nine ten of the morning birds sing so loudly"
    assert texts(words)[0] == "one two three four five six seven eight nine ten of the morning"


def test_short_sentences_go_with_the_next() -> None:
    assert texts("First of all, hello. No. Yes. It is what it is, I say. Fine.") == [
        "First of all,",
        "hello. No. Yes. It is what it is, I say.",
        "Fine.",
    ]


def test_a_long_sentence_is_cut_at_a_clause_and_never_above_the_limit() -> None:
    limits = ChunkLimits(max_chars=60, min_chars=20, clause_first=False)
    got = chunked(["alpha beta gamma delta, " * 20], limits=limits)
    assert all(len(chunk.text) <= 60 for chunk in got)
    assert got[0].boundary is Boundary.FORCED
    assert got[0].text.endswith("delta,")


def test_a_short_sentence_leaves_alone_when_the_next_is_too_long() -> None:
    limits = ChunkLimits(max_chars=60, min_chars=20, clause_first=False)
    assert texts("One. Two. " + "Long word " * 12, limits=limits)[:2] == ["One.", "Two."]


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_keep_their_limit(name: str) -> None:
    limits = ChunkLimits.profile(name)
    text = "Some words, and more words; they go on and on until the end of it all. Short. " * 60
    got = chunked(every(text, 4), limits=limits)
    assert all(len(chunk.text) <= limits.max_chars for chunk in got)


def test_prosody_gives_long_whole_sentences() -> None:
    text = "This is a sentence of some length, with a clause. " * 20
    got = chunked([text], limits=ChunkLimits.profile("prosody"))
    assert all(120 <= len(chunk.text) <= 250 for chunk in got[1:-1])
    assert all(chunk.text.endswith(".") for chunk in got)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PROFILES)
def test_chunks_do_not_depend_on_the_cut(size: int, name: str) -> None:
    limits = ChunkLimits.profile(name)
    assert chunked(every(REPLY, size), limits=limits) == chunked([REPLY], limits=limits)


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "Hello",
            "world ",
            ". ",
            ".",
            "! ",
            "?",
            " ",
            "\n",
            "\n\n",
            "Dr. ",
            "U.S. ",
            "a.m. ",
            "3.14",
            "1. ",
            "- ",
            "**",
            "*",
            "_",
            "`",
            "```",
            "```py\n",
            "[",
            "](u)",
            "(",
            ")",
            '"',
            "'",
            "“",
            "”",
            "<b>",
            "<think>",
            "</think>",
            "&amp;",
            "$",
            "$$",
            "\\",
            "\\(",
            "# ",
            "",
            "a",
            "b",
            "\n",
            "",
            "-",
            "-",
            "\n",
            "https://x.y/_a",
            "a@b.co",
            "…",
            "...",
            "。",
            "「",
            "」",
            ", ",
            "; ",
            ": ",
            " — ",
            "😀",
            "z. B. ",
            "3. Oktober",
            "г. ",
            "> ",
            "~~~",
            "[1]",
            "===\n",
            "---\n",
            "The ",
            "iPhone",
            ".The",
            "\r\n",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=400)
@given(FRAGMENTS, st.lists(st.integers(1, 9), min_size=1, max_size=30), st.sampled_from(["en", "de", "ru", "zh", "el"]))
def test_random_markup_does_not_depend_on_the_cut(text: str, sizes: list[int], lang: str) -> None:
    assert chunked(cut_at(text, sizes), lang) == chunked([text], lang)


class Eager(TextChunkProcessor):
    """Holds nothing unread."""

    def feed(self, text: str) -> list[TextChunk]:
        self._room = 0
        return super().feed(text)


@settings(max_examples=400)
@given(FRAGMENTS, st.lists(st.integers(1, 9), min_size=1, max_size=30), st.sampled_from(sorted(PROFILES)))
def test_text_that_is_held_unread_delays_no_chunk(text: str, sizes: list[int], name: str) -> None:
    held, eager = (kind(limits=ChunkLimits.profile(name)) for kind in (TextChunkProcessor, Eager))
    for token in cut_at(text, sizes):
        assert held.feed(token) == eager.feed(token)
    assert held.flush() == eager.flush()


@pytest.mark.parametrize("size", SIZES)
def test_held_text_of_a_whole_reply_delays_no_chunk(size: int) -> None:
    held, eager = TextChunkProcessor(), Eager()
    for token in every(REPLY * 2, size):
        assert held.feed(token) == eager.feed(token)


@pytest.mark.parametrize(
    ("before", "token", "leaves"),
    [
        ("Yes. Then it was done.", " A", ["Then it was done."]),
        ("Yes. Then it cost 3.", "5 in all", []),
        ("Yes. - one\n\n- two of them\n", "- ", []),
        ("Yes.\n\n- one\n- two of them\n", "- x", ["two of them"]),
        ("Yes.\n\n# A head", "\n", ["A head"]),
        ("Yes.\n\n```\nmake all", "\n", ["make all"]),
        ("Yes.\n\n    make all", "\n", ["make all"]),
        ("Yes. So <b>it is", "<p>", ["So it is"]),
        ("Yes. So it is $$x", "$$", ["So it is", "x"]),
        ("Yes. So it is \\[x\\", "]", ["So it is", "x"]),
        ("Yes. So &excl", "; And", ["So !"]),
    ],
)
def test_the_token_at_which_a_chunk_leaves(before: str, token: str, leaves: list[str]) -> None:
    processor = TextChunkProcessor(limits=ChunkLimits(min_chars=0))
    for part in every(before, 1):
        processor.feed(part)
    assert [chunk.text for chunk in processor.feed(token)] == leaves


def test_flush_makes_it_as_new() -> None:
    processor = TextChunkProcessor()
    first = processor.feed("One two three. Four") + processor.flush()
    assert processor.feed("One two three. Four") + processor.flush() == first
    assert processor.flush() == []


def test_returned_lists_are_the_callers() -> None:
    processor = TextChunkProcessor()
    processor.feed("Hello").append(None)  # type: ignore[arg-type]
    assert [c.text for c in processor.flush()] == ["Hello"]


# -- idle -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Let me check that for you.",
        "Let me check that for you. ",
        "**Let me check that.**",
        "One moment!",
        "Is that so?",
        "One moment...",
        "Let me look that up:",
        "少々お待ちください。",
        "Great. Sure.",
        "Let me check.\n",
        'She said "wait."',
    ],
)
def test_an_idle_stream_gives_out_a_finished_sentence(text: str) -> None:
    processor = TextChunkProcessor()
    got = processor.feed(text) + processor.release()
    assert "".join(c.text for c in got).replace(" ", "") == text.strip("*\n ").replace(" ", "")
    assert processor.flush() == []


@pytest.mark.parametrize(
    "text", ["It is 3.", "It costs $", "I saw Dr.", "Ask Mr. J.", "At 10:", "See example.", "and so", "Use `a.", "1."]
)
def test_an_idle_stream_keeps_what_may_go_on(text: str) -> None:
    processor = TextChunkProcessor()
    assert processor.feed(text) + processor.release() == [] or text == "See example."


def test_release_loses_and_repeats_nothing() -> None:
    processor = TextChunkProcessor()
    out = []
    for token in every(REPLY, 3):
        out += processor.feed(token) + processor.release()
    out += processor.flush()
    whole = chunked([REPLY])
    assert "".join("".join(c.text for c in out).split()) == "".join("".join(c.text for c in whole).split())
    assert all(a.end <= b.start for a, b in itertools.pairwise(out))


# -- what other chunkers get wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("Take your umbrella with you. It may rain.", ["Take your umbrella with you.", "It may rain."]),
        ("음악을 틀어 드릴게요.", ["음악을 틀어 드릴게요."]),
        ("*italics* stay.", ["italics stay."]),
        ("[label](https://example.com/a.b) stays.", ["label stays."]),
        ("That is $3.50 in all.", ["That is $3.50 in all."]),
        ("هل أنت بخير؟ نعم بالطبع.", ["هل أنت بخير؟", "نعم بالطبع."]),
        ("यह ठीक है। वह भी ठीक है।", ["यह ठीक है।", "वह भी ठीक है।"]),
        ("1. One\n2. Two", ["One", "Two"]),
        ("「やめて。お願い！」と彼女は言った。", ["「やめて。お願い！」と彼女は言った。"]),
        ("<think>No. Not that.</think>Fine.", ["Fine."]),
        ("5 *3 is fifteen. So be it.", ["5 *3 is fifteen.", "So be it."]),
        ("_name is private. So be it.", ["name is private.", "So be it."]),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_known_failures_of_others(text: str, want: list[str], size: int) -> None:
    assert texts(text, size, limits=ChunkLimits.sentences()) == want


def test_a_finished_sentence_before_a_tool_call_is_not_held() -> None:
    processor = TextChunkProcessor()
    processor.feed("Let me check that for you.")
    assert [c.text for c in processor.release()] == ["Let me check that for you."]


@pytest.mark.parametrize("mark", ["[", "`", "5 *3", "_name", "(", "<"])
def test_an_unpaired_mark_mutes_nothing(mark: str) -> None:
    """One line after it speech goes on, as it does without the mark."""
    text = f"Here is {mark} in a line of text\n\nThe next sentence is spoken. And one more."
    assert texts(text)[-2:] == ["The next sentence is spoken.", "And one more."]


# -- hostile input ----------------------------------------------------------------------------------------

HOSTILE = [
    "word ",
    "a",
    "[",
    "*",
    "a.b.",
    "... ",
    ".",
    "`",
    "<",
    "(",
    "12,34,56.7,ab;",
    "$",
    "&",
    "\\",
    "_",
    "~",
    "!",
    "#",
    "-",
    ">",
    "\n",
    " ",
    '"',
    "'",
    "A. ",
    "Dr. ",
    "1. ",
    "[a](",
    "<a ",
    "`a ",
    "$a ",
    "https://",
    "a.m. ",
    "(a. B ",
    "。",
    "あ、",
    "😀",
    "! 😀",
    "• ",
    "a) ",
    "<think>",
    "<think",
    "```\n",
    "$$ ",
    "\\[ ",
    "<!-- ",
    "&a",
    "*a",
    "* a\n",
    ". ",
    "![",
    "I. ",
    "- ",
    "[1]",
    "\t",
    "> ",
]


@pytest.mark.parametrize("unit", [*HOSTILE, "|", "|a|\n"])
def test_hostile_input_is_linear(unit: str) -> None:
    """Four times the characters cost about four times as much (a quadratic chunker takes 16 times)."""

    def cost(characters: int) -> float:
        tokens = every(unit * (characters // len(unit)), 4)
        times = []
        for _ in range(2):
            begin = time.process_time()
            chunked(tokens)
            times.append(time.process_time() - begin)
        return min(times)

    small, large = cost(5_000), cost(20_000)
    assert large < 12 * small + 0.05


@pytest.mark.parametrize("unit", ["a", "a.b.", "[", "A. ", "! 🎉"])
def test_a_long_token_costs_no_more_than_many_short_ones(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    begin = time.process_time()
    chunked([text])
    assert time.process_time() - begin < 5  # a quadratic one takes minutes


@pytest.mark.parametrize(
    "start", ["There were about 1,", "There. ", "- ", "# ", "See Dr. ", "Hi!", "http://", "|", "$$", "```\\n"]
)
@pytest.mark.parametrize("unit", [" ", "x", "😀", ")", "[1]", ". "])
def test_a_long_run_behind_a_mark_is_not_waited_for(start: str, unit: str) -> None:
    begin = time.process_time()
    chunked(every(start + unit * (30_000 // len(unit)), 4))
    assert time.process_time() - begin < 3  # a quadratic one takes minutes


def test_the_buffer_stays_small() -> None:
    processor = TextChunkProcessor()
    for _ in range(20_000):
        processor.feed("word ")
    assert len(processor._held) < 1_000
    assert len(processor._cutter._text) < 3_000
    assert len(processor._cutter._raw) < 100


# -- the rest ---------------------------------------------------------------------------------------------


def test_mean_look_ahead_is_below_one_and_a_half_tokens() -> None:
    text = "It takes about three minutes. Dr. Smith agrees! Does she? She was in the U.S. in May. It was fine. " * 5
    processor = TextChunkProcessor(limits=ChunkLimits.sentences())
    waits = []
    for n, token in enumerate(every(text, 4)):
        waits += [n - (chunk.end - 1) // 4 for chunk in processor.feed(token)]
    assert sum(waits) / len(waits) <= 1.5


def test_speak_takes_a_whole_text() -> None:
    assert [c.text for c in speak("**Hello** there. How are you?")] == ["Hello there.", "How are you?"]


def test_limits_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        ChunkLimits(max_chars=3)
    with pytest.raises(ValueError, match="min_chars"):
        ChunkLimits(min_chars=400)
    with pytest.raises(ValueError, match="first_min_words"):
        ChunkLimits(first_min_words=-1)
    with pytest.raises(ValueError, match="balanced"):
        ChunkLimits.profile("loud")
    assert ChunkLimits.profile("sentence") == ChunkLimits.sentences()
