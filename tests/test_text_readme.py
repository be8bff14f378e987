"""What pipeline/text/README.md shows runs, and its tables are true."""

import re
from pathlib import Path

import pytest

from pipeline.text.limits import PROFILES
from pipeline.text.models import Block

TEXT = Path(__file__).resolve().parent.parent / "pipeline" / "text"
README = (TEXT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_run(example: str) -> None:
    exec(compile(example, "README.md", "exec"), {})


def test_the_table_of_profiles() -> None:
    rows = re.findall(r"^\| `(\w+)` \| sentence.* \| (\d+) \|$", README, re.MULTILINE)
    assert rows == [(name, str(limits.max_chars)) for name, limits in PROFILES.items()]
    for name, limits in PROFILES.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` | sentence"))
        assert (f"{limits.first_max_words} words;" in row or f"; {limits.first_max_words} words" in row) is (
            limits.clause_first
        )
        assert limits.min_chars == 0 or f"from {limits.min_chars}" in row
        assert limits.clause_chars == 0 or f"clauses from {limits.clause_chars}" in row


def test_the_table_of_blocks() -> None:
    section = README.split("| block |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in section.splitlines()[2:]))) == set(Block)


def test_the_table_of_modules() -> None:
    section = README.split("### How it is built")[1]
    for name in re.findall(r"`(\w+\.py)`", section):
        assert (TEXT / name).exists(), name
