"""scripts/speak.py shows what the rules make of a text."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SPEAK = Path(__file__).resolve().parent.parent / "scripts" / "speak.py"


def speak(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SPEAK), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("tokens", ["0", "1", "7"])
def test_json_has_a_line_per_chunk(tokens: str) -> None:
    done = speak("--json", "--tokens", tokens, stdin="**Hello!** It is Dr. Lee.")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["text"], line["start"], line["end"]) for line in lines] == [
        ("Hello!", 2, 10),
        ("It is Doctor Lee.", 11, 25),
    ]


def test_the_table_shows_what_was_written(tmp_path: Path) -> None:
    reply = tmp_path / "reply.md"
    reply.write_text("It is Dr. Lee.", encoding="utf-8")
    out = speak("--file", str(reply)).stdout
    assert "It is Doctor Lee." in out
    assert "< It is Dr. Lee." in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--profile", "loud", "x"], "loud"),
        (["--rule", "volume=11", "x"], "volume"),
        (["--rule", "code=sing", "x"], "code"),
        (["--file", "/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_a_bad_option_is_named(arguments: list[str], named: str) -> None:
    done = speak(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
