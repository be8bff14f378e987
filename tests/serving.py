"""The gateway on a real socket, and a small client that speaks `voice-turn.v1`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import msgspec
from doubles import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.app import Gateway, create_app
from gateway.server import GatewayServer, listen
from gateway.settings import Settings
from pipeline.agent.service import AgentService

TERMINAL = {"stream_end", "turn_interrupted"}
OURS = ("turn ", "producer ", "consumer ", "relay ", "answer")
"""How the names of the gateway's own tasks begin."""


class Served:
    """A gateway that serves; `url` is its WebSocket endpoint."""

    def __init__(self, server: GatewayServer, gateway: Gateway, port: int) -> None:
        self.server = server
        self.gateway = gateway
        self.address = ("127.0.0.1", port)
        self.http_url = f"http://127.0.0.1:{port}"
        self.url = f"ws://127.0.0.1:{port}/ws"

    def connect(self, **options: Any) -> connect:
        options.setdefault("subprotocols", ["voice-turn.v1"])
        return connect(self.url, compression=None, **options)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncGenerator[Client, None]:
        """A connected client that has its session."""
        async with self.connect(**options) as socket:
            client = Client(socket)
            client.session = await client.frame()
            assert client.session["event"] == "session"
            yield client


@asynccontextmanager
async def serving(agent: AgentService | None = None, **changes: Any) -> AsyncGenerator[Served, None]:
    """A gateway in this event loop, on a free port; stopped as by a signal, with no task left behind."""
    changes.setdefault("drain_timeout_s", 0)
    changes.setdefault("database", ":memory:")
    settings = msgspec.structs.replace(Settings(port=0, agent="offline", tokens_per_second=0), **changes)
    listener = listen(settings)
    app = create_app(settings, agent)
    server = GatewayServer(app, settings)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started or running.done())
    try:
        yield Served(server, app.state.gateway, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await running
    await until(lambda: not any(task.get_name().startswith(OURS) for task in asyncio.all_tasks()))


class Client:
    """Sends and reads frames; keeps all it has read."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.session: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []

    async def send(self, event: str, **fields: Any) -> Self:
        await self.socket.send(json.dumps({"event": event, **fields}))
        return self

    async def frame(self, limit_s: float = 5.0) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(limit_s):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
        self.frames.append(frame)
        return frame

    async def until(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The frames up to one with this tag and these fields, that one last."""
        seen: list[dict[str, Any]] = []
        while True:
            seen.append(await self.frame())
            if seen[-1]["event"] == event and fields.items() <= seen[-1].items():
                return seen

    async def turn(self, message: str, **fields: Any) -> list[dict[str, Any]]:
        """A whole turn, from `stream_start` to its terminal event."""
        await self.send("start_turn", message=message, **fields)
        return await self.rest()

    async def rest(self) -> list[dict[str, Any]]:
        """The frames up to a terminal event, that one last."""
        seen: list[dict[str, Any]] = []
        while True:
            frame = await self.frame()
            seen.append(frame)
            if frame["event"] in TERMINAL or (frame["event"] == "error" and "turn_id" in frame):
                return seen

    async def close_code(self) -> int:
        """Read until the gateway closes; the code it closed with."""
        with suppress(ConnectionClosed):
            while True:
                await self.frame()
        code = self.socket.close_code
        assert code is not None
        return code
