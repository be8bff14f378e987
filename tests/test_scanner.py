"""The scanner's verdicts: NO, YES, and WAIT while what decides has not come."""

import pytest

from pipeline.text import ChunkLimits
from pipeline.text.nesting import Nesting
from pipeline.text.scanner import NO, WAIT, YES, Scanner
from tests.streams import chunked, every


def verdict(text: str, lang: str = "en", *, final: bool = False) -> int:
    """The answer for the last "." in `text` that is marked with a "^" behind it."""
    at = text.index("^") - 1
    return Scanner(lang).decide(text.replace("^", ""), at, 0, final)[0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It is done.^", WAIT),
        ("It is done.^ ", WAIT),
        ("It is done.^ T", YES),
        ("It is done.^ t", WAIT),  # "tVision"? two more letters tell
        ("It is done.^ then", NO),
        ("It is done.^ iPhone", YES),
        ("It is 3.^", WAIT),
        ("It is 3.^1", NO),
        ("Look at example.^com", NO),
        ("Dr.^ ", WAIT),
        ("Dr.^ S", NO),
        ("I live in the U.S.^ H", WAIT),
        ("I live in the U.S.^ How ", YES),
        ("I live in the U.S.^ Government ", NO),
        ("See p.^ 5", NO),
        ('He said "Stop.^', WAIT),
        ('He said "Stop.^" T', YES),
        ('He said "Stop.^" and', NO),
        ("Wait.^..", WAIT),
        ("for you.^The ", YES),
        ("Node.^Js ", NO),
    ],
)
def test_a_full_stop(text: str, answer: int) -> None:
    assert verdict(text) == answer


def test_the_end_of_the_text_decides_what_was_waiting() -> None:
    assert verdict("It is done.^", final=True) == YES
    assert verdict("It is done.^ ", final=True) == YES


@pytest.mark.parametrize(
    ("text", "lang", "answer"),
    [
        ("am 3.^ Oktober ", "de", NO),
        ("am 3.^ Okt", "de", WAIT),
        ("es sind 3.^ Dann ", "de", YES),
        ("z. B.^ Wasser", "de", NO),
        ("真的。^好", "zh", YES),
        ("「やめて。^お願い", "ja", NO),
        ("г.^ Казань ", "ru", NO),
        ("т. е.^ Яблоко ", "en", NO),  # Cyrillic in an English reply
    ],
)
def test_other_languages(text: str, lang: str, answer: int) -> None:
    assert verdict(text, lang) == answer


def test_a_semicolon_asks_in_greek_only() -> None:
    limits = ChunkLimits.sentences()
    assert [c.text for c in chunked(["Τι κάνεις; Καλά."], "el", limits)] == ["Τι κάνεις;", "Καλά."]
    assert [c.text for c in chunked(["Τι κάνεις; Καλά."], "en", limits)] == ["Τι κάνεις;", "Καλά."]
    assert [c.text for c in chunked(["One; Two."], "el", limits)] == ["One; Two."]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('He said "I am', True),
        ('He said "I am" and', False),
        ("It (was", True),
        ("It (was) so", False),
        ("A smiley :( here", False),
        ("The '80s and 'tis", False),
        ("Don't and the boys' toys", False),
        ("„Ich bin", True),
        ("„Ich bin“ da", False),
        ("»Ja« ist", False),
        ("« oui", True),
        ("5'10\" tall", False),
        ("([", True),
        ("x" + "(" + "y" * 300, False),
    ],
)
def test_open_marks(text: str, inside: bool) -> None:
    assert Nesting().inside(text + " ", len(text)) is inside


MIXED = "Hello. Привет, Dr. Smith. Это т. е. так. 你好。再见。 مرحبا. كيف؟ ठीक है। अच्छा। Γεια; Ναι."


@pytest.mark.parametrize("size", [1, 3, 100])
def test_each_script_is_cut_by_its_own_rules(size: int) -> None:
    got = [c.text for c in chunked(every(MIXED, size), "en", ChunkLimits.sentences())]
    assert got == [
        "Hello.",
        "Привет, Dr. Smith.",
        "Это т. е. так.",
        "你好。",
        "再见。",
        "مرحبا.",
        "كيف؟",
        "ठीक है।",
        "अच्छा।",
        "Γεια;",
        "Ναι.",
    ]
