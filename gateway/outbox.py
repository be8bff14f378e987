"""Outbox: the only code that writes to a websocket."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from gateway.error_table import CloseCode
from pipeline.agent.waits import Waits

__all__ = ["ClientGoneError", "Outbox"]


class ClientGoneError(Exception):
    """Nothing more can be written to this client. `code` is what the connection should be closed with."""

    def __init__(self, code: CloseCode | None = None) -> None:
        super().__init__(code)
        self.code = code


class Outbox:
    """One lock, a write deadline, no queue, no task: what waits in a queue is stale after an interrupt.

    `send` returns when the frame was handed to the transport, which takes no more while its buffer is full.
    """

    def __init__(self, websocket: WebSocket, *, write_timeout_s: float) -> None:
        self._websocket = websocket
        self._write_timeout_s = write_timeout_s
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._waits = Waits()  # a timer that is made for every frame costs more than the frame
        self._gone: ClientGoneError | None = None

    async def send(self, frame: str) -> None:
        """Write one text frame. Raises ClientGoneError when the client left or did not read in time."""
        async with self._lock:
            if self._gone is not None:
                raise self._gone
            await self._write({"type": "websocket.send", "text": frame}, self._waits)

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """Say why and close, past a frame that is stuck; does nothing when the client is gone."""
        if self._gone is None or self._gone.code is not None:
            with suppress(ClientGoneError), closing(Waits()) as waits:
                await self._write({"type": "websocket.close", "code": code, "reason": reason}, waits)
        self._gone = ClientGoneError()

    async def _write(self, message: dict[str, object], waits: Waits) -> None:
        try:
            await waits.until(self._loop.time() + self._write_timeout_s, partial(self._websocket.send, message))
        except TimeoutError:
            self._gone = ClientGoneError(CloseCode.TRY_LATER)
            raise self._gone from None
        except (WebSocketDisconnect, WebSocketDisconnected, OSError, RuntimeError):
            self._gone = ClientGoneError()
            raise self._gone from None
