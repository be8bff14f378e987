"""Where conversations live."""

from gateway.store.memory import MemoryStore

__all__ = ["MemoryStore"]
