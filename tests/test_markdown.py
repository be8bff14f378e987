"""What markdown leaves: plain text, blocks, and offsets into the raw reply."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import Block, Boundary, ChunkLimits, TextChunk
from pipeline.text.markdown import Break, MarkdownFilter, Pieces, Text
from tests.streams import SIZES, chunked, cut_at, every

P, H, LI, ROW = Block.PARAGRAPH, Block.HEADING, Block.LIST_ITEM, Block.TABLE_ROW


def pieces_of(text: str) -> Pieces:
    pieces = Pieces()
    MarkdownFilter(pieces).read(text, final=True)
    return pieces


def plain(text: str) -> str:
    """What is left of one paragraph."""
    return "".join(piece.text for piece in pieces_of(text) if isinstance(piece, Text))


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("**bold** and *italic* and ***both***", "bold and italic and both"),
        ("__bold__ and _italic_ and ~~gone~~", "bold and italic and gone"),
        ("a **bold**, then", "a bold, then"),
        ("un*believ*able is literal", "un*believ*able is literal"),
        ("这是*重点*内容", "这是重点内容"),
        ("5 * 3 and 5*3 and 2**3", "5 * 3 and 5*3 and 2**3"),
        ("5 *3 stays", "5 *3 stays"),
        ("a_b and snake_case_name", "a_b and snake_case_name"),
        ("C# and #1 and ~5 minutes", "C# and #1 and ~5 minutes"),
        ("`code` and ``a ` b``", "code and a ` b"),
        ("a stray ` tick", "a stray tick"),
        ('[label](https://example.com/a_(b) "title") on', "label on"),
        ("[**bold** label](u) and [ref][1] and [ref][]", "bold label and ref and ref"),
        ("![a cat](cat.png) sits", "a cat sits"),
        ("[![badge](b.png)](https://x.y) here", "badge here"),
        ("[whispers] and (laughs) and [1] stay", "[whispers] and (laughs) and [1] stay"),
        ("an open [ bracket", "an open [ bracket"),
        ("[not a link](because of spaces here)", "[not a link](because of spaces here)"),
        ("<https://example.com/x> and <mailto:a@b.co>", "https://example.com/x and a@b.co"),
        ("https://example.com/_a_*b*?x=1&copy=2 on", "https://example.com/_a_*b*?x=1&copy=2 on"),
        ("<b>bold</b>, H<sub>2</sub>O", "bold, H2O"),
        ('<a href="https://x.y">label</a> and <img src="x.png"/>', "label and "),
        ('<emotion value="happy"/> stays', '<emotion value="happy"/> stays'),
        ("<!-- hidden --> shown", " shown"),
        ("a < b and List<String> and x <y", "a < b and List<String> and x <y"),
        ("AT&amp;T &lt;3 &#39;x&#39; &nope; R&D", "AT&T <3 'x' &nope; R&D"),
        (r"\*not italic\* and \# and C:\dir", r"*not italic* and # and C:\dir"),
        ("$5 and $10.50", "$5 and $10.50"),
        (r"$x^2$ and \(a_b\) stay whole", r"$x^2$ and \(a_b\) stay whole"),
        ("one\ntwo  \nthree\\\nfour", "one two  three four"),
        ("a note[^1] here", "a note here"),
        ("<think>secret</think>shown", "shown"),
        ("a <Thinking>se<b>cr</b>et</Thinking> b", "a b"),
        ("shown <reasoning>never closed. Ever", "shown "),
        ("stray </think>end", "stray end"),
        ("<script>code()</script>shown", "shown"),
        ("a <STYLE media='x'>.b{}</style >b", "a b"),
        ("<script>\ncode()\n\nmore()\n</script>", ""),
        ("so: <style>\n.a{}\n</style>end", "so: end"),
        ("the <script> tag runs code", "the tag runs code"),
        ("the <pre> tag\nkeeps spaces</pre>", "the tag keeps spaces"),
        ("<sub>2</sub><sup>3</sup>", "2³"),
        ("x<sup>2</sup> and 10<sup>-3</sup> m", "x² and 10⁻³ m"),
        ("x<sup>n</sup>, the 1<sup>st</sup>, le 1<sup>er</sup> <sup>2</sup>", "x^n, the 1st, le 1er 2"),
        ("H~2~O and x^2^ and ~5~ and a^b", "H2O and x² and ~5~ and a^b"),
        ("==marked words==, a == b, a ==b and x==y== z", "marked words, a == b, a ==b and x==y== z"),
        ("&lt;sigh/&gt; &lt;3 &lt;b", "‹sigh/› <3 <b"),
    ],
)
def test_inline_marks(written: str, left: str) -> None:
    assert plain(written) == left


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("# Title\ntext", [(H, "Title", ""), (P, "text", "")]),
        ("para one\n\npara two", [(P, "para one", ""), (P, "para two", "")]),
        ("- one\n* two\n+ three\n• four", [(LI, "one", ""), (LI, "two", ""), (LI, "three", ""), (LI, "four", "")]),
        ("1. one\n2) two\n(3) three", [(LI, "one", "1"), (LI, "two", "2"), (LI, "three", "3")]),
        ("- [ ] todo\n- [x] done", [(LI, "todo", ""), (LI, "done", "")]),
        ("1. outer\n   - inner\n2. next", [(LI, "outer", "1"), (LI, "inner", ""), (LI, "next", "2")]),
        ("- item\n  goes on", [(LI, "item goes on", "")]),
        ("born in\n45. No list", [(P, "born in 45.", ""), (P, "No list", "")]),
        ("> quoted\n> text\n\nnot", [(P, "quoted text", ""), (P, "not", "")]),
        ("Title\n=====\nBody\n---\nEnd", [(P, "Title", ""), (P, "Body", ""), (P, "End", "")]),
        ("a\n\n***\n\nb", [(P, "a", ""), (P, "b", "")]),
        ("[1]: https://x.y\ntext", [(P, "text", "")]),
        ("<p>one</p><p>two</p>", [(P, "one", ""), (P, "two", "")]),
        ("-5 degrees\n- item", [(P, "-5 degrees", ""), (LI, "item", "")]),
        (
            "| Name | Age |\n|:--|--:|\n| **Ada** | 36 |\n| Bob | |\nEnd",
            [(ROW, "Name: Ada. Age: 36.", ""), (ROW, "Name: Bob.", ""), (P, "End", "")],
        ),
        ("|x| is a number", [(P, "|x| is a number", "")]),
        (
            "```Python title=x\nprint(1)\n\n    x\n```\nend",
            [
                (Block.CODE, "print(1)", "python"),
                (Block.CODE, "    x", "python"),
                (Block.CODE_END, "", "python:3"),
                (P, "end", ""),
            ],
        ),
        ("~~~\nnever closed", [(Block.CODE, "never closed", ""), (Block.CODE_END, "", ":1")]),
        ("So $$a^2$$ is it", [(P, "So", ""), (Block.MATH, "a^2", ""), (P, "is it", "")]),
        ("\\[\nx = 1\n\\]\nend", [(Block.MATH, "x = 1", ""), (P, "end", "")]),
    ],
)
def test_blocks(written: str, left: list[tuple[Block, str, str]]) -> None:
    for size in (*SIZES, len(written)):
        got = chunked(every(written, size), limits=ChunkLimits.sentences())
        assert [(c.block, c.text, c.info) for c in got] == left, f"size {size}"


def test_long_code_lines_are_split() -> None:
    got = chunked(["```\n" + "x" * 700 + "\n```"])
    assert [(len(c.text), c.boundary) for c in got[:-1]] == [
        (300, Boundary.FORCED),
        (300, Boundary.FORCED),
        (100, Boundary.SENTENCE),
    ]


@pytest.mark.parametrize(
    "mark", ["[", "`", "<b", "$x", "**", "_", "&am", "(", "\\(", "![", "|", "https://", "<!--", "~"]
)
def test_an_unclosed_mark_holds_no_more_than_a_few_hundred_characters(mark: str) -> None:
    """So long an answer is not muted: within 40 tokens after the limit of 600 characters it speaks."""
    filler = "some more words that go on and on, "
    tokens = every(f"Look: {mark} " + filler * 40, 4)
    processor_chunks = chunked(tokens[: 640 // 4])
    spoken = sum(len(chunk.text) for chunk in processor_chunks[:-1])
    assert spoken > 100


def test_the_newline_ends_an_unclosed_mark() -> None:
    got = chunked(["An open [bracket and `tick\n\nNext paragraph here."])
    assert got[-1].text == "Next paragraph here."


def test_reasoning_is_never_emitted_wherever_it_is_cut() -> None:
    text = "Hi. <think>Secret one. Secret\n\n- two</think>\n\nBye now. <reasoning>Secret three."
    for size in (*SIZES, len(text)):
        assert "ecret" not in "".join(chunk.text for chunk in chunked(every(text, size)))


def blocks(text: str) -> list[tuple[Block, str]]:
    whole = chunked([text])
    for size in SIZES:
        assert chunked(every(text, size)) == whole, size
    return [(chunk.block, chunk.text) for chunk in whole]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Run:\n\n    make all\n\n    make test\n\n\nThen go.", ["make all", "make test"]),
        ("Run:\n\n\tmake\n\t  test\nThen go.", ["make", "  test"]),
        ("Run:\n\n    " + "x = 1; " * 60 + "\nThen go.", None),
        ("    # no heading\n    import numpy as np\n\nThen go.", ["# no heading", "import numpy as np"]),
    ],
)
def test_indented_code(written: str, code: list[str] | None) -> None:
    got = blocks(written)
    lines = [text for block, text in got if block is Block.CODE]
    assert lines == code if code else lines
    assert got[-2:] == [(Block.CODE_END, ""), (P, "Then go.")]


@pytest.mark.parametrize(
    "written",
    [
        "- One\n\n    x = 1 in it\n- Two",
        "1. One\n\n    - inner\n\n        x = 1 in it\n\nEnd.",
        "Wrapped\n    x = 1 on\n",
        "Tale:\n\n    Once upon a time, there was none.\n",
        "A letter:\n\n    Dear Bob,\n\n    I am well.\n",
        "So:\n\n    - a list\n    - further in\n",
        "> Quoted\n>\n>     x = 1 in it",
    ],
)
def test_indented_text_that_is_no_code(written: str) -> None:
    assert Block.CODE not in {block for block, _ in blocks(written)}


def test_code_after_a_list_has_ended() -> None:
    got = blocks("- One\n\nThis:\n\n    x = 1\n")
    assert got == [(LI, "One"), (P, "This:"), (Block.CODE, "x = 1"), (Block.CODE_END, "")]


def test_fences_of_admonitions_are_silent() -> None:
    got = blocks("::: note\nOne two.\n:::\n\n:::{.tip}\nThree.\n:::\n:::warning Take care\nFour.\n:::")
    assert got == [(P, "One two."), (P, "Three."), (H, "Take care"), (P, "Four.")]
    assert blocks("> [!NOTE]\n> Quoted.") == [(P, "Quoted.")]


@pytest.mark.parametrize("name", ["script", "style", "pre"])
def test_what_code_tags_contain_is_silent(name: str) -> None:
    text = f"Intro.\n\n<{name} id='x'>\nsecret one\n\nsecret two\n</{name}>\n\nEnd. In <{name}>secret</{name}> line."
    assert "secret" not in str(blocks(text))
    assert blocks(text)[-1] == (P, "End. In line.")
    assert blocks(f"<{name}>secret, never closed. secret.") == []


def spoken_letters(chunks: list[TextChunk]) -> str:
    return "".join(c for chunk in chunks for c in chunk.text if c.isalnum())


WORDS = st.text(st.characters(exclude_characters="<>[]&\\$`~|#:", exclude_categories=["Cs"]), max_size=120)


@settings(max_examples=300)
@given(WORDS)
def test_no_letter_is_lost(text: str) -> None:
    """Without links, tags, code, entities and list numbers every letter is spoken, once and in order."""
    letters = "".join(c for c in text if c.isalpha())
    assert "".join(c for c in spoken_letters(chunked([text])) if c.isalpha()) == letters


@settings(max_examples=300)
@given(st.text(max_size=100), st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_any_text_is_cut_the_same_way(text: str, sizes: list[int]) -> None:
    assert chunked(cut_at(text, sizes)) == chunked([text])


MARKS = ["==", "=", "^", "~", "2", "x", " ", "    ", "\n", "\n\n", ":::", "&lt;", "&gt;", "- ", "> ", ". ", "\t", "**"]
TAGS = ["<sup>", "</sup>", "<script>", "</script>", "<pre>", "</pre >", "Once upon a time there", "`", "```\n", "a"]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(MARKS + TAGS), max_size=25).map("".join),
    st.lists(st.integers(1, 5), min_size=1, max_size=20),
)
def test_any_marks_are_cut_the_same_way(text: str, sizes: list[int]) -> None:
    assert chunked(cut_at(text, sizes)) == chunked([text])


@settings(max_examples=300)
@given(st.text(alphabet="ab. **_`[](x)\n-1|<b>&amp;", max_size=100))
def test_spans_are_in_order_and_lead_to_the_same_letters(text: str) -> None:
    end = 0
    for chunk in chunked([text]):
        assert end <= chunk.start <= chunk.end <= len(text)
        end = chunk.end
        raw = [point[1] for point in chunk.mapping]
        assert raw == sorted(raw)
        assert all(chunk.start <= at <= chunk.end for at in raw)


def test_a_span_goes_on_to_the_end_of_closing_marks() -> None:
    raw = "He said **stop.**\n\n- a `b`\n- [c](https://x.y/z)\n\n<b>*D*</b>"
    for size in (1, 3, 100):
        got = [raw[chunk.start : chunk.end] for chunk in chunked(every(raw, size))]
        assert got == ["He said **stop.**", "- a `b`", "- [c](https://x.y/z)", "D*</b>"]


def test_words_lead_to_their_raw_ends() -> None:
    raw = "See **the bold** [link text](https://x.y) &amp; more."
    (chunk,) = chunked([raw], limits=ChunkLimits.sentences())
    assert chunk.text == "See the bold link text & more."
    points = (*chunk.mapping, (len(chunk.text), chunk.end))

    def raw_at(position: int) -> int:
        here, start = max(point for point in points if point[0] <= position)
        return start + position - here

    for word in ("See", "the", "bold", "text", "more"):
        end = chunk.text.index(word) + len(word)
        assert raw[: raw_at(end)].endswith(word)


def test_the_filter_alone_gives_breaks_before_blocks() -> None:
    pieces = pieces_of("# A\n- b")
    assert [(piece.block, piece.start) for piece in pieces if isinstance(piece, Break)] == [(H, 0), (P, 3), (LI, 4)]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_date_at_the_start_of_a_line_is_no_list_item(size: int) -> None:
    got = chunked(every("3. Oktober war schön.\n\n1. Erstens das.", size), "de")
    assert [(c.text, c.info) for c in got] == [("3. Oktober war schön.", ""), ("Erstens das.", "1")]
