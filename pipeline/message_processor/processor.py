"""MessageProcessor: the turns of one session. Start one, read its events, stop it at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import uuid4

from pipeline.errors import PipelineError, TurnError
from pipeline.events import (
    AgentEvent,
    Error,
    TurnEvent,
    TurnInterrupted,
)
from pipeline.message_processor.constants import IDLE_RELEASE_S, QUEUE_MAXSIZE, SPEAKING_RATE_CPS
from pipeline.message_processor.delivery import deliver
from pipeline.message_processor.event_handlers import EventHandler
from pipeline.message_processor.failure_log import log_failure
from pipeline.message_processor.models import ConversationTurn, TurnStatus
from pipeline.message_processor.playback import Heard, Playback
from pipeline.message_processor.task_manager import TaskManager
from pipeline.message_processor.turn_queue import TurnQueue
from pipeline.text import ChunkLimits, SpeechRules, TextChunkProcessor, TTSTextProcessor

__all__ = ["MessageProcessor"]


class MessageProcessor:
    """Runs at most one live turn at a time.

    `queue_maxsize` bounds both queues of a turn, in entries: when a client reads slowly, they fill, and
    the agent's stream is not pulled until there is room. With `reports_delivery` a chunk counts as sent
    when the reader says so (`chunk_sent`), else when it leaves. All methods belong to one event loop.
    """

    def __init__(
        self,
        connection_id: str,
        user_id: str,
        queue_maxsize: int = QUEUE_MAXSIZE,
        *,
        idle_release_s: float = IDLE_RELEASE_S,
        speaking_rate_cps: float = SPEAKING_RATE_CPS,
        reports_delivery: bool = False,
    ) -> None:
        if queue_maxsize < 1:
            raise ValueError("queue_maxsize must be at least 1: an unbounded queue has no backpressure")
        self.connection_id = connection_id
        self.user_id = user_id
        self._queue_maxsize = queue_maxsize
        self._idle_release_s = idle_release_s
        self._speaking_rate_cps = speaking_rate_cps
        self._reports_delivery = reports_delivery
        self._attached = True
        self._tasks = TaskManager()
        self._turns: dict[str, ConversationTurn] = {}
        self._live: ConversationTurn | None = None

    @property
    def live_turn(self) -> ConversationTurn | None:
        """The turn that has not ended, if there is one."""
        return self._live if self._live is not None and self._live.is_live else None

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks of turns that still run; of a turn that is over, only until they notice."""
        return self._tasks.tasks

    def turn(self, turn_id: str) -> ConversationTurn:
        """A turn that was started and not cleaned up. Raises TurnError (turn_not_found)."""
        try:
            return self._turns[turn_id]
        except KeyError:
            raise TurnError("turn_id: there is no such turn.", code="turn_not_found") from None

    async def start_turn(
        self,
        conversation_id: str,
        user_input: str,
        agent_stream: AsyncGenerator[AgentEvent, None],
        *,
        turn_id: str | None = None,
        ref: str | None = None,
        max_unspoken_chunks: int | None = None,
        captions: bool = True,
        lang: str = "en",
        limits: ChunkLimits | None = None,
        rules: SpeechRules | None = None,
        correlation_id: str | None = None,
    ) -> str:
        """Begin to answer `user_input` with `agent_stream`; returns the turn's id. Never waits for anything.

        The stream is owned by the turn from here on and closed on every path. Raises TurnError
        (turn_in_progress) while another turn is live: interrupt that one first.

        `max_unspoken_chunks` is for a client that promises to report playback (`chunk_spoken`): so many
        chunks are given out ahead of its voice, and the turn is over when all has been spoken.
        """
        if self.live_turn is not None:
            await agent_stream.aclose()
            raise TurnError("Another turn is still live.", code="turn_in_progress", retryable=True)
        limits = limits or ChunkLimits()
        turn = ConversationTurn(
            turn_id=turn_id or uuid4().hex,
            conversation_id=conversation_id,
            user_input=user_input,
            correlation_id=correlation_id or uuid4().hex,
            agent_stream=agent_stream,
            token_queue=TurnQueue(self._queue_maxsize),
            event_queue=TurnQueue(self._queue_maxsize),
            chunker=TextChunkProcessor(lang=lang, limits=limits),
            speech=TTSTextProcessor(lang=lang, rules=rules or SpeechRules()),
            playback=Playback(self._speaking_rate_cps, max_unspoken_chunks, self._attached),
            captions=captions,
            started_at_s=asyncio.get_running_loop().time(),
            lang=lang,
            ref=ref,
            max_chars=limits.max_chars,
            reports_delivery=self._reports_delivery,
        )
        self._turns[turn.turn_id] = self._live = turn
        self._tasks.track_task(turn, self._run(turn))
        return turn.turn_id

    async def _run(self, turn: ConversationTurn) -> None:
        """The turn's root task: a producer and a consumer until the terminal event is queued."""
        try:
            if turn.advance(TurnStatus.PROCESSING):
                handler = EventHandler(turn, idle_release_s=self._idle_release_s)
                async with asyncio.TaskGroup() as group:
                    self._tasks.ensure_token_consumer(turn, group, handler.consume_token_events)
                    group.create_task(handler.produce_agent_events(), name=f"producer {turn.turn_id}")
        except Exception as error:
            self._log(turn, "failed inside", error)
            self._fail(turn, PipelineError("Something went wrong inside the gateway."))
        finally:
            try:
                await turn.agent_stream.aclose()
            except Exception as error:  # whatever the turn came to, it stands
                self._log(turn, "the agent's stream did not close", error)

    @staticmethod
    def _log(turn: ConversationTurn, what: str, error: BaseException) -> None:
        log_failure(f"turn {turn.turn_id}: {what}", error, correlation_id=turn.correlation_id)

    def _fail(self, turn: ConversationTurn, error: PipelineError) -> None:
        # Only for faults of ours: unlike an agent's, they do not wait behind what is queued.
        if turn.advance(TurnStatus.FAILED):
            self._settle(turn, turn.playback.played_until)
            event = Error(
                type=error.code,
                error=str(error),
                correlation_id=turn.correlation_id,
                retryable=error.retryable,
                turn_id=turn.turn_id,
            )
            turn.event_queue.put_nowait(event)

    async def stream_events(self, turn_id: str) -> AsyncGenerator[TurnEvent, None]:
        """The turn's events as they happen, `stream_start` first, one terminal event last.

        One reader a turn; close it with `aclosing`. A turn ends when its terminal event leaves here.
        Raises TurnError: turn_not_found, and turn_in_progress when the turn has, or had, a reader.
        """
        turn = self.turn(turn_id)
        if turn.has_reader:
            raise TurnError("The turn's events are read only once.", code="turn_in_progress")
        turn.has_reader = True
        async with aclosing(deliver(turn)) as events:
            async for event in events:
                yield event

    def chunk_sent(self, turn_id: str, index: int) -> None:
        """A chunk was written to the client (from a reader that reports delivery); unknown turns are ignored."""
        if turn := self._turns.get(turn_id):
            turn.playback.chunk_sent(index, asyncio.get_running_loop().time())
            turn.progress.set()

    def chunk_lost(self, turn_id: str, index: int) -> None:
        """A chunk, and all after it, did not arrive and will be sent again; unknown turns are ignored."""
        if turn := self._turns.get(turn_id):
            turn.playback.chunk_lost(index)

    def client_attached(self, attached: bool) -> None:
        """The client is there, or away: then nothing is concluded from its silence."""
        self._attached = attached
        if turn := self._live:
            turn.playback.attached = attached
            if attached:
                turn.playback.come_back(asyncio.get_running_loop().time())
            turn.progress.set()

    def chunk_spoken(self, turn_id: str, index: int) -> None:
        """The client has finished speaking a chunk and all before it. Raises TurnError (turn_not_found)."""
        turn = self.turn(turn_id)
        turn.playback.chunk_spoken(index, asyncio.get_running_loop().time())
        turn.progress.set()

    def request_interrupt(self, turn_id: str, reason: str, heard: Heard | None = None) -> bool:
        """Stop a turn now, without waiting: from here on its reader gets `turn_interrupted` and nothing else.

        False when the turn was already over. Raises TurnError (turn_not_found).
        """
        turn = self.turn(turn_id)
        if not turn.advance(TurnStatus.INTERRUPTED):
            return False
        now_s = asyncio.get_running_loop().time()
        self._settle(turn, turn.playback.heard_until(now_s, heard))
        self._tasks.request_cancel(turn)
        event = TurnInterrupted(
            turn_id=turn_id,
            reason=reason,
            heard_text=turn.heard_text,
            unheard_chars=len(turn.reply) - len(turn.heard_text),
        )
        turn.event_queue.put_nowait(event)
        return True

    def _settle(self, turn: ConversationTurn, heard_chars: int) -> None:
        turn.ended_at_s = asyncio.get_running_loop().time()
        turn.heard_chars = heard_chars
        self._tasks.drain_event_queue(turn)
        turn.progress.set()

    async def interrupt_turn(self, turn_id: str, reason: str, heard: Heard | None = None) -> bool:
        """Stop a turn and wait for its tasks, at most INTERRUPT_WAIT_TIMEOUT; False when it was already over.

        Never waits on a queue. Raises TurnError (turn_not_found).
        """
        turn = self.turn(turn_id)
        if self.request_interrupt(turn_id, reason, heard):
            await self._tasks.cancel_turn_tasks(turn)
            return True
        await self._tasks.wait_for(turn)  # it may still be closing its agent's stream
        return False

    async def handle_interrupt(self, reason: str, heard: Heard | None = None) -> bool:
        """Stop whatever turn is live, as `interrupt_turn` does; False when there is none."""
        turn = self.live_turn
        return turn is not None and await self.interrupt_turn(turn.turn_id, reason, heard)

    async def cleanup(self, turn_id: str) -> None:
        """Stop the turn if it is live, and forget it; any number of times, also for unknown ids."""
        if turn_id in self._turns:
            await self.interrupt_turn(turn_id, "cleanup")
            self.forget(turn_id)

    def forget(self, turn_id: str) -> None:
        """Drop a turn that is over; its tasks, if any still run, stay owned."""
        turn = self._turns.pop(turn_id, None)
        if turn is self._live:
            self._live = None

    async def close(self) -> None:
        """Clean up every turn, and wait for what earlier interrupts left, at most INTERRUPT_WAIT_TIMEOUT."""
        for turn in list(self._turns.values()):
            self.request_interrupt(turn.turn_id, "closed")
            self.forget(turn.turn_id)
        await self._tasks.cancel_all()
