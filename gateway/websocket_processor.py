"""WebSocketHandler: one connection of a voice client, from the handshake to the close."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, assert_never

from loguru import logger
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.error_table import CloseCode
from gateway.errors import GatewayError
from gateway.http_routes import error_response
from gateway.outbox import ClientGoneError, Outbox
from gateway.requests import correlation_id_of
from gateway.security import authenticate
from gateway.session import Session
from gateway.wire.errors import FrameError
from gateway.wire.native import (
    SUBPROTOCOL,
    Ack,
    ChunkSpoken,
    ClientFrame,
    Interrupt,
    NativeCodec,
    Ping,
    Pong,
    Resume,
    StartTurn,
)
from pipeline.errors import PipelineError, TurnError
from pipeline.message_processor import log_failure

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["WebSocketHandler"]

_MAX_BAD_FRAMES: Final = 10
_RESUME_GRACE_S: Final = 0.1
"""How long `session` is held back for a `resume` that may be on its way. A later one is served as well."""


class WebSocketHandler:
    """Reads frames and hands them to the session, which writes through this connection's outbox."""

    def __init__(self, websocket: WebSocket, gateway: Gateway) -> None:
        self._websocket = websocket
        self._gateway = gateway
        self._codec = NativeCodec(max_message_chars=gateway.settings.max_message_chars)
        self._outbox = Outbox(websocket, write_timeout_s=gateway.settings.write_timeout_s)
        self._correlation_id = correlation_id_of(websocket)
        self._playback = websocket.query_params.get("playback", "").lower() in ("true", "1")
        self._frames = 0
        self._bad_frames = 0
        self._session: Session | None = None

    async def handle_connection(self) -> None:
        """Serve the connection until the client, or the gateway, ends it. Always closes, never raises."""
        try:
            user_id = self._admit()
        except GatewayError as refusal:
            logger.info("connection refused: {} correlation_id={}", refusal.code, self._correlation_id)
            await self._refuse(error_response(refusal, self._correlation_id))
            return
        offered = self._websocket.scope.get("subprotocols", ())
        await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        self._gateway.connections.add(self)
        try:
            await self._serve(user_id)
        except ClientGoneError as gone:
            await self._close_gone(gone)
        except GatewayError as refusal:  # the last place was taken during the handshake
            await self.close(CloseCode.TRY_LATER, str(refusal))
        except Exception as error:
            log_failure("connection failed", error, correlation_id=self._correlation_id)
            await self.failed()
        finally:
            self._gateway.connections.discard(self)
            if self._session is not None:
                self._gateway.sessions.detach(self._session, self)

    async def wait_idle(self) -> None:
        """Returns when no turn is under way."""
        if self._session is not None:
            await self._session.wait_idle()

    # What a session asks of its connection

    async def send(self, frame: str) -> None:
        """Write a frame. Raises ClientGoneError; a client that does not read is then closed with 1013."""
        try:
            await self._outbox.send(frame)
        except ClientGoneError as gone:
            await self._close_gone(gone)
            raise

    async def taken_over(self) -> None:
        """Another connection has resumed the session."""
        await self.close(CloseCode.POLICY, "taken over")

    async def failed(self) -> None:
        """Something of ours broke."""
        if self._session is not None:
            with suppress(Exception):  # whatever broke may break again; the close says it as well
                await self._send_error(PipelineError("Something went wrong inside the gateway."))
        await self.close(CloseCode.INTERNAL)

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """End the connection; the reader then sees a disconnect."""
        await self._outbox.close(code, reason)

    async def _close_gone(self, gone: ClientGoneError) -> None:
        if gone.code is not None:
            await self.close(gone.code, "too slow: frames were not read in time")

    # From handshake to session

    def _admit(self) -> str:
        user_id = authenticate(self._websocket, self._gateway.settings)
        offered = [name for name in self._websocket.scope.get("subprotocols", ()) if not name.startswith("bearer.")]
        if offered and SUBPROTOCOL not in offered:
            raise GatewayError(f"Offer the subprotocol {SUBPROTOCOL}.", code="bad_subprotocol")
        self._gateway.require_room(user_id)
        return user_id

    async def _refuse(self, response: Response) -> None:
        try:
            await self._websocket.send_denial_response(response)
        except RuntimeError:  # a server without this extension can only say 403
            await self._websocket.close(CloseCode.POLICY)

    async def _serve(self, user_id: str) -> None:
        """Open or resume a session, then handle frames until the client is gone."""
        receiving = asyncio.ensure_future(self._websocket.receive())
        try:
            await asyncio.wait([receiving], timeout=_RESUME_GRACE_S)
            if not receiving.done():
                await self._open(user_id)
            message = await receiving
        except WebSocketDisconnect:
            return
        finally:
            receiving.cancel()
        while message["type"] != "websocket.disconnect":
            if await self._take(user_id, message) is False:
                return
            try:
                message = await self._websocket.receive()
            except (WebSocketDisconnect, RuntimeError):
                return

    async def _open(self, user_id: str) -> Session:
        if self._session is None:
            self._session = self._gateway.sessions.open(user_id, playback=self._playback)
            await self._gateway.sessions.attach(self._session, self)
        return self._session

    async def _resume(self, user_id: str, frame: Resume) -> None:
        """Go on with another connection's session, in place of one that was opened meanwhile."""
        sessions = self._gateway.sessions
        opened = self._session
        if opened is not None:
            opened.channel.detach(self)
        self._session = await sessions.resume(user_id, frame, self, playback=self._playback)
        if opened is not None and opened is not self._session:
            sessions.close_soon(opened.session_id, "resumed another")

    # Frames

    async def _take(self, user_id: str, message: Mapping[str, Any]) -> bool:
        """Handle one message; False when it was refused, once too often."""
        try:
            text = message.get("text")
            frame = self._codec.decode(message["bytes"] if text is None else text)
            self._frames += 1
            if isinstance(frame, Resume) and self._frames == 1:
                await self._resume(user_id, frame)
            else:
                await self._handle(await self._open(user_id), frame)
            self._bad_frames = 0
        except (FrameError, TurnError, GatewayError) as error:
            logger.info("frame refused: {} correlation_id={}", error.code, self._correlation_id)
            if error.code == "full":
                raise
            session = await self._open(user_id)
            if not session.channel.takes_errors:
                await self.close(CloseCode.POLICY, "refused again and again, and nothing is acknowledged")
                return False
            await self._send_error(error)
            is_bad = isinstance(error, FrameError) or error.code == "turn_not_found"
            self._bad_frames = self._bad_frames + 1 if is_bad else 0
            if self._bad_frames >= _MAX_BAD_FRAMES:
                await self.close(CloseCode.POLICY, f"{_MAX_BAD_FRAMES} bad frames in a row")
                return False
        await asyncio.sleep(0)  # thousands of frames may be there already, and others have a turn too
        return True

    async def _handle(self, session: Session, frame: ClientFrame) -> None:
        match frame:
            case StartTurn():
                self._gateway.require_running()
                await session.start_turn(frame)
            case Interrupt():
                session.interrupt(frame)
            case ChunkSpoken():
                session.chunk_spoken(frame)
            case Ack():
                session.channel.ack(frame.seq)
            case Ping():
                await self.send(self._codec.encode_control(Pong(frame.t)))
            case Resume():
                raise FrameError("resume: expected only as the first frame of a connection.")
            case _:
                assert_never(frame)

    async def _send_error(self, error: PipelineError) -> None:
        assert self._session is not None
        await self._session.emit_error(error, correlation_id=self._correlation_id)
