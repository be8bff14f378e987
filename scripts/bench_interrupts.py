"""How fast silence follows an interrupt, over a real socket: `scripts/bench interrupts [--turns 200]`.

For each case the medians and 99th percentiles, in milliseconds, from sending `interrupt` to receiving
`turn_interrupted`, and to the model's HTTP stream being closed. Gateway, client and model share one process
and so one core: what they do at the same moment adds up here.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from random import Random

from loguru import logger

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from doubles import ScriptedAgent, StubbornAgent, until, words  # noqa: E402 - after the path
from fake_model import FakeModel, Reply  # noqa: E402
from serving import Client, serving  # noqa: E402

from pipeline.agent.run_config import RunConfig  # noqa: E402
from pipeline.agent.run_processor import Run  # noqa: E402


def _show(case: str, what: str, times_ms: list[float]) -> None:
    times_ms.sort()
    p50, p99 = (times_ms[int(len(times_ms) * share)] for share in (0.5, 0.99))
    print(f"{case:34} {what:26} {len(times_ms):5} {p50:8.2f} {p99:8.2f} {times_ms[-1]:8.2f}")


async def _interrupt(client: Client, turn_id: str) -> tuple[float, float]:
    """Interrupt the turn; when that was, and when it was acknowledged."""
    at = time.monotonic()
    await client.send("interrupt", turn_id=turn_id)
    while (await client.frame())["event"] != "turn_interrupted":
        pass
    return at, time.monotonic()


async def _model(turns: int) -> None:
    random = Random(5)
    acks: list[float] = []
    closes: list[float] = []
    async with FakeModel(Reply(list(words(2_000)), piece_delay_s=0.02)) as model:
        agent = Run.open(RunConfig(model="m"), base_url=model.url)
        async with serving(agent) as gateway, gateway.client() as client:
            for number in range(turns):
                await client.send("start_turn", message="go")
                turn_id = (await client.until("stream_start"))[-1]["turn_id"]
                for _ in range(random.randrange(1, 30)):
                    await client.frame()
                at, acknowledged = await _interrupt(client, turn_id)
                acks.append((acknowledged - at) * 1000)
                request = await model.request(number)
                await until(request.ended.is_set)
                closes.append((request.ended_at - at) * 1000)
        await agent.aclose()
    _show("model at 50 tokens/s", "to turn_interrupted", acks)
    _show("model at 50 tokens/s", "to the model's close", closes)


async def _flood(turns: int) -> None:
    acks: list[float] = []
    async with serving(ScriptedAgent(words(10**9))) as gateway, gateway.client() as client:
        for _ in range(turns):
            await client.send("start_turn", message="go")
            turn_id = (await client.until("tts_ready_chunk"))[-1]["turn_id"]
            at, acknowledged = await _interrupt(client, turn_id)
            acks.append((acknowledged - at) * 1000)
    _show("endless agent, all queues full", "to turn_interrupted", acks)


async def _stubborn(turns: int) -> None:
    acks: list[float] = []
    agents: list[StubbornAgent] = []

    class Stubborn:
        def stream(self, messages: object) -> object:
            agents.append(StubbornAgent())
            return agents[-1].stream()

    async with serving(Stubborn()) as gateway, gateway.client() as client:  # type: ignore[arg-type]
        for number in range(turns):
            await client.send("start_turn", message="go", captions=False)
            turn_id = (await client.until("tts_ready_chunk"))[-1]["turn_id"]
            await until(agents[number].busy.is_set)
            at, acknowledged = await _interrupt(client, turn_id)
            acks.append((acknowledged - at) * 1000)
        for agent in agents:
            agent.release.set()
    _show("agent that ignores cancellation", "to turn_interrupted", acks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=200, help="interrupts in each case (default: %(default)s)")
    turns = parser.parse_args().turns
    logger.remove()
    print(f"{'case':34} {'from the interrupt':26} {'n':>5} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for case in (_model(turns), _flood(turns), _stubborn(turns)):
        asyncio.run(case)


if __name__ == "__main__":
    main()
