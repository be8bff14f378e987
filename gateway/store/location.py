"""Where the conversations of this gateway are kept: a file of the user's, a named one, or memory."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.errors import SettingsError
from gateway.store.base import Store
from gateway.store.memory import MemoryStore
from gateway.store.sqlite import SqliteStore

__all__ = ["MEMORY", "default_database", "open_store"]

MEMORY = ":memory:"
"""The `database` that ends with the process."""


def open_store(database: str | None, *, recent_messages: int | None = None) -> Store:
    """The store that the setting `database` means; None: a file in the user's data directory.

    `recent_messages`: what `history` and `begin_turn` must give at least of a long conversation, None: all.
    Raises SettingsError, naming `--database`, when it cannot be used.
    """
    if database == MEMORY:
        return MemoryStore()
    try:
        path = Path(database).expanduser() if database else default_database()
    except RuntimeError:
        raise SettingsError("--database: this user has no home directory; name a file") from None
    if not database:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"--database: cannot make {path.parent} ({error.strerror})") from None
    return SqliteStore(path, recent_messages=recent_messages)


def default_database() -> Path:
    """`voice-turn-gateway/conversations.db` in XDG_DATA_HOME, else in `~/.local/share`."""
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    data = named if named.is_absolute() else Path.home() / ".local" / "share"
    return data / "voice-turn-gateway" / "conversations.db"
