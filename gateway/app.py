"""create_app: the one place where agent, sessions, storage and routes are wired together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from gateway.agents import agent_name, choose_agent
from gateway.chat_routes import chat_routes
from gateway.completion_routes import completion_routes
from gateway.conversation_routes import conversation_routes
from gateway.error_table import CloseCode
from gateway.errors import GatewayError
from gateway.handshake_routes import handshake_routes
from gateway.http_routes import fail, http_routes, refuse
from gateway.http_turns import HTTPTurns
from gateway.live_turns import LiveTurns
from gateway.sessions import Sessions
from gateway.settings import Settings
from gateway.store import Store, open_store
from gateway.turn_log import TurnLog
from gateway.turn_routes import turn_routes
from gateway.web_routes import web_routes
from gateway.websocket_processor import WebSocketHandler
from pipeline.agent.offline import OfflineAgent
from pipeline.agent.run_processor import Run
from pipeline.agent.service import AgentService

__all__ = ["Gateway", "create_app"]


class Gateway:
    """What the connections of one process share."""

    def __init__(self, settings: Settings, agent: AgentService, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.agent_name = agent_name(settings)
        self.live_turns = LiveTurns()
        self.turn_log = TurnLog(settings.timeline)
        self.http_turns = HTTPTurns(
            agent=agent, settings=settings, store=store, turn_log=self.turn_log, live_turns=self.live_turns
        )
        self.sessions = Sessions(
            agent=agent, settings=settings, store=store, turn_log=self.turn_log, live_turns=self.live_turns
        )
        self.connections: set[WebSocketHandler] = set()
        self._draining = False
        self._patience: asyncio.Timeout | None = None

    def require_running(self) -> None:
        """Raises GatewayError (shutting_down) once the gateway has begun to stop."""
        if self._draining:
            raise GatewayError("The gateway is shutting down.", code="shutting_down", retryable=True)

    def require_room(self, user_id: str) -> None:
        """Raises GatewayError when no further connection of this user can be taken (shutting_down, full)."""
        self.require_running()
        self.sessions.require_room(user_id)

    async def drain(self) -> None:
        """Take no new turns, let live ones end for `drain_timeout_s`, close every connection with 1012."""
        self._draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_timeout_s) as self._patience, asyncio.TaskGroup() as group:
                for connection in self.connections:
                    group.create_task(self._restart_when_idle(connection))
                for session in self.sessions.all:
                    group.create_task(session.wait_idle())
                group.create_task(self.http_turns.wait_idle())
        self._patience = None
        for connection in list(self.connections):
            await self._restart(connection)
        self.http_turns.close()
        await self.sessions.close_all("shutdown")

    def stop_draining(self) -> None:
        """Wait no longer for live turns to end."""
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def _restart_when_idle(self, connection: WebSocketHandler) -> None:
        await connection.wait_idle()
        await self._restart(connection)

    async def _restart(self, connection: WebSocketHandler) -> None:
        await connection.close(CloseCode.RESTART, "the gateway restarts")


def create_app(settings: Settings, agent: AgentService | None = None) -> Starlette:
    """The gateway as an ASGI application; `agent` instead of the one that the settings choose.

    `app.state.gateway` is its `Gateway`. A server that stops calls `await app.state.gateway.drain()` first;
    the lifespan's end does so for one that does not know.
    """
    ours: Run | OfflineAgent | None = None
    if agent is None:
        agent = ours = choose_agent(settings)
    gateway = Gateway(settings, agent, open_store(settings.database, recent_messages=settings.max_history_messages))

    async def serve_websocket(websocket: WebSocket) -> None:
        await WebSocketHandler(websocket, gateway).handle_connection()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await gateway.drain()
            await gateway.store.close()
            if ours is not None:
                await ours.aclose()

    app = Starlette(
        routes=[
            WebSocketRoute("/ws", serve_websocket),
            *handshake_routes(gateway),
            *http_routes(gateway),
            *chat_routes(gateway),
            *completion_routes(gateway),
            *conversation_routes(gateway),
            *turn_routes(gateway),
            *web_routes(),
        ],
        exception_handlers={HTTPException: refuse, Exception: fail},
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    return app
