"""Session: one voice client's turns, in order. It outlives its sockets: a dropped one is not an interrupt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest
from secrets import token_urlsafe
from uuid import uuid4

from gateway.channel import Channel, Connection
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
from gateway.wire.errors import FrameError
from gateway.wire.native import ChunkSpoken, Interrupt, Limits, NativeCodec, SessionFrame, StartTurn
from pipeline.agent.service import AgentService, Message, correlation_id
from pipeline.errors import PipelineError, TurnError
from pipeline.events import AgentEvent, Error, ReplyComplete, StreamEnd, StreamStart, TerminalEvent, TurnInterrupted
from pipeline.message_processor import ConversationTurn, Heard, MessageProcessor, TurnStatus, log_failure
from pipeline.text import ChunkLimits, SpeechRules

__all__ = ["Session", "SessionTurn"]

_MAX_UNTOLD_TURNS = 64
_MAX_REMEMBERED = 1024


class Session:
    """Commands act at once, without waiting for the client to read.

    One task of its own, the relay, moves the turns' events into the window of unacknowledged frames and
    through the attached connection, if there is one. `close` ends it.
    """

    def __init__(
        self,
        *,
        user_id: str,
        agent: AgentService,
        settings: Settings,
        store: Store,
        turn_log: TurnLog,
        live_turns: LiveTurns,
        conversation_id: str | None = None,
        playback: bool = False,
    ) -> None:
        self.session_id = token_urlsafe(16)
        self.conversation_id = conversation_id or uuid4().hex
        self.user_id = user_id
        self._resume_token = token_urlsafe(32)
        self._agent = agent
        self._settings = settings
        self._default_speech = speech_of(settings)
        self._store = store
        self._turn_log = turn_log
        self._live_turns = live_turns
        self._max_unspoken = settings.max_unspoken_chunks if playback else None
        self._codec = NativeCodec(max_message_chars=settings.max_message_chars)
        self._processor = MessageProcessor(
            connection_id=self.session_id,
            user_id=user_id,
            queue_maxsize=settings.queue_size,
            idle_release_s=settings.idle_release_s,
            speaking_rate_cps=settings.speaking_rate_cps,
            reports_delivery=True,
        )
        # Turns: those the relay has yet to tell, and what must not be forgotten of earlier ones.
        self._turns: asyncio.Queue[str] = asyncio.Queue(_MAX_UNTOLD_TURNS)
        self._relay: asyncio.Task[None] | None = None
        self._open_turns = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._saving: dict[str, TurnSaver] = {}
        self._begun: dict[str, asyncio.Future[TurnBegun]] = {}
        self.is_broken = False
        """Whether the relay has failed, by a fault of ours: then nobody may go on with the session."""
        self._refs: dict[str, None] = {}
        self._ended: dict[str, None] = {}
        self.channel = Channel(NativeCodec(max_message_chars=settings.max_message_chars), listener=self)

    # What the owner may know

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks of turns that still run."""
        return self._processor.tasks

    def admits(self, user_id: str, resume_token: str) -> bool:
        """Whether this user, with this token, may go on with the session."""
        return self.user_id == user_id and compare_digest(self._resume_token.encode(), resume_token.encode())

    @property
    def live_turn_id(self) -> str | None:
        """The turn that has not ended, if there is one."""
        live = self._processor.live_turn
        return None if live is None else live.turn_id

    @property
    def is_idle(self) -> bool:
        """Whether no turn is live and all of them were told to their end."""
        return self._idle.is_set()

    async def wait_idle(self) -> None:
        """Returns when no turn is live and all of them were told to their end."""
        await self._idle.wait()

    # Connections

    async def attach(self, connection: Connection, *, last_seq: int | None = None) -> bool:
        """Speak through this connection from now on: `session` first, then every frame after `last_seq`.

        The connection before it is closed. False when those frames are not here any more. Raises ClientGoneError.
        """

        def opening() -> SessionFrame:
            return self._opening(recovered=last_seq is not None)

        return await self.channel.attach(connection, opening, last_seq=last_seq)

    def chunk_sent(self, turn_id: str, index: int) -> None:
        """The channel has written a chunk."""
        self._processor.chunk_sent(turn_id, index)
        self._turn_log.chunk_sent(turn_id, index)

    def chunk_lost(self, turn_id: str, index: int) -> None:
        """A chunk, and all after it, did not arrive."""
        self._processor.chunk_lost(turn_id, index)

    def client_attached(self, attached: bool) -> None:
        """The client has come, or is away."""
        self._processor.client_attached(attached)

    def _opening(self, *, recovered: bool) -> SessionFrame:
        settings = self._settings
        return SessionFrame(
            session_id=self.session_id,
            resume_token=self._resume_token,
            recovered=recovered,
            last_seq=self.channel.last_seq,
            conversation_id=self.conversation_id,
            limits=Limits(
                max_message_chars=settings.max_message_chars,
                max_frame_bytes=settings.max_frame_bytes,
                max_unspoken_chunks=settings.max_unspoken_chunks,
                resume_window_s=settings.resume_window_s,
            ),
        )

    # Commands

    async def start_turn(self, frame: StartTurn) -> None:
        """Begin a turn; a live one is interrupted first. A `ref` that was seen before starts nothing.

        So is one that the conversation has over HTTP. Never waits for the client. Raises TurnError (turn_in_progress)
        when the frame wants no barge-in, or when many turns are still to be told to the client; FrameError for bad
        options.
        """
        if self.channel.is_over:
            raise GatewayError("The session has ended: connect again.", code="shutting_down", retryable=True)
        if frame.ref is not None and frame.ref in self._refs:
            return
        conversation_id = self.conversation_id if frame.conversation_id is None else frame.conversation_id
        live = self._processor.live_turn
        requests = self._live_turns.requests.live(self.user_id, conversation_id)
        if (live is not None or requests) and frame.on_busy == "reject":
            raise TurnError("Another turn is live, and on_busy is `reject`.", code="turn_in_progress", retryable=True)
        if self._turns.full():
            raise TurnError("Earlier turns are still to be read.", code="turn_in_progress", retryable=True)
        limits, rules = self._speech(frame)
        if frame.ref is not None:
            _remember(self._refs, frame.ref)
        if live is not None:
            self.interrupt_turn(live, "barge_in")
        for request in requests:
            request.interrupt("barge_in")
        self.conversation_id = conversation_id
        turn = TurnStart(
            turn_id=uuid4().hex,
            conversation_id=conversation_id,
            session_id=self.session_id,
            ref=frame.ref,
            started_at=time.time(),
        )
        correlation = uuid4().hex
        begun = asyncio.ensure_future(
            self._store.begin_turn(self.user_id, turn, Message(role="user", content=frame.message))
        )
        begun.add_done_callback(partial(self._forget_unstored, frame.ref))
        self._begun[turn.turn_id] = begun
        self._turn_log.began(self.user_id, turn, frame.message)
        await self._processor.start_turn(
            conversation_id=conversation_id,
            user_input=frame.message,
            agent_stream=self._answer(turn, begun, tuple(self._saving.values()), correlation),
            turn_id=turn.turn_id,
            ref=frame.ref,
            max_unspoken_chunks=self._max_unspoken,
            captions=frame.captions,
            lang=frame.lang or self._settings.lang,
            limits=limits,
            rules=rules,
            correlation_id=correlation,
        )
        self._live_turns.sessions.add(
            self.user_id, conversation_id, SessionTurn(self, self._processor.turn(turn.turn_id))
        )
        if self._relay is None:
            self._relay = asyncio.create_task(self._run_relay(), name=f"relay {self.session_id}")
        self._open_turns += 1
        self._idle.clear()
        self._turns.put_nowait(turn.turn_id)

    def _forget_unstored(self, ref: str | None, begun: asyncio.Future[TurnBegun]) -> None:
        if ref is not None and begun.exception() is not None:
            self._refs.pop(ref, None)  # nothing was begun: the client may try again

    def _speech(self, frame: StartTurn) -> tuple[ChunkLimits, SpeechRules]:
        if frame.speech is None:
            return self._default_speech
        try:
            return speech_of(self._settings, frame.speech)
        except ValueError as error:
            raise FrameError(f"speech: {error}.") from None

    async def _answer(
        self, start: TurnStart, begun: asyncio.Future[TurnBegun], before: Sequence[TurnSaver], correlation: str
    ) -> AsyncGenerator[AgentEvent, None]:
        """What the agent answers to the conversation, once the user's message is safe; `before`: ends being stored."""
        correlation_id.set(correlation)
        turn = await asyncio.shield(begun)  # asked again when the turn ends, also when it is interrupted here
        if not turn.started:  # the store remembers a `ref` for longer than the session does
            raise TurnError("ref: this turn was started before.", code="turn_in_progress")
        history = turn.history
        if late := [saving for saving in before if saving.is_late]:  # `history` is from before they were stored
            for saving in late:
                with suppress(StorageError):  # told as that turn's end
                    await saving.kept()
            history = await self._store.history(self.user_id, start.conversation_id)
        settings = self._settings
        messages = trim_history(
            history, max_messages=settings.max_history_messages, max_chars=settings.max_history_chars
        )
        async with aclosing(self._agent.stream(messages)) as events:
            async for event in events:
                self._turn_log.answered(start.turn_id, event)
                yield event

    async def _tell_lost(self, turn_id: str) -> None:
        """Tell, once, of turns that a gateway that died has left behind. Raises StorageError: it did not begin."""
        begun = self._begun.pop(turn_id, None)
        if begun is not None and (await asyncio.shield(begun)).lost:
            error = GatewayError("The conversation's last turn was lost when the gateway stopped.", code="turn_lost")
            await self.emit_error(error, correlation_id=self._processor.turn(turn_id).correlation_id)

    def interrupt(self, frame: Interrupt) -> None:
        """Stop the turn that the frame means; nothing happens when it is over already.

        Raises TurnError (turn_not_found) for a turn that this session never had.
        """
        live = self._processor.live_turn
        heard = None if frame.heard is None else Heard(frame.heard.index, frame.heard.chars)
        if frame.turn_id is not None and (live is None or frame.turn_id != live.turn_id):
            if frame.turn_id not in self._ended:
                self._processor.turn(frame.turn_id)
        elif live is not None:
            if heard is not None and self.channel.has_given(live.turn_id, heard.index):
                self._processor.chunk_sent(live.turn_id, heard.index)  # its sending may not have returned
            self.interrupt_turn(live, frame.reason or "user", heard)

    def chunk_spoken(self, frame: ChunkSpoken) -> None:
        """Take a playback report. Raises TurnError (turn_not_found) for a turn that this session never had."""
        if frame.turn_id not in self._ended:
            self._processor.chunk_spoken(frame.turn_id, frame.index)
            self._turn_log.chunk_spoken(frame.turn_id, frame.index)
        self.channel.chunk_arrived(frame.turn_id, frame.index)

    def interrupt_turn(self, turn: ConversationTurn, reason: str, heard: Heard | None = None) -> None:
        """Stop one of the session's turns, unless it is over."""
        self._turn_log.interrupt_asked(turn.turn_id)
        if self._processor.request_interrupt(turn.turn_id, reason, heard):
            self._save(turn, reason)

    # What comes of them

    async def emit_error(self, error: PipelineError, *, correlation_id: str) -> None:
        """Tell the client of a fault that ends no turn."""
        await self.channel.emit(Error(error.code, str(error), correlation_id, error.retryable))

    async def _run_relay(self) -> None:
        try:
            await self._tell_turns()
        except Exception as error:
            log_failure("the relay failed", error, correlation_id=self.session_id)
            self.is_broken = True
            if self.channel.connection is not None:
                await self.channel.connection.failed()

    async def _tell_turns(self) -> None:
        """One turn after the other, for as long as the session lives."""
        while True:
            turn_id = await self._turns.get()
            turn = self._processor.turn(turn_id)
            async with aclosing(self._processor.stream_events(turn_id)) as events:
                async for event in events:
                    if isinstance(event, StreamEnd | Error | TurnInterrupted):
                        event = await self._settle(turn, event)
                    elif turn_id in self._begun and not isinstance(event, StreamStart | ReplyComplete):
                        await self._tell_lost(turn_id)  # the agent has answered, so the turn has begun
                    self._turn_log.ready(event)
                    await self.channel.emit(event)
                    self._turn_log.sent(event)
                    # Before the next event is taken from the turn, so that an interrupt finds it still there.
                    await self.channel.wait_for_room()
            self._processor.forget(turn_id)
            self._open_turns -= 1
            if self._open_turns == 0:
                self._idle.set()

    async def _settle(self, turn: ConversationTurn, event: TerminalEvent) -> TerminalEvent:
        """Make the turn's outcome durable before its terminal event is sent; what that is: an error if it failed."""
        if not isinstance(event, TurnInterrupted):
            self._save(turn, event.type if isinstance(event, Error) else None)
        _remember(self._ended, turn.turn_id)
        try:
            await self._tell_lost(turn.turn_id)  # when the agent was not even asked
            await self._saving[turn.turn_id].kept()
        except StorageError as error:
            self._turn_log.ended(turn.turn_id, TurnStatus.FAILED.value, error.code)
            text = "The turn could not be stored."
            event = Error(error.code, text, turn.correlation_id, error.retryable, turn_id=turn.turn_id)
        del self._saving[turn.turn_id]
        log_turn(turn)
        return event

    def _save(self, turn: ConversationTurn, reason: str | None) -> None:
        """Ask the store for the turn's end; a turn that begins after this sees it."""
        self._live_turns.sessions.remove(self.user_id, turn.conversation_id, SessionTurn(self, turn))
        self._turn_log.ended(turn.turn_id, turn.status.value, reason)
        write = partial(self._store.finish_turn, self.user_id, turn_end(turn, reason), reply_messages(turn))
        self._saving[turn.turn_id] = TurnSaver(write)

    async def close(self, reason: str) -> None:
        """End the session: its live turn is interrupted and saved, and no task is left."""
        self.channel.give_up()
        live = self._processor.live_turn
        if live is not None:
            self.interrupt_turn(live, reason)
        if self._relay is not None:
            self._relay.cancel()
            await asyncio.wait([self._relay])
        for turn_id, saving in self._saving.items():  # what the relay did not come to tell
            with suppress(StorageError):  # logged where it happened
                await saving.kept()
            log_turn(self._processor.turn(turn_id))
        await self._processor.close()


@dataclass(frozen=True, slots=True)
class SessionTurn:
    """A session's turn, as the rest of its conversation sees it."""

    session: Session
    turn: ConversationTurn

    @property
    def is_live(self) -> bool:
        """Whether the turn has not ended."""
        return self.turn.is_live

    @property
    def has_client(self) -> bool:
        """Whether somebody may be listening."""
        return self.session.channel.connection is not None

    def interrupt(self, reason: str) -> None:
        """Stop the turn, unless it is over; its client is told when it comes back."""
        self.session.interrupt_turn(self.turn, reason)


def _remember(seen: dict[str, None], key: str) -> None:
    # Dicts keep their order, so that the oldest are forgotten first.
    seen[key] = None
    if len(seen) > _MAX_REMEMBERED:
        del seen[next(iter(seen))]
