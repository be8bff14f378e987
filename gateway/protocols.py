"""uvicorn's two protocols, hardened: nobody holds a socket without asking for something, and no client's
flood of small frames keeps the others waiting or fills the memory.
"""

from __future__ import annotations

from asyncio.transports import BaseTransport
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

__all__ = ["HTTPProtocol", "WebSocketProtocol"]

HANDSHAKE_TIMEOUT_S: Final = 10.0
"""How long a peer may take from connecting to its first whole request, and to a WebSocket."""

MAX_SMALL_FRAMES: Final = 200
"""Control frames and fragments that a client may send in a second."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class HTTPProtocol(H11Protocol):
    """Closes a connection on which no whole request has come in time."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._deadline = self.loop.call_later(HANDSHAKE_TIMEOUT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._deadline.cancel()
        super().handle_websocket_upgrade(event)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Closes at once whatever the state, answers a bad handshake, and takes small frames in moderation."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._small_frames = 0
        self._counting_since_s = 0.0
        self._deadline = self.loop.call_later(HANDSHAKE_TIMEOUT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            # Nobody else answers a request that is no handshake.
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
            self.transport.close()
        elif not self.read_paused and not self.transport.is_closing():
            # One piece at a time: otherwise a flood is read to its end before anybody else has a turn.
            self.transport.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def handle_events(self) -> None:
        for event in self.conn.events_received():
            if isinstance(event, Frame) and self._is_one_too_many(event):
                return
            self._handle_event(event)

    def _handle_event(self, event: Any) -> None:
        match event:
            case Frame(opcode=Opcode.CONT):
                self.handle_cont(event)
            case Frame(opcode=Opcode.TEXT):
                self.handle_text(event)
            case Frame(opcode=Opcode.BINARY):
                self.handle_bytes(event)
            case Frame(opcode=Opcode.PING):
                self.handle_ping()
            case Frame(opcode=Opcode.PONG):
                self.handle_pong(event)
            case Frame(opcode=Opcode.CLOSE):
                self.handle_close(event)
            case _:
                self.handle_connect(event)

    def _is_one_too_many(self, frame: Frame) -> bool:
        if frame.fin and frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE):
            return False
        now_s = self.loop.time()
        if now_s - self._counting_since_s > 1.0:
            self._counting_since_s, self._small_frames = now_s, 0
        self._small_frames += 1
        if self._small_frames <= MAX_SMALL_FRAMES or self.close_sent:
            return False
        self.conn.fail(1008, "too many small frames")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1008, "reason": ""})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        return True

    def handle_ping(self) -> None:
        output = b"".join(self.conn.data_to_send())
        if self.writable.is_set():  # else nobody reads what is there already
            self.transport.write(output)

    def shutdown(self) -> None:
        if self.handshake_initiated:
            super().shutdown()
        else:
            self.transport.close()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            # A close goes out at once, also to a client whose buffer is full: it reads it when it reads again.
            self.writable.set()
        await super().send(message)
