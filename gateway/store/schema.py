"""The SQLite file: opening it, its tables, and bringing an older one up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from gateway.errors import SettingsError

__all__ = ["APPLICATION_ID", "MIGRATIONS", "open_database"]

APPLICATION_ID = 0x76746777
"""Marks the file as ours ("vtgw")."""

BUSY_TIMEOUT_S = 5.0
"""How long to wait for another gateway's transaction."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY,
        user_id TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        started_at REAL NOT NULL,
        last_turn INTEGER NOT NULL,
        UNIQUE (user_id, conversation_id)
    );
    CREATE INDEX conversations_by_turn ON conversations (user_id, last_turn);
    CREATE TABLE turns (
        id INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        turn_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        ref TEXT,
        owner TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at REAL NOT NULL,
        ended_at REAL,
        first_token_ms INTEGER,
        first_chunk_ms INTEGER,
        total_ms INTEGER,
        chunks INTEGER,
        reply_chars INTEGER,
        heard_chars INTEGER,
        reason TEXT,
        asked TEXT NOT NULL,
        left_messages TEXT NOT NULL DEFAULT '[]',
        UNIQUE (conversation, turn_id)
    );
    CREATE INDEX turns_by_conversation ON turns (conversation);
    CREATE INDEX turns_by_session ON turns (session_id, ref);
    CREATE INDEX turns_processing ON turns (conversation) WHERE status = 'processing'""",
)
"""What leads from one version to the next: the first from an empty file to version 1. Never changed, only added to.

`turns.id` is the order in which turns began. `asked` is the user's message, `left_messages` what the turn
left, both as JSON. No statement holds a semicolon but its last.
"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the database at `path`, made when it does not exist, brought up to date when it is older.

    It may be used by one thread after the other. Raises SettingsError, naming `--database`, when the file
    cannot be used: no folder, no permission, no database of ours, or one of a newer version.
    """
    try:
        # Made first, so that nobody else can read it; SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise SettingsError(f"--database: cannot open {path} ({error.strerror})") from None
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise SettingsError(f"--database: cannot use {path} ({error})") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _require_ours(connection, path)
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    version = _require_ours(connection, path)
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in script.split(";"):
            connection.execute(statement.strip())
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def _require_ours(connection: sqlite3.Connection, path: Path) -> int:
    """The version of our database in this file, 0 for an empty one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise SettingsError(f"--database: {path} is a database of another program")
    if version > len(MIGRATIONS):
        raise SettingsError(
            f"--database: {path} was written by a newer gateway (version {version}, this one knows {len(MIGRATIONS)})"
        )
    return int(version)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # SQLite does not wait by itself while another process is doing the same.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
        else:
            if mode == "wal":
                return
            raise sqlite3.OperationalError("its file system does not support a write-ahead log")
        time.sleep(0.01)
