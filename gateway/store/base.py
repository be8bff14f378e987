"""placeholder"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from pipeline.agent.service import Message


class TurnStart(msgspec.Struct, frozen=True, kw_only=True):
    turn_id: str
    conversation_id: str
    session_id: str
    ref: str | None
    started_at: float


class TurnEnd(msgspec.Struct, frozen=True, kw_only=True):
    turn_id: str
    conversation_id: str
    status: str
    ended_at: float
    first_token_ms: int | None
    first_chunk_ms: int | None
    total_ms: int
    chunks: int
    reply_chars: int
    heard_chars: int
    reason: str | None


class TurnBegun(msgspec.Struct, frozen=True, kw_only=True):
    started: bool
    history: list[Message]
    lost: list[str] = []


class Store(Protocol):
    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]: ...
    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]: ...
    def history(self, user_id: str, conversation_id: str) -> Awaitable[list[Message]]: ...
    def conversation_of(self, user_id: str, session_id: str) -> Awaitable[str | None]: ...
    async def close(self) -> None: ...
