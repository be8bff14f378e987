"""A client that acknowledges, and falls behind: its commands are still heard, but not without end."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from doubles import ScriptedAgent, until_still, words
from serving import Client, serving
from test_sessions import resuming
from websockets.exceptions import ConnectionClosed


async def test_a_full_window_stops_no_command() -> None:
    agent = ScriptedAgent(list(words(20_000)))
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("ack", seq=0)
        await client.send("start_turn", message="go")
        await until_still(lambda: agent.pulled)
        for number in range(100):
            await client.send("start_turn", message=f"again {number}")
        await client.send("ping", t="x")
        while (await client.frame())["event"] != "pong":
            pass
        await client.send("ack", seq=max(frame["seq"] for frame in client.frames if "seq" in frame))
        await client.send("start_turn", message="and now", ref="last")
        frames = await client.until("stream_start", ref="last")
        assert {frame["type"] for frame in frames if frame["event"] == "error"} <= {"turn_in_progress"}


REFUSED: dict[str, dict[str, Any]] = {
    "busy": {"event": "start_turn", "message": "no", "on_busy": "reject"},
    "large": {"event": "start_turn", "message": "no", "speech": {"profile": "x" * 20_000}},
}


async def provoked_close(client: Client, refused: dict[str, Any]) -> int:
    """Be refused again and again, with a good frame now and then, until the gateway has enough; its close code."""

    async def provoke() -> None:
        with suppress(ConnectionClosed):
            for number in range(3_000):
                await client.send(**refused)
                if number % 5 == 0:
                    await client.send("ping")
            await client.socket.close()

    code, _ = await asyncio.gather(client.close_code(), provoke())
    return code


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
async def test_a_full_window_does_not_grow_by_refusals(refused: dict[str, Any]) -> None:
    agent = ScriptedAgent(list(words(20_000)))
    async with serving(agent) as gateway, gateway.client() as client:
        await client.send("ack", seq=0)
        await client.send("start_turn", message="go")
        await until_still(lambda: agent.pulled)
        assert await provoked_close(client, refused) == 1008
        known = [frame["seq"] for frame in client.frames if "seq" in frame]
        assert len(known) <= 2_600
        assert sum(len(json.dumps(frame)) for frame in client.frames) <= 1.4 * 1024 * 1024
        (session,) = gateway.gateway.sessions.all
        last_seq = session.channel.last_seq
        async with resuming(gateway, client.session, last_seq) as again:
            await again.send(**refused)
            assert (await again.until("error"))[-1]["seq"] > last_seq
            await again.send("interrupt")
            assert (await again.rest())[-1]["event"] == "turn_interrupted"
