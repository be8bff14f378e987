"""Store: where conversations live, and all that the rest of the gateway knows of it.

A conversation belongs to one user and is a list of turns in the order in which they began. A turn is the
message of the user that began it and the messages that it left: the reply as it was heard, tool calls and
their answers. So the messages of a conversation are those of its turns, one turn after the other, and a tool
call and its answer are never separated, however turns of several sessions overlap.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from pipeline.agent.service import Message

__all__ = [
    "ConversationPage",
    "ConversationSummary",
    "ConversationsPage",
    "Store",
    "TurnBegun",
    "TurnEnd",
    "TurnRecord",
    "TurnStart",
    "cursor_position",
    "preview",
]

_PREVIEW_CHARS = 80


class TurnStart(msgspec.Struct, frozen=True, kw_only=True):
    """A turn as it begins; `started_at` in Unix seconds, `turn_id` unique in its conversation."""

    turn_id: str
    conversation_id: str
    session_id: str
    ref: str | None
    started_at: float


class TurnEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a turn ended. `status`: completed, failed or interrupted; `reason`: of the interrupt, or the error's code."""

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
    """What `begin_turn` found.

    `started`: False when this turn, or this `ref` in this session, was there before; then nothing was written.
    `history`: the messages of the conversation, oldest first, with the one that begins this turn.
    `lost`: turns of this conversation that a dead gateway process left unfinished; now their status is `lost`.
    """

    started: bool
    history: list[Message]
    lost: list[str]


class TurnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A turn as it is kept. While `status` is `processing`, and for `lost`, the figures of its end are None."""

    turn_id: str
    ref: str | None
    status: str
    started_at: float
    ended_at: float | None
    first_token_ms: int | None
    first_chunk_ms: int | None
    total_ms: int | None
    chunks: int | None
    reply_chars: int | None
    heard_chars: int | None
    reason: str | None
    messages: list[Message]


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A line in the list of conversations. `first_message`: the beginning of what the user said first."""

    conversation_id: str
    started_at: float
    updated_at: float
    turns: int
    first_message: str


class ConversationsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a user's conversations; `before` is the cursor of the next, older page, None at the end."""

    conversations: list[ConversationSummary]
    before: str | None


class ConversationPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a conversation's turns, oldest first; `before` and `after` are cursors of the pages beside it."""

    conversation_id: str
    started_at: float
    turns: list[TurnRecord]
    before: str | None
    after: str | None


class Store(Protocol):
    """Conversations by owner: what is another user's does not exist, even under the same id.

    A method takes effect when it is called, in the order of the calls, not when it is awaited. Awaiting gives
    the answer, or for a write says that it is kept, whatever becomes of this process; it raises StorageError when
    the operation failed, which then changed nothing. To cancel or drop an awaitable undoes nothing and is no
    error. Called in a running event loop; what is passed in may be changed afterwards.
    """

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        """Record a turn as `processing`, with the user's message; the first one begins the conversation."""
        ...

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        """Record how a turn ended, and the messages that it leaves.

        Only the first end counts. Nothing happens when there is no such turn: its conversation was deleted.
        """
        ...

    def history(self, user_id: str, conversation_id: str) -> Awaitable[list[Message]]:
        """The messages of a conversation, oldest first; none when there is no such conversation."""
        ...

    def conversation_of(self, user_id: str, session_id: str) -> Awaitable[str | None]:
        """The conversation in which this session began its last turn."""
        ...

    def conversations(self, user_id: str, *, limit: int, before: str | None = None) -> Awaitable[ConversationsPage]:
        """At most `limit` conversations, the one with the latest turn first; `before` is a page's cursor.

        Raises ValueError at once for a cursor that is none.
        """
        ...

    def read(
        self, user_id: str, conversation_id: str, *, limit: int, before: str | None = None, after: str | None = None
    ) -> Awaitable[ConversationPage | None]:
        """The newest `limit` turns, older than `before`; with `after` instead the oldest, newer than that.

        Both are cursors of a page, and `after=""` is the start. None when there is no such conversation.
        Raises ValueError at once for a cursor that is none.
        """
        ...

    def delete(self, user_id: str, conversation_id: str) -> Awaitable[bool]:
        """Delete a conversation with all its turns; False when there is none."""
        ...

    async def close(self) -> None:
        """Returns when all that was asked for is durable; from the call on, every operation fails."""
        ...


def cursor_position(cursor: str) -> int:
    """The number that a cursor stands for. Raises ValueError when it is no cursor."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise ValueError("not a cursor of a page")
    return int(cursor)


def preview(message: Message) -> str:
    """The beginning of a message, on one line."""
    text = " ".join(message["content"][: 2 * _PREVIEW_CHARS].split())
    return text if len(text) <= _PREVIEW_CHARS else text[: _PREVIEW_CHARS - 1] + "…"
