"""HTTPTurns: the turns that live as long as one HTTP request. Their words take the way of all turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec
from loguru import logger

from gateway.errors import GatewayError, StorageError
from gateway.history import trim_history
from gateway.live_turns import LiveTurns
from gateway.reply_messages import reply_messages
from gateway.settings import Settings
from gateway.speech import speech_of
from gateway.store import Store, TurnBegun, TurnStart
from gateway.turn_end import log_turn, turn_end
from gateway.turn_log import TurnLog
from gateway.turn_saver import TurnSaver
from gateway.wire.native import SpeechOptions
from pipeline.agent.service import AgentService, Message
from pipeline.errors import TurnError
from pipeline.events import AgentEvent, Error, TerminalEvent, TTSReadyChunk, TurnEvent
from pipeline.message_processor import ConversationTurn, MessageProcessor, TurnStatus, log_failure
from pipeline.text import ChunkLimits, SpeechRules

__all__ = ["HTTPTurn", "HTTPTurns", "TurnOptions"]

_MAX_REMEMBERED: Final = 10_000
_NOTICE_S: Final = 0.25
"""So long a thread's next message may be ahead of the news that the client left the turn before."""


class TurnOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`captions`: with `stream_token` events. `streamed`: events go out one by one; else nothing was heard before
    the turn is complete. `speech` was checked.
    """

    captions: bool
    streamed: bool
    correlation_id: str
    lang: str | None = None
    speech: SpeechOptions | None = None


class HTTPTurn:
    """One turn. `events` runs it; closing them, or `interrupt`, is the barge-in."""

    def __init__(self, turns: HTTPTurns, *, user_id: str, thread_id: str | None) -> None:
        self.turn_id = uuid4().hex
        self.user_id = user_id
        self.thread_id = thread_id
        """The conversation in the store; None: nothing is kept."""
        self.start = TurnStart(
            turn_id=self.turn_id,
            conversation_id=thread_id or "",
            session_id=self.turn_id,
            ref=None,
            started_at=time.time(),
        )
        self.turn: ConversationTurn | None = None
        self._turns = turns
        self._streamed = True
        self._saving: TurnSaver | None = None
        self._encodable = True
        self.over = asyncio.Event()
        settings = turns.settings
        self._processor = MessageProcessor(
            connection_id=self.turn_id,
            user_id=user_id,
            queue_maxsize=settings.queue_size,
            idle_release_s=settings.idle_release_s,
            speaking_rate_cps=settings.speaking_rate_cps,
            reports_delivery=True,
        )

    async def events(
        self, answer: AsyncGenerator[AgentEvent, None], message: str, options: TurnOptions
    ) -> AsyncGenerator[TurnEvent, None]:
        """The turn, from its first event to its last. A chunk counts as sent when the next event is asked for.

        The terminal event comes when the turn's end is durable. Raises nothing of the agent: that is an event.
        """
        processor, log = self._processor, self._turns.turn_log
        limits, rules = self._turns.speech(options.speech)
        log.began(self.user_id, self.start, message)
        await processor.start_turn(
            self.thread_id or "",
            message,
            self._logged(answer),
            turn_id=self.turn_id,
            captions=options.captions,
            lang=options.lang or self._turns.settings.lang,
            limits=limits,
            rules=rules,
            correlation_id=options.correlation_id,
        )
        self.turn = turn = processor.turn(self.turn_id)
        self._streamed = options.streamed
        try:
            async with aclosing(processor.stream_events(self.turn_id)) as events:
                async for event in events:
                    if isinstance(event, TerminalEvent):
                        event = await self._settle(turn, event)
                    log.ready(event)
                    yield event
                    if isinstance(event, TTSReadyChunk):
                        processor.chunk_sent(self.turn_id, event.index)
                        if options.streamed:
                            log.chunk_sent(self.turn_id, event.index)
                    log.sent(event)
        finally:
            if turn.is_live:
                self.interrupt("disconnected")
                await self._is_kept(turn)
            elif self._saving is not None:
                with suppress(StorageError):  # logged where it happened
                    await self._saving.kept()  # also when the client leaves meanwhile
            await processor.close()
            self._turns.keep(processor.tasks)

    async def _logged(self, answer: AsyncGenerator[AgentEvent, None]) -> AsyncGenerator[AgentEvent, None]:
        async with aclosing(answer) as events:
            async for event in events:
                self._turns.turn_log.answered(self.turn_id, event)
                yield event

    @property
    def is_live(self) -> bool:
        """Until it has ended, or was interrupted, and the store knows: the next turn may begin, while tasks yet run."""
        return not self.over.is_set()

    def interrupt(self, reason: str) -> None:
        """Stop the turn, unless it is over; its reader gets `turn_interrupted`, and the store its end."""
        turn = self.turn
        if turn is not None and turn.is_live and self._processor.request_interrupt(self.turn_id, reason):
            self._turns.turn_log.interrupt_asked(self.turn_id)
            self._save(turn, reason)

    async def _settle(self, turn: ConversationTurn, event: TerminalEvent) -> TerminalEvent:
        """Make the turn's outcome durable before its terminal event is told; what that is: an error if it failed."""
        if turn.status is not TurnStatus.INTERRUPTED:  # else that was done when it was
            self._save(turn, event.type if isinstance(event, Error) else None)
        if await self._is_kept(turn):
            return event
        text = "The turn could not be stored."
        return Error("storage_error", text, turn.correlation_id, retryable=True, turn_id=self.turn_id)

    async def _is_kept(self, turn: ConversationTurn) -> bool:
        """Wait until the store knows; whether it does. True when the store is not to know."""
        kept = self._encodable
        if self._saving is not None:
            try:
                await self._saving.kept()
            except StorageError as error:
                kept = False
                self._turns.turn_log.ended(self.turn_id, TurnStatus.FAILED.value, error.code)
        log_turn(turn)
        return kept

    def _save(self, turn: ConversationTurn, reason: str | None) -> None:
        self.over.set()
        self._turns.turn_log.ended(self.turn_id, turn.status.value, reason)
        if self.thread_id is None:
            return
        if not self._streamed and turn.status is not TurnStatus.COMPLETED:
            turn.heard_chars = 0  # the client has got nothing of it
        finish, end = partial(self._turns.store.finish_turn, self.user_id), turn_end(turn, reason)
        try:
            self._saving = TurnSaver(partial(finish, end, reply_messages(turn)))
        except Exception as error:  # text that cannot be encoded: the turn ends all the same, without it
            self._encodable = False
            log_failure(f"turn {self.turn_id}: could not be kept", error, correlation_id=turn.correlation_id)
            end = msgspec.structs.replace(end, status=TurnStatus.FAILED.value, reason="storage_error")
            self._turns.turn_log.ended(self.turn_id, end.status, end.reason)
            self._saving = TurnSaver(partial(finish, end, []))


