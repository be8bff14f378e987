"""Where conversations live."""

from gateway.store.base import Store, TurnBegun, TurnEnd, TurnStart
from gateway.store.memory import MemoryStore

__all__ = ["MemoryStore", "Store", "TurnBegun", "TurnEnd", "TurnStart"]
