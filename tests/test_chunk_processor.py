import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import Block, Boundary, ChunkLimits, TextChunk, TextChunkProcessor, speak

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


def chunks(text: str, size: int = 0, **options: object) -> list[TextChunk]:
    processor = TextChunkProcessor(**options)  # type: ignore[arg-type]
    tokens = [text[i : i + size] for i in range(0, len(text), size)] if size else [text]
    out = [chunk for token in tokens for chunk in processor.feed(token)]
    return out + processor.flush()


def test_sentences_leave_as_chunks() -> None:
    got = chunks("Hello there, my dear friend. It costs $3.14 at example.com today. Bye.")
    assert [(c.text, c.boundary) for c in got] == [
        ("Hello there, my dear friend.", Boundary.SENTENCE),
        ("It costs $3.14 at example.com today.", Boundary.SENTENCE),
        ("Bye.", Boundary.END),
    ]


def test_markdown_becomes_blocks() -> None:
    got = chunks(REPLY)
    assert [(c.block, c.text, c.info) for c in got] == [
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


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("profile", ["balanced", "fast", "prosody", "sentence"])
def test_chunks_do_not_depend_on_the_cut(size: int, profile: str) -> None:
    limits = ChunkLimits.profile(profile)
    assert chunks(REPLY, size, limits=limits) == chunks(REPLY, limits=limits)


MARKUP = st.text(alphabet="aB1 .,!?\n*_`[]()<>#|-$\\&:;\"'~。」…/", max_size=80)


@settings(max_examples=300)
@given(MARKUP, st.lists(st.integers(1, 9), min_size=1, max_size=90))
def test_random_markup_cut_anywhere(text: str, sizes: list[int]) -> None:
    processor = TextChunkProcessor()
    out, at, n = [], 0, 0
    while at < len(text):
        step = sizes[n % len(sizes)]
        out += processor.feed(text[at : at + step])
        at, n = at + step, n + 1
    assert out + processor.flush() == chunks(text)


def test_an_idle_stream_gives_out_a_finished_sentence() -> None:
    processor = TextChunkProcessor()
    assert processor.feed("Let me check that for you.") == []
    assert [c.text for c in processor.release()] == ["Let me check that for you."]
    assert [c.text for c in processor.feed(" It is 3.") + processor.release()] == []
    assert [c.text for c in processor.flush()] == ["It is 3."]


def test_flush_makes_it_as_new() -> None:
    processor = TextChunkProcessor()
    first = processor.feed("One two three. Four") + processor.flush()
    assert processor.feed("One two three. Four") + processor.flush() == first


def test_speak_takes_a_whole_text() -> None:
    assert [c.text for c in speak("**Hello** there. How are you?")] == ["Hello there.", "How are you?"]


def test_limits_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        ChunkLimits(max_chars=3)
    with pytest.raises(ValueError, match="balanced"):
        ChunkLimits.profile("loud")
