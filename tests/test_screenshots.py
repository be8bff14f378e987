"""The README's pictures can be taken at any time, and are there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "gateway" / "pictures"


def size(picture: Path) -> tuple[int, int]:
    """Width and height, as a PNG's header tells."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def test_the_pictures_are_taken_from_the_real_page(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/screenshots.py", "--into", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    taken = {path.name: size(path) for path in tmp_path.iterdir()}
    assert taken == {path.name: size(path) for path in PICTURES.iterdir()}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"(gateway/pictures/{name})" in readme for name in taken)
