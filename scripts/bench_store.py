"""How fast turns are stored, and what storage adds before a turn's terminal event: `scripts/bench store`.

A turn is `begin_turn` and `finish_turn`, each awaited, in conversations of 20 turns. First as many as go in,
from 64 sessions; then turns at a steady rate, with the event loop at leisure and half of its time busy with
something else, as it is when it serves; then turns late in a long conversation. Latencies in milliseconds.
`(a sleep)` is how late the event loop wakes up: what the machine itself adds, above all when others use it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from loguru import logger

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.store.base import TurnEnd, TurnStart
from gateway.store.sqlite import SqliteStore

SESSIONS = 64
QUESTION = "Could you tell me how long the train takes from here to the coast, and whether I have to change?"
REPLY = "It takes about two and a half hours. You change once, and the connection waits. " * 4


class Times:
    """Latencies, in seconds, of the two operations of a turn, and how late the machine wakes from a sleep."""

    def __init__(self) -> None:
        self.begin: list[float] = []
        self.finish: list[float] = []
        self.late: list[float] = []

    def show(self, case: str) -> None:
        for what, times in (("begin_turn", self.begin), ("finish_turn", self.finish), ("(a sleep)", self.late)):
            if not times:
                continue
            times.sort()
            p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
            print(f"{case:44} {what:12} {len(times):6} {p50:8.2f} {p99:8.2f} {times[-1] * 1000:8.2f}")


async def one_turn(
    store: SqliteStore, session: str, number: int, times: Times, *, speaking_s: float = 0.0, of_conversation: int = 20
) -> None:
    turn_id, conversation_id = f"{session}-{number}", f"{session}-{number // of_conversation}"
    turn = TurnStart(
        turn_id=turn_id, conversation_id=conversation_id, session_id=session, ref=turn_id, started_at=time.time()
    )
    at = time.perf_counter()
    await store.begin_turn("user", turn, {"role": "user", "content": QUESTION})
    times.begin.append(time.perf_counter() - at)
    await asyncio.sleep(speaking_s)
    end = TurnEnd(
        turn_id=turn_id, conversation_id=conversation_id, status="completed", ended_at=time.time(),
        first_token_ms=180, first_chunk_ms=240, total_ms=2900, chunks=4, reply_chars=len(REPLY),
        heard_chars=len(REPLY), reason=None,
    )  # fmt: skip
    at = time.perf_counter()
    await store.finish_turn("user", end, [{"role": "assistant", "content": REPLY}])
    times.finish.append(time.perf_counter() - at)


async def at_full_speed(path: Path, turns: int) -> None:
    store, times = SqliteStore(path, recent_messages=200), Times()
    each = max(1, turns // SESSIONS)

    async def session(name: str) -> None:
        for number in range(each):
            await one_turn(store, name, number, times)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(SESSIONS):
            group.create_task(session(f"s{number}"))
    took = time.perf_counter() - started
    commits = store.commits
    await store.close()
    done = each * SESSIONS
    print(f"{SESSIONS} sessions at full speed: {done / took:,.0f} turns/s, {2 * done / commits:.0f} writes a commit")
    times.show(f"{SESSIONS} sessions at full speed")


async def at_a_rate(path: Path, turns: int, per_s: int, busy: float) -> None:
    store, times = SqliteStore(path, recent_messages=200), Times()

    async def burn() -> None:
        while True:
            until = time.perf_counter() + 0.002 * busy
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0.002 * (1 - busy))

    burning = asyncio.create_task(burn()) if busy else None
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(turns):
            wake_at = started + number / per_s
            if wake_at > time.perf_counter():
                await asyncio.sleep(wake_at - time.perf_counter())
                times.late.append(time.perf_counter() - wake_at)
            session, of_session = number % SESSIONS, number // SESSIONS
            group.create_task(one_turn(store, f"s{session}", of_session, times, speaking_s=0.1))
    if burning is not None:
        burning.cancel()
    await store.close()
    times.show(f"{per_s} turns/s, event loop {busy:.0%} busy")


async def late_in_a_conversation(path: Path, turns: int) -> None:
    store, times = SqliteStore(path, recent_messages=200), Times()
    for number in range(turns):
        await one_turn(store, "s", number, times, of_conversation=turns)
    await store.close()
    times.begin, times.finish = times.begin[-turns // 5 :], times.finish[-turns // 5 :]
    times.show(f"after {turns:,} turns of one conversation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=20_000, help="turns at full speed (default: %(default)s)")
    parser.add_argument("--folder", help="where the database is made (default: the system's temporary folder)")
    arguments = parser.parse_args()
    logger.remove()
    print(f"{'case':44} {'':12} {'n':>6} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        asyncio.run(at_full_speed(Path(folder) / "a.db", arguments.turns))
        for number, busy in enumerate((0.0, 0.5, 0.8)):
            asyncio.run(at_a_rate(Path(folder) / f"b{number}.db", arguments.turns // 10, 200, busy))
        asyncio.run(late_in_a_conversation(Path(folder) / "c.db", arguments.turns // 10))


if __name__ == "__main__":
    main()
