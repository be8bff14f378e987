"""Plays simulated conversations (tests/simulation.py), each from its own seed, on all cores; or kills gateways."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from loguru import logger

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from simulation import simulate  # noqa: E402 - after the path
from test_crash import crash  # noqa: E402


def play(seed: int) -> tuple[int, int, str]:
    """Turns and frames of this seed, and what was wrong with it."""
    logger.remove()
    try:
        world = simulate(seed)
    except Exception as error:
        return 0, 0, f"{type(error).__name__}: {error}"
    return len(world.turns), len(world.frames), ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--crashes", type=int, help="instead, kill -9 a gateway under load so often")
    options = parser.parse_args()
    started = time.monotonic()
    if options.crashes is not None:
        with tempfile.TemporaryDirectory() as folder:
            turns = asyncio.run(crash(Path(folder) / "conversations.db", options.crashes, seed=2))
        took_s = time.monotonic() - started
        print(f"{options.crashes} crashes, {turns} turns told to their end, all in the database, {took_s:.0f} s")
        return 0
    turns = frames = bad = 0
    with ProcessPoolExecutor() as pool:
        for some_turns, some_frames, fault in pool.map(
            play, range(options.first, options.first + options.seeds), chunksize=20
        ):
            turns += some_turns
            frames += some_frames
            if fault:
                bad += 1
                print(fault)
    took_s = time.monotonic() - started
    print(f"{options.seeds} seeds, {turns} turns, {frames} frames, {bad} violations, {took_s:.0f} s")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
