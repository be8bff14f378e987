"""placeholder"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from gateway.store.base import TurnBegun, TurnEnd, TurnStart
from pipeline.agent.service import Message

T = TypeVar("T")


def _now(v: T) -> Awaitable[T]:
    f: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    f.set_result(v)
    return f


class MemoryStore:
    def __init__(self) -> None:
        self._c: dict[tuple[str, str], list[Message]] = {}
        self._s: dict[tuple[str, str], str] = {}

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        self._c.setdefault((user_id, turn.conversation_id), []).append(message)
        self._s[(user_id, turn.session_id)] = turn.conversation_id
        return _now(TurnBegun(started=True, history=list(self._c[(user_id, turn.conversation_id)])))

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        self._c[(user_id, turn.conversation_id)].extend(messages)
        return _now(None)

    def history(self, user_id: str, conversation_id: str) -> Awaitable[list[Message]]:
        return _now(list(self._c.get((user_id, conversation_id), ())))

    def conversation_of(self, user_id: str, session_id: str) -> Awaitable[str | None]:
        return _now(self._s.get((user_id, session_id)))

    async def close(self) -> None: ...
