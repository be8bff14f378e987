"""How fast a cut connection goes on: `scripts/bench resume [--cuts 200]`.

A client whose TCP connection is cut in mid-turn connects again and sends `resume`; medians and 99th percentiles,
in milliseconds, from the `resume` to the `session` frame and to the first replayed frame. Gateway, proxy and client
share one process and so one core.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from loguru import logger
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from doubles import ScriptedAgent, words  # noqa: E402 - after the path
from proxy import Proxy  # noqa: E402
from serving import Client, serving  # noqa: E402


async def _cut_and_resume(cuts: int) -> tuple[list[float], list[float]]:
    random = Random(1)
    opened: list[float] = []
    replayed: list[float] = []

    async def breath() -> None:
        await asyncio.sleep(0.002)

    script = [step for word in words(100 * cuts) for step in (word, breath)]
    async with serving(ScriptedAgent(script)) as gateway, Proxy(gateway.address[1]) as proxy:
        async with connect(proxy.url, compression=None) as socket:
            client = Client(socket)
            session = await client.frame()
            await client.send("start_turn", message="go")
            await client.until("stream_start")
        seen = client.frames[-1]["seq"]
        for _ in range(cuts):
            async with connect(proxy.url, compression=None) as socket:
                client = Client(socket)
                started = time.monotonic()
                await client.send(
                    "resume",
                    session_id=session["session_id"],
                    resume_token=session["resume_token"],
                    last_seq=seen,
                )
                assert (await client.frame())["recovered"]
                opened.append((time.monotonic() - started) * 1000)
                seen = (await client.frame())["seq"]
                replayed.append((time.monotonic() - started) * 1000)
                with suppress(ConnectionClosed):
                    for _ in range(random.randrange(20)):
                        seen = (await client.frame())["seq"]
                proxy.cut()
    return opened, replayed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=200, help="how often (default: %(default)s)")
    cuts = parser.parse_args().cuts
    logger.remove()
    print(f"{'from resume':28} {'n':>5} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for what, times_ms in zip(
        ("to session", "to the first replayed frame"), asyncio.run(_cut_and_resume(cuts)), strict=True
    ):
        times_ms.sort()
        p50, p99 = (times_ms[int(len(times_ms) * share)] for share in (0.5, 0.99))
        print(f"{what:28} {len(times_ms):5} {p50:8.2f} {p99:8.2f} {times_ms[-1]:8.2f}")


if __name__ == "__main__":
    main()
