"""Delivery: what leaves a turn's event queue, in the time of its reader and of the user's ear."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from pipeline.events import (
    Error,
    ReplyComplete,
    StreamEnd,
    StreamStart,
    StreamToken,
    TTSReadyChunk,
    TurnEvent,
    TurnInterrupted,
)
from pipeline.message_processor.models import ConversationTurn, QueuedEvent, TurnStatus
from pipeline.text import SpeechChunk

__all__ = ["deliver"]


async def deliver(turn: ConversationTurn) -> AsyncGenerator[TurnEvent, None]:
    """The turn's events, `stream_start` first, one terminal event last; the turn ends when that one leaves.

    The terminal event waits until every chunk was sent; for a client that promised playback reports, until all has
    been spoken. There chunks wait while too many are unspoken, and neighbours that wait are joined.
    """
    yield StreamStart(turn_id=turn.turn_id, conversation_id=turn.conversation_id, ref=turn.ref)
    held: deque[QueuedEvent] = deque()
    while True:
        if not turn.is_live:
            held.clear()  # an interrupt drains what waits, here too
        item = held.popleft() if held else await turn.event_queue.get()
        match item:
            case SpeechChunk():
                waited = await _room_to_speak(turn)
                if turn.is_live:
                    yield _give_out(turn, _join_waiting(turn, item, held) if waited else item)
            case StreamEnd() | Error() if turn.is_live:
                if turn.playback.max_unspoken is not None:
                    yield ReplyComplete(turn_id=turn.turn_id, chunks=turn.playback.given_out)
                    await _spoken_down_to(turn, 0)
                await _all_sent(turn)
                if turn.advance(TurnStatus.FAILED if isinstance(item, Error) else TurnStatus.COMPLETED):
                    if isinstance(item, Error):
                        turn.heard_chars = turn.playback.played_until
                    yield item
                    return
            case StreamEnd():
                pass  # interrupted before it left
            case Error() if turn.status is not TurnStatus.FAILED:
                pass  # the same
            case Error() | TurnInterrupted():
                yield item
                return
            case _:
                yield item


def _give_out(turn: ConversationTurn, chunk: SpeechChunk) -> TTSReadyChunk:
    index = turn.playback.give_out(chunk)
    if not turn.reports_delivery:
        turn.playback.chunk_sent(index, asyncio.get_running_loop().time())
    return TTSReadyChunk(
        turn_id=turn.turn_id,
        index=index,
        text=chunk.text,
        span=(chunk.start, chunk.end),
        boundary=chunk.boundary.value,
        lang=chunk.lang,
        emotion=chunk.emotion,
    )


async def _room_to_speak(turn: ConversationTurn) -> bool:
    """Wait until one more chunk may be given out; whether it took any waiting."""
    limit = turn.playback.max_unspoken
    return limit is not None and await _spoken_down_to(turn, limit - 1)


async def _spoken_down_to(turn: ConversationTurn, unspoken: int) -> bool:
    """Wait until at most so many chunks are unspoken, or the turn is over; whether it took any waiting."""
    waited = False
    while turn.is_live and turn.playback.unspoken > unspoken:
        waited = True
        turn.progress.clear()
        try:
            async with asyncio.timeout_at(turn.playback.silent_from_s()):
                await turn.progress.wait()
        except TimeoutError:
            turn.playback.assume_spoken()
    return waited


async def _all_sent(turn: ConversationTurn) -> None:
    """Wait until every chunk was sent, or the turn is over: what a lost client never got, it never heard."""
    while turn.is_live and turn.playback.unsent:
        turn.progress.clear()
        await turn.progress.wait()


def _join_waiting(turn: ConversationTurn, chunk: SpeechChunk, held: deque[QueuedEvent]) -> SpeechChunk:
    """The chunk and those that wait right behind it, as far as they fit into one; captions let it pass."""
    passed: list[QueuedEvent] = []
    while held or not turn.event_queue.empty():
        item = held.popleft() if held else turn.event_queue.get_nowait()
        joined = chunk.joined(item, max_chars=turn.max_chars) if isinstance(item, SpeechChunk) else None
        if joined is not None:
            chunk = joined
            continue
        passed.append(item)
        if not isinstance(item, StreamToken):
            break
    held.extendleft(reversed(passed))
    return chunk
