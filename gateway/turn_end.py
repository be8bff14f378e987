"""How a turn ended: for the store, and as its one line in the log."""

from __future__ import annotations

import asyncio
import time

from loguru import logger

from gateway.store import TurnEnd
from pipeline.events import Timing
from pipeline.message_processor import ConversationTurn

__all__ = ["log_turn", "turn_end"]


def turn_end(turn: ConversationTurn, reason: str | None) -> TurnEnd:
    """What the store keeps of the turn; `reason` is that of the interrupt, or the error's code."""
    timing = _timing(turn)
    return TurnEnd(
        turn_id=turn.turn_id,
        conversation_id=turn.conversation_id,
        status=turn.status.value,
        ended_at=time.time(),
        first_token_ms=timing.first_token_ms,
        first_chunk_ms=timing.first_chunk_ms,
        total_ms=timing.total_ms,
        chunks=turn.chunks,
        reply_chars=len(turn.reply),
        heard_chars=len(turn.heard_text),
        reason=reason,
    )


def log_turn(turn: ConversationTurn) -> None:
    """One line, without a word of what was said."""
    timing = _timing(turn)
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


def _timing(turn: ConversationTurn) -> Timing:
    return turn.timing(turn.ended_at_s or asyncio.get_running_loop().time())
