"""kill -9 under load: whatever a client was told about the end of a turn is in the database, and nothing else.

`scripts/soak --crashes 50` does it fifty times.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

from doubles import until
from test_command_line import running
from test_conversation_routes import ask
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

CLIENTS = 16


class Told:
    """What clients were told: by turn, how it ended and what of the reply was heard."""

    def __init__(self) -> None:
        self.ends: dict[str, tuple[str, str]] = {}

    def take(self, frame: dict[str, Any]) -> bool:
        """Whether this frame ends a turn."""
        if frame["event"] == "stream_end":
            self.ends[frame["turn_id"]] = ("completed", frame["text"])
        elif frame["event"] == "turn_interrupted":
            self.ends[frame["turn_id"]] = ("interrupted", frame["heard_text"])
        assert frame["event"] != "error", frame
        return frame["event"] in ("stream_end", "turn_interrupted")


async def chatter(url: str, random: Random, told: Told) -> None:
    """One turn after the other, some interrupted, until the gateway is gone."""
    with suppress(ConnectionClosed, ConnectionError):
        async with connect(url, compression=None) as socket:
            await socket.recv()
            while True:
                count = random.randint(1, 40)
                await socket.send(json.dumps({"event": "start_turn", "message": f"Count to {count}"}))
                interrupt_after = random.randrange(200)
                seen = 0
                while not told.take(json.loads(await socket.recv())):
                    seen += 1
                    if seen == interrupt_after:
                        await socket.send(json.dumps({"event": "interrupt"}))


def kept(path: Path) -> dict[str, tuple[str, str]]:
    """The same, as the database has it."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT turn_id, status, left_messages FROM turns WHERE status <> 'processing'")
        return {
            turn_id: (status, "".join(message["content"] for message in json.loads(left)))
            for turn_id, status, left in rows
        }


async def one_crash(path: Path, random: Random, told: Told) -> None:
    flags = ("--database", str(path), "--tokens-per-second", "2000", "--agent", "offline")
    async with running(*flags, limit_s=120) as gateway:  # however busy the machine is
        before = len(told.ends)
        clients = [asyncio.create_task(chatter(gateway.url, random, told)) for _ in range(CLIENTS)]
        enough = before + random.randint(20, 80)
        await until(lambda: len(told.ends) >= enough or any(client.done() for client in clients), limit_s=100)
        gateway.process.kill()
        await gateway.process.wait()
        await asyncio.gather(*clients)
    found = kept(path)
    assert {turn_id: found.get(turn_id) for turn_id in told.ends} == told.ends
    assert len(told.ends) >= enough


async def crash(path: Path, rounds: int, seed: int) -> int:
    """Crash so often; how many turns were told of in all."""
    random, told = Random(seed), Told()
    for _ in range(rounds):
        await one_crash(path, random, told)
    return len(told.ends)


async def test_after_a_crash_every_turn_is_there_that_a_client_saw_end(tmp_path: Path) -> None:
    assert await crash(tmp_path / "conversations.db", rounds=3, seed=1) >= 60


async def test_the_turn_that_a_crash_cut_short_is_lost_and_said_to_be(tmp_path: Path) -> None:
    path = str(tmp_path / "conversations.db")
    async with running("--database", path, "--tokens-per-second", "5") as gateway, connect(gateway.url) as socket:
        await socket.send(json.dumps({"event": "start_turn", "message": "Count to 9", "conversation_id": "c"}))
        while json.loads(await socket.recv())["event"] != "stream_token":
            pass
        gateway.process.kill()
        await gateway.process.wait()
    async with running("--database", path) as gateway, connect(gateway.url) as socket:
        await socket.send(json.dumps({"event": "start_turn", "message": "Count to 3", "conversation_id": "c"}))
        events = []
        while "stream_end" not in events:
            events.append(json.loads(await socket.recv())["event"])
        page = (await ask(gateway, "/conversations/c")).json
        assert [turn["status"] for turn in page["turns"]] == ["lost", "completed"]
        assert [message["content"] for message in page["turns"][0]["messages"]] == ["Count to 9"]


async def test_an_orderly_stop_saves_the_turn_that_it_cuts_short(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    flags = ("--database", str(path), "--tokens-per-second", "20", "--drain-timeout-s", "0", "--agent", "offline")
    async with running(*flags) as gateway, connect(gateway.url) as socket:
        await socket.send(json.dumps({"event": "start_turn", "message": "Count to 40"}))
        while json.loads(await socket.recv())["event"] != "tts_ready_chunk":
            pass
        assert await gateway.stop(8) == 0
        assert "Traceback" not in await gateway.log()
    assert os.listdir(tmp_path) == [path.name]
    ((status, _),) = kept(path).values()
    assert status == "interrupted"
