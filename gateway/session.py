"""Session: one voice client's turns, in order, and what its conversation remembers of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from secrets import token_urlsafe
from typing import TypeAlias
from uuid import uuid4

from loguru import logger

from gateway.settings import Settings
from gateway.store import MemoryStore
from gateway.wire.native import ChunkSpoken, Interrupt, Limits, SessionFrame, StartTurn
from pipeline.agent.service import AgentService, Message
from pipeline.errors import TurnError
from pipeline.events import Error, StreamEnd, TurnEvent, TurnInterrupted
from pipeline.message_processor import ConversationTurn, Heard, MessageProcessor

__all__ = ["Session"]

SendEvent: TypeAlias = Callable[[TurnEvent], Awaitable[None]]

_MAX_WAITING_TURNS = 8
_MAX_REMEMBERED = 1024


class Session:
    """Commands act at once, without waiting for the client to read; `relay` sends what comes of them.

    The owner runs `relay` in a task of its own, and calls `close` at the end.
    """

    def __init__(self, *, user_id: str, agent: AgentService, settings: Settings, store: MemoryStore) -> None:
        self.session_id = token_urlsafe(16)
        self.conversation_id = uuid4().hex
        self.user_id = user_id
        self._resume_token = token_urlsafe(32)
        self._agent = agent
        self._settings = settings
        self._store = store
        self._processor = MessageProcessor(
            connection_id=self.session_id,
            user_id=user_id,
            queue_maxsize=settings.queue_size,
            idle_release_s=settings.idle_release_s,
            speaking_rate_cps=settings.speaking_rate_cps,
        )
        self._turns: asyncio.Queue[str] = asyncio.Queue(_MAX_WAITING_TURNS)
        self._open_turns = 0
        self._idle = asyncio.Event()
        self._idle.set()
        # Insertion-ordered, so that the oldest are forgotten first.
        self._refs: dict[str, None] = {}
        self._ended: dict[str, None] = {}
        self._seq = 0

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks of turns that still run."""
        return self._processor.tasks

    def next_seq(self) -> int:
        """The number of the next frame in this session's order."""
        self._seq += 1
        return self._seq

    def opening(self) -> SessionFrame:
        """The frame that tells a client which session it has."""
        settings = self._settings
        return SessionFrame(
            session_id=self.session_id,
            resume_token=self._resume_token,
            recovered=False,
            last_seq=self._seq,
            conversation_id=self.conversation_id,
            limits=Limits(
                max_message_chars=settings.max_message_chars,
                max_frame_bytes=settings.max_frame_bytes,
                max_unspoken_chunks=settings.max_unspoken_chunks,
                resume_window_s=0,
            ),
        )

    async def start_turn(self, frame: StartTurn) -> None:
        """Begin a turn; a live one is interrupted first. A `ref` that was seen before starts nothing.

        Waits only while many turns of this session are still to be told to the client.
        Raises TurnError (turn_in_progress) when the frame wants no barge-in.
        """
        if frame.ref is not None and frame.ref in self._refs:
            return
        live = self._processor.live_turn
        if live is not None and frame.on_busy == "reject":
            raise TurnError("Another turn is live, and on_busy is `reject`.", code="turn_in_progress", retryable=True)
        if frame.ref is not None:
            _remember(self._refs, frame.ref)
        if live is not None:
            self._interrupt(live, "barge_in", None)
        if frame.conversation_id is not None:
            self.conversation_id = frame.conversation_id
        self._store.append(self.user_id, self.conversation_id, Message(role="user", content=frame.message))
        turn_id = await self._processor.start_turn(
            conversation_id=self.conversation_id,
            user_input=frame.message,
            agent_stream=self._agent.stream(self._store.history(self.user_id, self.conversation_id)),
            ref=frame.ref,
            captions=frame.captions,
            lang=frame.lang or self._settings.lang,
        )
        self._open_turns += 1
        self._idle.clear()
        await self._turns.put(turn_id)

    def interrupt(self, frame: Interrupt) -> None:
        """Stop the turn that the frame means; nothing happens when it is over already.

        Raises TurnError (turn_not_found) for a turn that this session never had.
        """
        live = self._processor.live_turn
        heard = None if frame.heard is None else Heard(frame.heard.index, frame.heard.chars)
        if frame.turn_id is not None and (live is None or frame.turn_id != live.turn_id):
            self._require_known(frame.turn_id)
        elif live is not None:
            self._interrupt(live, frame.reason or "user", heard)

    def chunk_spoken(self, frame: ChunkSpoken) -> None:
        """Take a playback report. Raises TurnError (turn_not_found) for a turn that this session never had."""
        if frame.turn_id in self._ended:
            return
        self._processor.chunk_spoken(frame.turn_id, frame.index)

    async def relay(self, send: SendEvent) -> None:
        """Send the events of one turn after the other, for as long as the session lives."""
        while True:
            turn_id = await self._turns.get()
            turn = self._processor.turn(turn_id)
            async with aclosing(self._processor.stream_events(turn_id)) as events:
                async for event in events:
                    if isinstance(event, StreamEnd | Error):
                        self._remember_reply(turn)
                    if isinstance(event, StreamEnd | Error | TurnInterrupted):
                        _remember(self._ended, turn_id)
                        self._log(turn)
                    await send(event)
            self._forget(turn_id)

    async def wait_idle(self) -> None:
        """Returns when no turn is live and the client was told the end of all of them."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop what is live and wait, for a bounded time, until no task of this session is left."""
        await self._processor.close()

    def _interrupt(self, turn: ConversationTurn, reason: str, heard: Heard | None) -> None:
        if self._processor.request_interrupt(turn.turn_id, reason, heard):
            self._remember_reply(turn)

    def _remember_reply(self, turn: ConversationTurn) -> None:
        # A reply that nobody heard leaves the user's message alone.
        if heard := turn.heard_text:
            message = Message(role="assistant", content=heard)
            self._store.append(self.user_id, turn.conversation_id, message)

    def _require_known(self, turn_id: str) -> None:
        if turn_id not in self._ended:
            self._processor.turn(turn_id)

    def _forget(self, turn_id: str) -> None:
        self._processor.forget(turn_id)
        self._open_turns -= 1
        if self._open_turns == 0:
            self._idle.set()

    def _log(self, turn: ConversationTurn) -> None:
        timing = turn.timing(turn.ended_at_s or asyncio.get_running_loop().time())
        logger.info(
            "turn {} {} first_token_ms={} first_chunk_ms={} total_ms={} chunks={} correlation_id={}",
            turn.turn_id,
            turn.status.value,
            timing.first_token_ms,
            timing.first_chunk_ms,
            timing.total_ms,
            turn.chunks,
            turn.correlation_id,
        )


def _remember(seen: dict[str, None], key: str) -> None:
    seen[key] = None
    if len(seen) > _MAX_REMEMBERED:
        del seen[next(iter(seen))]
