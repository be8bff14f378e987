"""Channel: a session's frames, numbered, kept until they have arrived, written through whatever connection there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway.outbox import ClientGoneError
from gateway.replay_window import Frame, ReplayWindow
from gateway.wire.native import NativeCodec, SessionFrame
from pipeline.events import TTSReadyChunk, TurnEvent

__all__ = ["Channel", "Connection"]


class Connection(Protocol):
    """What a session needs of the socket it speaks through."""

    async def send(self, frame: str) -> None:
        """Write a frame. Raises ClientGoneError."""

    async def taken_over(self) -> None:
        """Another connection has resumed the session: close this one."""

    async def failed(self) -> None:
        """The session broke, by a fault of ours: say so and close this one."""


class Channel:
    """Frames leave in order, each once on every connection; `on_chunk_sent` hears of chunks that were written."""

    def __init__(self, codec: NativeCodec, *, on_chunk_sent: Callable[[str, int], None]) -> None:
        self._codec = codec
        self._on_chunk_sent = on_chunk_sent
        self._window = ReplayWindow()
        self._connection: Connection | None = None
        self._written = 0
        """The last frame that the attached connection has got."""
        self._client_acks = False
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()

    @property
    def connection(self) -> Connection | None:
        """The attached connection, if there is one."""
        return self._connection

    @property
    def last_seq(self) -> int:
        """The number of the last frame."""
        return self._window.last_seq

    def can_replay_after(self, seq: int) -> bool:
        """Whether exactly the frames after `seq` can be sent again."""
        return self._window.reaches_back_to(seq)

    async def attach(self, connection: Connection, opening: SessionFrame, *, last_seq: int | None) -> None:
        """Speak through this connection from now on: `opening` first, then every frame after `last_seq` (None: only
        what is new). The connection before it is closed. Raises ClientGoneError.
        """
        before, self._connection = self._connection, None
        if before is not None:
            await before.taken_over()
        if last_seq is not None:
            self._window.ack(last_seq)
        async with self._writing:
            await connection.send(self._codec.encode_control(opening))
            self._connection = connection
            self._written = self._window.last_seq if last_seq is None else last_seq
        self._room.set()
        await self._write()

    def detach(self, connection: Connection | None) -> None:
        """The connection is gone; nothing changes when another has taken its place already."""
        if self._connection is connection:
            self._connection = None

    async def emit(self, event: TurnEvent) -> None:
        """Number an event, keep it, and write it to the client if one is attached."""
        seq = self._window.last_seq + 1
        chunk = (event.turn_id, event.index) if isinstance(event, TTSReadyChunk) else None
        self._window.add(Frame(seq, self._codec.encode(event, seq), chunk))
        await self._write()

    async def _write(self) -> None:
        """Write what the attached connection does not have yet, in order; returns when it has all."""
        async with self._writing:
            while (connection := self._connection) is not None:
                frame = self._window.after(self._written)
                if frame is None:
                    break
                try:
                    await connection.send(frame.text)
                except ClientGoneError:
                    self.detach(connection)
                    continue
                if connection is not self._connection:
                    continue  # taken over meanwhile: the new one gets it from where it stands
                self._written = frame.seq
                if frame.chunk is not None:
                    self._on_chunk_sent(*frame.chunk)
            if self._connection is not None and not self._client_acks:
                self._window.slide(self._written)

    def ack(self, seq: int) -> None:
        """Every frame up to this one has arrived; from now on the client is expected to say so."""
        self._client_acks = True
        self._window.ack(min(seq, self._written))
        self._room.set()

    def chunk_arrived(self, turn_id: str, index: int) -> None:
        """The frame of this chunk has arrived, and all before it."""
        self._window.ack(self._window.seq_of_chunk(turn_id, index))
        self._room.set()

    async def wait_for_room(self) -> None:
        """Returns when the window of frames that may not have arrived is not full."""
        while self._window.full:
            self._room.clear()
            await self._room.wait()
