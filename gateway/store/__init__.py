"""Where conversations live: one interface, one module for each backend, one suite of tests over all of them."""

from gateway.store.base import (
    ConversationPage,
    ConversationsPage,
    ConversationSummary,
    Store,
    TurnBegun,
    TurnEnd,
    TurnRecord,
    TurnStart,
)
from gateway.store.location import open_store
from gateway.store.memory import MemoryStore

__all__ = [
    "ConversationPage",
    "ConversationSummary",
    "ConversationsPage",
    "MemoryStore",
    "Store",
    "TurnBegun",
    "TurnEnd",
    "TurnRecord",
    "TurnStart",
    "open_store",
]
