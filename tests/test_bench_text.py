"""scripts/bench_text.py prints its tables; their numbers are the machine's."""

import re
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent / "scripts" / "bench_text.py"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_quick_prints_speed_look_ahead_and_first_chunk() -> None:
    done = bench("--quick")
    assert done.returncode == 0, done.stderr
    speed, look_ahead, first = done.stdout.strip().split("\n\n")
    head, *rows = (re.split(r"\s{2,}", line) for line in speed.splitlines())
    assert head == ["µs per token", "prose", "markdown", "numbers", "CJK"]
    assert [row[0] for row in rows][:2] == ["chunker", "chunker + normaliser"]
    assert all(float(cell) > 0 for row in rows for cell in row[1:])
    assert all(len(row) == len(head) for row in rows)
    assert re.fullmatch(r"mean look-ahead: \d\.\d\d tokens", look_ahead)
    profiles = [line.split()[0] for line in first.splitlines()[1:]]
    assert profiles == ["balanced", "fast", "prosody", "sentence"]


def test_a_plot_without_matplotlib_says_what_is_missing(tmp_path: Path) -> None:
    hide = "import sys, runpy; sys.modules['matplotlib'] = None; sys.argv = sys.argv[1:]; "
    run = hide + "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", run, str(BENCH), "--quick", "--plot", str(tmp_path / "out.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "--plot needs matplotlib: pip install matplotlib\n"
    assert done.stdout == ""