class HTTPTurns:
    """Starts turns, knows the live ones, and the threads that were given out and have no turn yet."""

    def __init__(
        self, *, agent: AgentService, settings: Settings, store: Store, turn_log: TurnLog, live_turns: LiveTurns
    ) -> None:
        self.settings = settings
        self.store = store
        self.turn_log = turn_log
        self._agent = agent
        self._live_turns = live_turns
        self._default_speech = speech_of(settings)
        self._live: dict[HTTPTurn, None] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._threads: dict[str, dict[str, None]] = {}
        self._closed = False
        self._stubborn: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many turns are live."""
        return len(self._live)

    def speech(self, options: SpeechOptions | None) -> tuple[ChunkLimits, SpeechRules]:
        """How a turn is cut and spoken. Raises ValueError, which names the field."""
        return self._default_speech if options is None else speech_of(self.settings, options)

    def new_thread(self, user_id: str) -> str:
        """The id of a conversation that begins with its first turn. The latest 10,000 of each user are remembered."""
        thread_id = uuid4().hex
        threads = self._threads.setdefault(user_id, {})
        threads[thread_id] = None
        if len(threads) > _MAX_REMEMBERED:
            del threads[next(iter(threads))]
        return thread_id

    async def require_thread(self, user_id: str, thread_id: str) -> None:
        """Raises GatewayError (conversation_not_found), StorageError."""
        known = thread_id in self._threads.get(user_id, ())
        if not known and await self.store.read(user_id, thread_id, limit=1) is None:
            raise GatewayError("thread_id: you have no such thread.", code="conversation_not_found")

    async def chat(
        self, user_id: str, thread_id: str, message: str, options: TurnOptions
    ) -> AsyncGenerator[TurnEvent, None]:
        """A turn of a thread, kept in the store. One of a session whose client is away is interrupted first.

        Raises TurnError (turn_in_progress), GatewayError.
        """
        if await self._is_busy(user_id, thread_id):
            raise TurnError("This thread is busy with another message.", code="turn_in_progress", retryable=True)
        self._require_room()
        for unheard in self._live_turns.sessions.live(user_id, thread_id):
            unheard.interrupt("barge_in")
        turn = HTTPTurn(self, user_id=user_id, thread_id=thread_id)
        begun = self.store.begin_turn(user_id, turn.start, Message(role="user", content=message))
        self._threads.get(user_id, {}).pop(thread_id, None)
        answer = self._answer(begun, options.correlation_id)
        self._live_turns.requests.add(user_id, thread_id, turn)
        try:
            async with aclosing(self._run(turn, answer, message, options)) as events:
                async for event in events:
                    yield event
        finally:
            self._live_turns.requests.remove(user_id, thread_id, turn)

    async def _is_busy(self, user_id: str, thread_id: str) -> bool:
        """Whether this thread has a turn that somebody listens to; one that was just left is waited for."""
        turns = self._live_turns
        for before in turns.requests.live(user_id, thread_id):
            with suppress(TimeoutError):
                await asyncio.wait_for(before.over.wait(), _NOTICE_S)
        # Nothing is awaited between this and the next turn.
        sessions = turns.sessions.live(user_id, thread_id)
        return bool(turns.requests.live(user_id, thread_id)) or any(turn.has_client for turn in sessions)

    async def complete(
        self, user_id: str, messages: Sequence[Message], options: TurnOptions
    ) -> AsyncGenerator[TurnEvent, None]:
        """An answer to a history that the client keeps. Raises GatewayError (full, shutting_down)."""
        self._require_room()
        turn = HTTPTurn(self, user_id=user_id, thread_id=None)
        answer = self._agent.stream(messages)
        said = next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")
        async with aclosing(self._run(turn, answer, said, options)) as events:
            async for event in events:
                yield event

    async def _run(
        self, turn: HTTPTurn, answer: AsyncGenerator[AgentEvent, None], message: str, options: TurnOptions
    ) -> AsyncGenerator[TurnEvent, None]:
        self._live[turn] = None
        self._idle.clear()
        try:
            async with aclosing(turn.events(answer, message, options)) as events:
                async for event in events:
                    yield event
        finally:
            del self._live[turn]
            turn.over.set()  # also one that never began
            if not self._live:
                self._idle.set()

    async def _answer(self, begun: Awaitable[TurnBegun], correlation_id: str) -> AsyncGenerator[AgentEvent, None]:
        """What the agent answers to the conversation, once the user's message is safe."""
        turn = await begun
        if turn.lost:
            logger.warning("turn {} was lost when the gateway stopped correlation_id={}", turn.lost[-1], correlation_id)
        settings = self.settings
        messages = trim_history(
            turn.history, max_messages=settings.max_history_messages, max_chars=settings.max_history_chars
        )
        async with aclosing(self._agent.stream(messages)) as events:
            async for event in events:
                yield event

    def _require_room(self) -> None:
        if self._closed:
            raise GatewayError("The gateway is shutting down.", code="shutting_down", retryable=True)
        if len(self._live) >= self.settings.max_sessions:
            raise GatewayError("The gateway is full, try again later.", code="full", retryable=True)

    def keep(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """Own the tasks of an agent that will not stop, until it does."""
        for task in tasks:
            self._stubborn.add(task)
            task.add_done_callback(self._stubborn.discard)

    # The end

    async def wait_idle(self) -> None:
        """Returns when no turn is live."""
        await self._idle.wait()

    def close(self) -> None:
        """Interrupt every turn, and take no more."""
        self._closed = True
        for turn in self._live:
            turn.interrupt("shutdown")
