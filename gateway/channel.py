"""Channel: a session's frames, numbered, kept until they have arrived, written through whatever connection there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway.outbox import ClientGoneError
from gateway.replay_window import Frame, ReplayWindow
from gateway.wire.native import NativeCodec, SessionFrame
from pipeline.events import TTSReadyChunk, TurnEvent

__all__ = ["Channel", "Connection", "Listener"]


class Connection(Protocol):
    """What a session needs of the socket it speaks through."""

    async def send(self, frame: str) -> None:
        """Write a frame. Raises ClientGoneError."""

    async def taken_over(self) -> None:
        """Another connection has resumed the session: close this one."""

    async def failed(self) -> None:
        """The session broke, by a fault of ours: say so and close this one."""


class Listener(Protocol):
    """Who hears what becomes of chunks, and of the client."""

    def chunk_sent(self, turn_id: str, index: int) -> None:
        """The chunk, and all before it, was written to the client, or has arrived; may be told again."""

    def chunk_lost(self, turn_id: str, index: int) -> None:
        """This chunk, and all after it, did not arrive after all; it will be sent again."""

    def client_attached(self, attached: bool) -> None:
        """The client is there, or away."""


class Channel:
    """Frames leave in order, each once on every connection; `listener` hears what becomes of them."""

    def __init__(self, codec: NativeCodec, *, listener: Listener) -> None:
        self._codec = codec
        self._listener = listener
        self._window = ReplayWindow()
        self._connection: Connection | None = None
        self._written = 0
        """The last frame that the attached connection was given; it may arrive before its sending returns."""
        self._ever_written = 0
        self._client_acks = False
        """Whether it has acknowledged anything, ever: then only what it acknowledges has arrived."""
        self._over = False
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        """Set by whatever may have made room: an acknowledgement, a client that came back, the window that slid."""

    @property
    def connection(self) -> Connection | None:
        """The attached connection, if there is one."""
        return self._connection

    @property
    def is_over(self) -> bool:
        """Whether the client was given up."""
        return self._over

    @property
    def last_seq(self) -> int:
        """The number of the last frame."""
        return self._window.last_seq

    @property
    def takes_errors(self) -> bool:
        """Whether a client may still be told of errors, or has left too much unacknowledged even for that."""
        return not self._window.overfull

    def can_replay_after(self, seq: int) -> bool:
        """Whether exactly the frames after `seq` can be sent again."""
        return self._window.reaches_back_to(seq) and seq <= self._ever_written

    async def attach(
        self, connection: Connection, opening: Callable[[], SessionFrame], *, last_seq: int | None
    ) -> bool:
        """Speak through this connection from now on: `opening` first, then every frame after `last_seq` (None: only
        what is new). The connection before it is closed. False when the frames after `last_seq` are not all here any
        more, or the client was given up. Raises ClientGoneError.
        """
        await self._take_over()  # frees a write that is stuck
        async with self._writing:
            await self._take_over()  # whoever attached meanwhile
            if self._over:
                return False
            if last_seq is not None:
                if not self.can_replay_after(last_seq):
                    return False
                self._arrived(last_seq)
                self._lost_after(last_seq)
            await connection.send(self._codec.encode_control(opening()))
            if self._over:
                return False
            self._connection = connection
            self._written = self._window.last_seq if last_seq is None else last_seq
            self._listener.client_attached(True)
        self._room.set()
        await self._write()
        return True

    async def _take_over(self) -> None:
        before, self._connection = self._connection, None
        if before is not None:
            await before.taken_over()

    def detach(self, connection: Connection | None) -> None:
        """The connection is gone; nothing changes when another has taken its place already."""
        if connection is not None and self._connection is connection:
            self._connection = None
            self._listener.client_attached(False)

    def give_up(self) -> None:
        """The client will not come back: what it should have acknowledged, and did not, has not arrived.

        Nobody is attached any more.
        """
        self._over = True
        self.detach(self._connection)
        if self._client_acks:
            self._lost_after(self._window.acked)

    def _lost_after(self, seq: int) -> None:
        for turn_id, index in self._window.first_chunks_after(seq).items():
            self._listener.chunk_lost(turn_id, index)

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
                self._written = frame.seq
                self._ever_written = max(self._ever_written, frame.seq)
                try:
                    await connection.send(frame.text)
                except ClientGoneError:
                    self.detach(connection)
                    continue
                if connection is not self._connection:
                    continue  # taken over meanwhile: the new one gets it from where it stands
                if frame.chunk is not None:
                    self._listener.chunk_sent(*frame.chunk)
            if self._connection is not None and not self._client_acks:
                self._window.slide(self._written)
                self._room.set()

    def ack(self, seq: int) -> None:
        """Every frame up to this one has arrived; from now on the client is expected to say so."""
        self._client_acks = True
        self._arrived(min(seq, self._written))
        self._room.set()

    def has_given(self, turn_id: str, index: int) -> bool:
        """Whether this chunk was given to the attached connection, and is not known to have arrived."""
        return 0 < self._window.seq_of_chunk(turn_id, index) <= self._written

    def chunk_arrived(self, turn_id: str, index: int) -> None:
        """The frame of this chunk has arrived, and all before it."""
        self._arrived(min(self._window.seq_of_chunk(turn_id, index), self._written))
        self._room.set()

    def _arrived(self, seq: int) -> None:
        if chunk := self._window.ack(seq):
            self._listener.chunk_sent(*chunk)  # also when its sending has not returned, or failed

    async def wait_for_room(self) -> None:
        """Returns when the window of frames that may not have arrived is not full."""
        while self._window.full:
            self._room.clear()
            await self._room.wait()
