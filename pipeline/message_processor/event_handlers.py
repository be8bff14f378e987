"""EventHandler: the two halves of a running turn, agent -> token queue -> speakable events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import assert_never

import msgspec

from pipeline.errors import AgentError, PipelineError
from pipeline.events import (
    Error,
    StreamEnd,
    StreamStart,
    StreamToken,
    ToolCall,
    ToolResult,
)
from pipeline.message_processor.constants import IDLE_RELEASE_S, TOKEN_QUEUE_IDLE, TOKEN_QUEUE_SENTINEL
from pipeline.message_processor.failure_log import log_failure
from pipeline.message_processor.models import ConversationTurn, QueuedEvent, QueuedToken
from pipeline.text import Boundary, TextChunk, TTSTextProcessor

__all__ = ["EventHandler"]


class EventHandler:
    """Produces and consumes one turn's tokens. Puts nothing into the event queue of a turn that is over."""

    def __init__(self, turn: ConversationTurn, *, idle_release_s: float = IDLE_RELEASE_S) -> None:
        self._turn = turn
        self._idle_release_s = idle_release_s
        self._loop = asyncio.get_running_loop()
        self._last_token_at_s = self._loop.time()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._said_until = 0
        self._produced_chars = 0
        self._consumer_failed = False
        root = asyncio.current_task()
        assert root is not None
        self._root = root

    async def produce_agent_events(self) -> None:
        """Move what the agent yields into the token queue, and the sentinel after its last event.

        An agent that raises leaves `turn.failure`. Waits while the token queue is full, so that a slow
        client slows the agent. The caller closes the agent's stream.
        """
        turn = self._turn
        queue = turn.token_queue
        try:
            async for event in turn.agent_stream:
                if not turn.is_live:  # the agent ignored its cancellation
                    return
                match event:
                    case StreamToken() | ToolCall() | ToolResult():
                        token = _checked(event)
                        self._note(token)
                        if queue.full():
                            await queue.put(token)
                        else:  # for every token, and much cheaper
                            queue.put_nowait(token)
                    case StreamStart():
                        pass  # the client was told when the turn began
                    case StreamEnd():
                        turn.usage, turn.cut = event.usage, event.cut
                        break
                    case _:
                        assert_never(event)
        except PipelineError as error:
            turn.failure = error
        except BaseException as error:  # an agent's KeyboardInterrupt must not end the gateway
            if isinstance(error, asyncio.CancelledError) and self._is_stopped():
                raise
            log_failure(f"turn {turn.turn_id}: the agent failed", error, correlation_id=turn.correlation_id)
            turn.failure = AgentError("The agent failed.")
        await queue.put(TOKEN_QUEUE_SENTINEL)

    def _note(self, event: StreamToken | ToolCall | ToolResult) -> None:
        # Here, not where it is consumed: what an interrupt drains was done all the same.
        if isinstance(event, StreamToken):
            self._produced_chars += 0 if event.filler else len(event.text)
        else:
            self._turn.tool_events.append((self._produced_chars, event))

    def _is_stopped(self) -> bool:
        """Whether a cancellation is meant for this turn, and not something that its agent did to itself."""
        if not self._turn.is_live or self._root.cancelling() or self._consumer_failed:
            return True
        task = asyncio.current_task()
        while task is not None and task.cancelling():
            task.uncancel()
        return False

    async def consume_token_events(self) -> None:
        """Turn tokens into events until the sentinel, then flush and queue the terminal event."""
        self._idle_timer = self._loop.call_later(self._idle_release_s, self._on_idle_timer)
        try:
            turn = self._turn
            queue = turn.token_queue
            while (event := await queue.get()) is not TOKEN_QUEUE_SENTINEL:
                if not isinstance(event, StreamToken) or event.filler:
                    await self._process_token_event(event)
                elif text := event.text:  # here, because a coroutine for every token costs too much
                    self._last_token_at_s = self._loop.time()
                    turn.hear(text, self._last_token_at_s)
                    if turn.captions:
                        await self._put(StreamToken(text, turn.turn_id))
                    if chunks := turn.chunker.feed(text):
                        await self._put_chunks(chunks)
            await self._flush_tts_buffer()
            await self._put(self._terminal_event())
        except Exception:
            self._consumer_failed = True
            raise
        finally:
            self._idle_timer.cancel()

    async def _process_token_event(self, event: QueuedToken) -> None:
        """Handle one entry of the token queue that is no text of the reply."""
        turn = self._turn
        if isinstance(event, StreamToken):
            if event.text:
                self._last_token_at_s = self._loop.time()
                await self._say_filler(event.text)
        elif event is TOKEN_QUEUE_IDLE:
            if turn.token_queue.empty():
                await self._put_chunks(turn.chunker.release())
        elif isinstance(event, ToolCall):
            await self._put_chunks(turn.chunker.release())  # what was said before the tool need not wait for it
            await self._put(ToolCall(event.tool_call_id, event.name, turn.turn_id))
        elif isinstance(event, ToolResult):
            await self._put(ToolResult(event.tool_call_id, event.name, event.status, turn.turn_id))

    async def _say_filler(self, text: str) -> None:
        # Spoken, but no part of the reply: it stands, without a length, behind what was said before.
        at = self._said_until
        speech = TTSTextProcessor(lang=self._turn.lang).process(TextChunk(text.strip(), at, at, Boundary.SENTENCE))
        if speech is not None:
            await self._put(speech)

    async def _flush_tts_buffer(self) -> None:
        """Queue all that is left to say."""
        await self._put_chunks(self._turn.chunker.flush())

    async def _put_chunks(self, chunks: Iterable[TextChunk]) -> None:
        turn = self._turn
        for chunk in chunks:
            speech = turn.speech.process(chunk)
            if speech is None:
                continue
            if turn.first_chunk_at_s is None:
                turn.first_chunk_at_s = self._loop.time()
            self._said_until = speech.end
            await self._put(speech)

    async def _put(self, event: QueuedEvent) -> None:
        # A turn that ended meanwhile says nothing more, also when its tasks will not die.
        turn = self._turn
        if turn.is_live:
            if turn.event_queue.full():
                await turn.event_queue.put(event)
            else:
                turn.event_queue.put_nowait(event)

    def _terminal_event(self) -> StreamEnd | Error:
        turn = self._turn
        turn.ended_at_s = self._loop.time()
        if turn.failure is None:
            return StreamEnd(
                turn_id=turn.turn_id,
                text=turn.reply,
                timing=turn.timing(turn.ended_at_s),
                usage=turn.usage,
                cut=turn.cut,
            )
        return Error(
            type=turn.failure.code,
            error=str(turn.failure),
            correlation_id=turn.correlation_id,
            retryable=turn.failure.retryable,
            turn_id=turn.turn_id,
        )

    def _on_idle_timer(self) -> None:
        # One lazy timer a turn costs less than a deadline around every token.
        idle_s = self._loop.time() - self._last_token_at_s
        if idle_s >= self._idle_release_s:
            if self._turn.token_queue.empty():
                self._turn.token_queue.put_nowait(TOKEN_QUEUE_IDLE)
            idle_s = 0.0
        self._idle_timer = self._loop.call_later(self._idle_release_s - idle_s, self._on_idle_timer)


def _checked(event: StreamToken | ToolCall | ToolResult) -> StreamToken | ToolCall | ToolResult:
    """The event, fit for any wire. Raises TypeError for an agent that puts no text where text belongs."""
    if isinstance(event, StreamToken):
        if isinstance(event.text, str) and event.text.isascii():
            return event
        return msgspec.structs.replace(event, text=_encodable(event.text))
    ids = {"tool_call_id": _encodable(event.tool_call_id), "name": _encodable(event.name)}
    if isinstance(event, ToolCall):
        return msgspec.structs.replace(event, arguments=_encodable(event.arguments), **ids)
    return msgspec.structs.replace(event, output=_encodable(event.output), **ids)


def _encodable(text: str) -> str:
    """`text` with lone surrogates, which no wire can carry, replaced by U+FFFD, one for one."""
    if not isinstance(text, str):
        raise TypeError(f"expected text, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
