"""Serving the app with uvicorn: bounded buffers, stuck clients freed, a stop that lets turns end."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType

import uvicorn
from loguru import logger
from starlette.applications import Starlette

from gateway.app import Gateway
from gateway.errors import SettingsError
from gateway.protocols import HTTPProtocol, WebSocketProtocol
from gateway.settings import Settings

__all__ = ["GatewayServer", "listen", "serve"]

_SEND_BUFFER_BYTES = 64 * 1024
_STUCK_CLIENT_MS = 10_000
_LAST_WAIT_S = 1.0


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises SettingsError when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"--host: {settings.host} is no address of this machine ({error.strerror})") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit both: little is buffered for a client that does not read, and a peer that
    # has stopped for good is let go.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK_CLIENT_MS)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"--port: cannot listen on {settings.host} port {settings.port} ({error.strerror})"
        ) from None
    listener.listen(1024)
    listener.setblocking(False)
    return listener


class GatewayServer(uvicorn.Server):
    """uvicorn with the settings that voice needs; on SIGTERM or Ctrl-C it drains before it closes."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        self._gateway: Gateway = app.state.gateway
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                app,
                loop="auto",
                http=HTTPProtocol,
                ws=WebSocketProtocol,
                ws_max_size=settings.max_frame_bytes,
                ws_ping_interval=20.0,
                ws_ping_timeout=20.0,
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, a second one waits for no turn; either way the exit status is 0."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._gateway.stop_draining)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let live turns end, tell every client 1012, then close."""
        self._loop = asyncio.get_running_loop()
        await self._gateway.drain()
        await super().shutdown(sockets)


async def serve(server: GatewayServer, listener: socket.socket) -> bool:
    """Serve until told to stop, as the event loop's last work; False when tasks are left that will not end.

    An agent, or a tool, that ignores its cancellation would keep the loop from closing for ever.
    """
    await server.serve(sockets=[listener])
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if not left:
        return True
    for task in left:
        task.cancel()
    _, stuck = await asyncio.wait(left, timeout=_LAST_WAIT_S)
    for task in stuck:
        logger.warning("stopped without waiting for {}", task.get_name())
    return not stuck
