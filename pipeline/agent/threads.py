"""Threads: conversations of our own, behind an interface that a durable store can meet as well."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from pipeline.agent.messages import ThreadMessage, new_id

__all__ = ["MemoryThreads", "ThreadStore"]


class ThreadStore(Protocol):
    """Keeps the messages of threads in order. Messages are appended, never changed."""

    async def create(self) -> str:
        """A new thread's id."""
        ...

    async def exists(self, thread_id: str) -> bool: ...

    async def messages(self, thread_id: str) -> Sequence[ThreadMessage]:
        """All messages, oldest first; none for a thread that does not exist."""
        ...

    async def append(self, thread_id: str, messages: Sequence[ThreadMessage]) -> None:
        """Add messages at the end, all of them or none; begins the thread when it does not exist."""
        ...


class MemoryThreads:
    """A ThreadStore in memory; the threads that were not used for longest make room for new ones."""

    def __init__(self, max_threads: int = 10_000) -> None:
        self._max_threads = max_threads
        self._threads: OrderedDict[str, list[ThreadMessage]] = OrderedDict()

    async def create(self) -> str:
        thread_id = new_id("thread")
        await self.append(thread_id, ())
        return thread_id

    async def exists(self, thread_id: str) -> bool:
        return thread_id in self._threads

    async def messages(self, thread_id: str) -> Sequence[ThreadMessage]:
        return tuple(self._threads.get(thread_id, ()))

    async def append(self, thread_id: str, messages: Sequence[ThreadMessage]) -> None:
        self._threads.setdefault(thread_id, []).extend(messages)
        self._threads.move_to_end(thread_id)
        while len(self._threads) > self._max_threads:
            self._threads.popitem(last=False)
