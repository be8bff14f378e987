"""WebSocketHandler: one connection of a voice client, from the handshake to the close."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never
from uuid import uuid4

from loguru import logger
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.error_table import CloseCode
from gateway.errors import GatewayError
from gateway.http_routes import error_response
from gateway.outbox import ClientGoneError, Outbox
from gateway.security import authenticate
from gateway.session import Session
from gateway.wire.errors import FrameError
from gateway.wire.native import (
    SUBPROTOCOL,
    Ack,
    ChunkSpoken,
    Interrupt,
    NativeCodec,
    Ping,
    Pong,
    Resume,
    StartTurn,
)
from pipeline.errors import PipelineError, TurnError
from pipeline.events import Error, TurnEvent

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["WebSocketHandler"]

_MAX_BAD_FRAMES = 10


class WebSocketHandler:
    """Reads commands and hands them to the session; the session's relay, beside it, writes events."""

    def __init__(self, websocket: WebSocket, gateway: Gateway) -> None:
        self._websocket = websocket
        self._gateway = gateway
        self._codec = NativeCodec(max_message_chars=gateway.settings.max_message_chars)
        self._outbox = Outbox(websocket, write_timeout_s=gateway.settings.write_timeout_s)
        self._correlation_id = uuid4().hex
        self._bad_frames = 0
        self.session: Session  # from the handshake on

    async def handle_connection(self) -> None:
        """Serve the connection until the client, or the gateway, ends it. Always closes, never raises."""
        try:
            user_id = self._admit()
        except GatewayError as refusal:
            logger.info("connection refused: {} ({})", refusal, refusal.code)
            await self._refuse(error_response(refusal, self._correlation_id))
            return
        offered = self._websocket.scope.get("subprotocols", ())
        await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        self.session = self._gateway.new_session(user_id)
        self._gateway.connections.add(self)
        try:
            await self._serve()
        except ClientGoneError as gone:
            if gone.code is not None:
                await self.close(gone.code, "too slow: frames were not read in time")
        except Exception:
            log = logger.bind(correlation_id=self._correlation_id)
            log.exception("connection failed, correlation_id={}", self._correlation_id)
            await self._tell_internal_error()
            await self.close(CloseCode.INTERNAL)
        finally:
            self._gateway.connections.discard(self)
            await self.session.close()

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """End the connection; the reader then sees a disconnect."""
        await self._outbox.close(code, reason)

    def _admit(self) -> str:
        user_id = authenticate(self._websocket, self._gateway.settings)
        offered = [name for name in self._websocket.scope.get("subprotocols", ()) if not name.startswith("bearer.")]
        if offered and SUBPROTOCOL not in offered:
            raise GatewayError(f"Offer the subprotocol {SUBPROTOCOL}.", code="bad_subprotocol")
        self._gateway.require_room()
        return user_id

    async def _refuse(self, response: Response) -> None:
        try:
            await self._websocket.send_denial_response(response)
        except RuntimeError:  # a server without this extension can only say 403
            await self._websocket.close(CloseCode.POLICY)

    async def _serve(self) -> None:
        session = self.session
        await self._outbox.send(self._codec.encode_control(session.opening()))
        try:
            async with asyncio.TaskGroup() as group:
                relay = group.create_task(session.relay(self._send_event), name=f"relay {session.session_id}")
                await self._read()
                relay.cancel()
        except* ClientGoneError as gone:
            raise gone.exceptions[0] from None

    async def _send_event(self, event: TurnEvent) -> None:
        await self._outbox.send(self._codec.encode(event, self.session.next_seq()))

    async def _read(self) -> None:
        """Handle frames until the client is gone."""
        while True:
            try:
                message = await self._websocket.receive()
            except (WebSocketDisconnect, RuntimeError):
                return
            if message["type"] == "websocket.disconnect":
                return
            try:
                text = message.get("text")
                await self._handle(message["bytes"] if text is None else text)
                self._bad_frames = 0
            except (FrameError, TurnError, GatewayError) as error:
                await self._send_error(error)
                if _is_bad_frame(error):
                    self._bad_frames += 1
                    if self._bad_frames >= _MAX_BAD_FRAMES:
                        await self.close(CloseCode.POLICY, f"{_MAX_BAD_FRAMES} bad frames in a row")
                        return

    async def _handle(self, data: str | bytes) -> None:
        frame = self._codec.decode(data)
        match frame:
            case StartTurn():
                self._gateway.require_running()
                await self.session.start_turn(frame)
            case Interrupt():
                self.session.interrupt(frame)
            case ChunkSpoken():
                self.session.chunk_spoken(frame)
            case Ping():
                await self._outbox.send(self._codec.encode_control(Pong(frame.t)))
            case Ack() | Resume():
                pass  # sessions end with their connection so far: `session.recovered` said so
            case _:
                assert_never(frame)

    async def _send_error(self, error: PipelineError) -> None:
        await self._send_event(
            Error(
                type=error.code,
                error=str(error),
                correlation_id=self._correlation_id,
                retryable=error.retryable,
            )
        )

    async def _tell_internal_error(self) -> None:
        with suppress(ClientGoneError):
            await self._send_error(PipelineError("Something went wrong inside the gateway."))


def _is_bad_frame(error: PipelineError) -> bool:
    return isinstance(error, FrameError) or error.code == "turn_not_found"
