"""A client that acknowledges, and falls behind: its commands are still heard."""

from __future__ import annotations

from doubles import ScriptedAgent, until_still, words
from serving import serving


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
