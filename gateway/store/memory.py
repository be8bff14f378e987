"""MemoryStore: conversations for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from gateway.errors import StorageError
from gateway.store.base import (
    ConversationPage,
    ConversationsPage,
    ConversationSummary,
    TurnBegun,
    TurnEnd,
    TurnRecord,
    TurnStart,
    cursor_position,
    preview,
)
from pipeline.agent.service import Message

__all__ = ["MemoryStore"]

T = TypeVar("T")
_Key: TypeAlias = tuple[str, str]
"""User and conversation."""

_MAX_TURNS = 100_000


class _Turn:
    """One turn; messages as JSON, which is a copy and takes little room."""

    __slots__ = ("end", "messages", "number", "start", "user_id")

    def __init__(self, number: int, user_id: str, start: TurnStart, message: Message) -> None:
        self.number = number
        self.user_id = user_id
        self.start = start
        self.messages = [msgspec.json.encode(message)]
        self.end: TurnEnd | None = None

    def decoded(self) -> list[Message]:
        return [msgspec.json.decode(message) for message in self.messages]

    def record(self) -> TurnRecord:
        start, end = self.start, self.end
        return TurnRecord(
            turn_id=start.turn_id,
            ref=start.ref,
            status="processing" if end is None else end.status,
            started_at=start.started_at,
            ended_at=None if end is None else end.ended_at,
            first_token_ms=None if end is None else end.first_token_ms,
            first_chunk_ms=None if end is None else end.first_chunk_ms,
            total_ms=None if end is None else end.total_ms,
            chunks=None if end is None else end.chunks,
            reply_chars=None if end is None else end.reply_chars,
            heard_chars=None if end is None else end.heard_chars,
            reason=None if end is None else end.reason,
            messages=self.decoded(),
        )


class MemoryStore:
    """A Store that keeps at most `max_turns`: past that, the conversations unused for longest are forgotten."""

    def __init__(self, *, max_turns: int = _MAX_TURNS) -> None:
        self._max_turns = max_turns
        self._conversations: OrderedDict[_Key, dict[str, _Turn]] = OrderedDict()
        self._sessions: dict[_Key, dict[int, _Turn]] = {}
        self._refs: set[tuple[str, str, str]] = set()
        self._last_number = 0
        self._turns = 0
        self._closed = False

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        key = (user_id, turn.conversation_id)
        ref = None if turn.ref is None else (user_id, turn.session_id, turn.ref)
        started = not self._closed and ref not in self._refs and turn.turn_id not in self._conversations.get(key, ())
        if started:
            self._last_number += 1
            self._turns += 1
            begun = _Turn(self._last_number, user_id, turn, message)
            self._conversations.setdefault(key, {})[turn.turn_id] = begun
            self._conversations.move_to_end(key)
            self._sessions.setdefault((user_id, turn.session_id), {})[begun.number] = begun
            if ref is not None:
                self._refs.add(ref)
            self._forget_unused()
        return self._settled(TurnBegun(started=started, history=self._history(key), lost=[]))

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        record = self._conversations.get((user_id, turn.conversation_id), {}).get(turn.turn_id)
        if not self._closed and record is not None and record.end is None:
            record.end = turn
            record.messages += [msgspec.json.encode(message) for message in messages]
        return self._settled(None)

    def history(self, user_id: str, conversation_id: str) -> Awaitable[list[Message]]:
        return self._settled(self._history((user_id, conversation_id)))

    def conversation_of(self, user_id: str, session_id: str) -> Awaitable[str | None]:
        turns = self._sessions.get((user_id, session_id))
        return self._settled(turns[max(turns)].start.conversation_id if turns else None)

    def conversations(self, user_id: str, *, limit: int, before: str | None = None) -> Awaitable[ConversationsPage]:
        older_than = self._last_number + 1 if before is None else cursor_position(before)
        found: list[tuple[int, ConversationSummary]] = []
        for (owner, conversation_id), by_id in self._conversations.items():
            turns = list(by_id.values())
            first, last = turns[0], turns[-1]
            if owner == user_id and last.number < older_than:
                summary = ConversationSummary(
                    conversation_id=conversation_id,
                    started_at=first.start.started_at,
                    updated_at=last.start.started_at if last.end is None else last.end.ended_at,
                    turns=len(turns),
                    first_message=preview(first.decoded()[0]),
                )
                found.append((last.number, summary))
        found.sort(key=lambda one: -one[0])
        return self._settled(
            ConversationsPage(
                conversations=[summary for _, summary in found[:limit]],
                before=str(found[limit - 1][0]) if len(found) > limit else None,
            )
        )

    def read(
        self, user_id: str, conversation_id: str, *, limit: int, before: str | None = None, after: str | None = None
    ) -> Awaitable[ConversationPage | None]:
        low = cursor_position(after or "0")
        high = self._last_number + 1 if before is None else cursor_position(before)
        by_id = self._conversations.get((user_id, conversation_id))
        if by_id is None:
            return self._settled(None)
        turns = list(by_id.values())
        asked = [turn for turn in turns if low < turn.number < high]
        page = asked[-limit:] if after is None else asked[:limit]
        return self._settled(
            ConversationPage(
                conversation_id=conversation_id,
                started_at=turns[0].start.started_at,
                turns=[turn.record() for turn in page],
                before=str(page[0].number) if page and page[0] is not turns[0] else None,
                after=str(page[-1].number) if page and page[-1] is not turns[-1] else None,
            )
        )

    def delete(self, user_id: str, conversation_id: str) -> Awaitable[bool]:
        key = (user_id, conversation_id)
        found = not self._closed and key in self._conversations
        if found:
            self._forget(key)
        return self._settled(found)

    async def close(self) -> None:
        self._closed = True

    def _history(self, key: _Key) -> list[Message]:
        return [message for turn in self._conversations.get(key, {}).values() for message in turn.decoded()]

    def _forget_unused(self) -> None:
        while self._turns > self._max_turns:
            unused = next(iter(self._conversations))
            if len(self._conversations) > 1:
                self._forget(unused)
            else:
                turns = self._conversations[unused]
                self._forget_turn(turns.pop(next(iter(turns))))

    def _forget(self, key: _Key) -> None:
        for turn in self._conversations.pop(key).values():
            self._forget_turn(turn)

    def _forget_turn(self, turn: _Turn) -> None:
        self._turns -= 1
        session = (turn.user_id, turn.start.session_id)
        of_session = self._sessions[session]
        del of_session[turn.number]
        if not of_session:
            del self._sessions[session]
        if turn.start.ref is not None:
            self._refs.discard((*session, turn.start.ref))

    def _settled(self, answer: T) -> asyncio.Future[T]:
        future = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StorageError("The storage is closed.", retryable=False))
            future.exception()  # dropped futures stay silent
        else:
            future.set_result(answer)
        return future
