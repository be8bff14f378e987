"""SqliteStore: conversations in one file that several gateways may share."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from operator import itemgetter
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import msgspec

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
from gateway.store.owner import is_dead, this_process
from gateway.store.schema import open_database
from gateway.store.writer import Effect, Writer
from pipeline.agent.service import Message

__all__ = ["SqliteStore"]

_NO_LIMIT = -1
_NEWEST = 2**62
_TURN_COLUMNS = (
    "turn_id, ref, status, started_at, ended_at, first_token_ms, first_chunk_ms, total_ms, chunks, reply_chars, "
    "heard_chars, reason"
)


class SqliteStore:
    """A Store in a SQLite file with a write-ahead log: what was awaited outlives the process.

    The end of a turn, with all before it, outlives the machine, too: it is forced to disk before it is answered.
    The beginning is not, because a reply waits for it; with the power goes at most the turn in flight.

    Raises SettingsError for a file that cannot be used. `recent_messages`: `history` and `begin_turn` may leave
    out what is older than so many messages, so that a turn late in a long conversation costs no more than an
    early one.
    """

    def __init__(self, path: Path, *, recent_messages: int | None = None, owner: str | None = None) -> None:
        self._writer = Writer(open_database(path))
        self._recent = _NO_LIMIT if recent_messages is None else recent_messages
        self._owner = this_process() if owner is None else owner

    @property
    def commits(self) -> int:
        """Transactions written so far: fewer than operations, because those that wait share one."""
        return self._writer.commits

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        asked = _encode(message)

        def begin(db: Connection) -> TurnBegun:
            conversation = _conversation(db, user_id, turn.conversation_id)
            if turn.ref is not None and _has_ref(db, user_id, turn.session_id, turn.ref):
                return TurnBegun(started=False, history=self._history(db, conversation), lost=[])
            if conversation is None:
                conversation = db.execute(
                    "INSERT INTO conversations (user_id, conversation_id, started_at, last_turn) VALUES (?, ?, ?, 0)",
                    (user_id, turn.conversation_id, turn.started_at),
                ).lastrowid
            inserted = db.execute(
                "INSERT INTO turns (conversation, turn_id, session_id, ref, owner, status, started_at, asked) "
                "VALUES (?, ?, ?, ?, ?, 'processing', ?, ?) ON CONFLICT DO NOTHING",
                (conversation, turn.turn_id, turn.session_id, turn.ref, self._owner, turn.started_at, asked),
            )
            lost = []
            if inserted.rowcount:
                lost = self._mark_lost(db, conversation)
                db.execute("UPDATE conversations SET last_turn = ? WHERE id = ?", (inserted.lastrowid, conversation))
            return TurnBegun(started=bool(inserted.rowcount), history=self._history(db, conversation), lost=lost)

        return self._writer.submit(begin, Effect.WRITES)

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        values = (
            turn.status,
            turn.ended_at,
            turn.first_token_ms,
            turn.first_chunk_ms,
            turn.total_ms,
            turn.chunks,
            turn.reply_chars,
            turn.heard_chars,
            turn.reason,
            _encode(messages),
            user_id,
            turn.conversation_id,
            turn.turn_id,
        )

        def finish(db: Connection) -> None:
            # A turn that was taken for lost, and is not, may still end.
            db.execute(
                "UPDATE turns SET status = ?, ended_at = ?, first_token_ms = ?, first_chunk_ms = ?, total_ms = ?, "
                "chunks = ?, reply_chars = ?, heard_chars = ?, reason = ?, left_messages = ? "
                "WHERE conversation = (SELECT id FROM conversations WHERE user_id = ? AND conversation_id = ?) "
                "AND turn_id = ? AND status IN ('processing', 'lost')",
                values,
            )

        return self._writer.submit(finish, Effect.SAVES)

    def history(self, user_id: str, conversation_id: str) -> Awaitable[list[Message]]:
        def history(db: Connection) -> list[Message]:
            return self._history(db, _conversation(db, user_id, conversation_id))

        return self._writer.submit(history, Effect.READS)

    def conversation_of(self, user_id: str, session_id: str) -> Awaitable[str | None]:
        def find(db: Connection) -> str | None:
            row = db.execute(
                "SELECT conversation_id FROM turns JOIN conversations ON conversations.id = conversation "
                "WHERE session_id = ? AND user_id = ? ORDER BY turns.id DESC LIMIT 1",
                (session_id, user_id),
            ).fetchone()
            return None if row is None else str(row[0])

        return self._writer.submit(find, Effect.READS)

    def conversations(self, user_id: str, *, limit: int, before: str | None = None) -> Awaitable[ConversationsPage]:
        older_than = _NEWEST if before is None else cursor_position(before)

        def find(db: Connection) -> ConversationsPage:
            rows = db.execute(
                "SELECT last_turn, conversation_id, c.started_at, coalesce(last.ended_at, last.started_at), "
                "(SELECT count(*) FROM turns WHERE conversation = c.id), "
                "(SELECT asked FROM turns WHERE conversation = c.id ORDER BY id LIMIT 1) "
                "FROM conversations AS c JOIN turns AS last ON last.id = last_turn "
                "WHERE user_id = ? AND last_turn < ? ORDER BY last_turn DESC LIMIT ?",
                (user_id, older_than, limit + 1),
            ).fetchall()
            summaries = [
                ConversationSummary(
                    conversation_id=conversation_id,
                    started_at=started_at,
                    updated_at=updated_at,
                    turns=turns,
                    first_message=preview(msgspec.json.decode(asked)),
                )
                for _, conversation_id, started_at, updated_at, turns, asked in rows[:limit]
            ]
            return ConversationsPage(
                conversations=summaries, before=str(rows[limit - 1][0]) if len(rows) > limit else None
            )

        return self._writer.submit(find, Effect.READS)

    def read(
        self, user_id: str, conversation_id: str, *, limit: int, before: str | None = None, after: str | None = None
    ) -> Awaitable[ConversationPage | None]:
        low = cursor_position(after or "0")
        high = _NEWEST if before is None else cursor_position(before)
        order = "DESC" if after is None else "ASC"

        def read(db: Connection) -> ConversationPage | None:
            found = db.execute(
                "SELECT id, started_at, last_turn FROM conversations WHERE user_id = ? AND conversation_id = ?",
                (user_id, conversation_id),
            ).fetchone()
            if found is None:
                return None
            conversation, started_at, last = found
            (first,) = db.execute("SELECT min(id) FROM turns WHERE conversation = ?", (conversation,)).fetchone()
            rows = db.execute(
                f"SELECT id, asked, left_messages, {_TURN_COLUMNS} FROM turns "
                f"WHERE conversation = ? AND id > ? AND id < ? ORDER BY id {order} LIMIT ?",
                (conversation, low, high, limit),
            ).fetchall()
            if after is None:
                rows.reverse()
            return ConversationPage(
                conversation_id=conversation_id,
                started_at=started_at,
                turns=[_record(row) for row in rows],
                before=str(rows[0][0]) if rows and rows[0][0] != first else None,
                after=str(rows[-1][0]) if rows and rows[-1][0] != last else None,
            )

        return self._writer.submit(read, Effect.READS)

    def delete(self, user_id: str, conversation_id: str) -> Awaitable[bool]:
        def delete(db: Connection) -> bool:
            done = db.execute(
                "DELETE FROM conversations WHERE user_id = ? AND conversation_id = ?", (user_id, conversation_id)
            )
            return done.rowcount > 0

        return self._writer.submit(delete, Effect.SAVES)

    async def close(self) -> None:
        await self._writer.close()

    def _history(self, db: Connection, conversation: int | None) -> list[Message]:
        # All in one row: for each row Python lets the event loop have the interpreter and waits to get it back.
        (turns,) = db.execute(
            "SELECT group_concat('[' || id || ',' || asked || ',' || left_messages || ']') FROM "
            "(SELECT id, asked, left_messages FROM turns WHERE conversation = ? ORDER BY id DESC LIMIT ?)",
            (conversation, self._recent),
        ).fetchone()
        found: list[tuple[int, Message, list[Message]]] = msgspec.json.decode(f"[{turns or ''}]")
        found.sort(key=itemgetter(0))
        return [message for _, asked, left in found for message in (asked, *left)]

    def _mark_lost(self, db: Connection, conversation: int | None) -> list[str]:
        """Mark the turns whose process is gone; a conversation is looked after when its next turn begins."""
        processing = db.execute(
            "SELECT id, turn_id, owner FROM turns WHERE conversation = ? AND status = 'processing' ORDER BY id",
            (conversation,),
        ).fetchall()
        lost = [(number, turn_id) for number, turn_id, owner in processing if owner != self._owner and is_dead(owner)]
        for number, _ in lost:
            db.execute("UPDATE turns SET status = 'lost' WHERE id = ?", (number,))
        return [turn_id for _, turn_id in lost]


def _conversation(db: Connection, user_id: str, conversation_id: str) -> int | None:
    row = db.execute(
        "SELECT id FROM conversations WHERE user_id = ? AND conversation_id = ?", (user_id, conversation_id)
    ).fetchone()
    return None if row is None else int(row[0])


def _has_ref(db: Connection, user_id: str, session_id: str, ref: str) -> bool:
    (found,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM turns JOIN conversations ON conversations.id = conversation "
        "WHERE session_id = ? AND ref = ? AND user_id = ?)",
        (session_id, ref, user_id),
    ).fetchone()
    return bool(found)


def _record(row: tuple[Any, ...]) -> TurnRecord:
    _, asked, left_messages, *columns = row
    values = dict(zip(_TURN_COLUMNS.split(", "), columns, strict=True))
    return TurnRecord(messages=_messages(asked, left_messages), **values)


def _encode(messages: Message | Sequence[Message]) -> str:
    return msgspec.json.encode(messages).decode()


def _messages(asked: str, left_messages: str) -> list[Message]:
    return [msgspec.json.decode(asked), *msgspec.json.decode(left_messages)]
