"""TurnQueue: what waits between two tasks of a turn, bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

__all__ = ["TurnQueue"]

T = TypeVar("T")


class TurnQueue(Generic[T]):
    """First in, first out; one task takes, and one may wait for room.

    `asyncio.Queue` serves any number of both, and costs a token three times as much.
    """

    __slots__ = ("_items", "_loop", "_maxsize", "_reader", "_writer")

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._loop: asyncio.AbstractEventLoop | None = None
        self._items: deque[T] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items

    def full(self) -> bool:
        """Whether there is no room for another."""
        return len(self._items) >= self._maxsize

    def put_nowait(self, item: T) -> None:
        """Add one. Raises asyncio.QueueFull."""
        if len(self._items) >= self._maxsize:
            raise asyncio.QueueFull
        self._items.append(item)
        if (reader := self._reader) is not None:
            self._reader = None
            if not reader.done():  # it may have been cancelled
                reader.set_result(None)

    async def put(self, item: T) -> None:
        """Add one, when there is room."""
        while len(self._items) >= self._maxsize:
            self._writer = self._future()
            await self._writer
        self.put_nowait(item)

    def get_nowait(self) -> T:
        """Take the oldest. Raises asyncio.QueueEmpty."""
        if not self._items:
            raise asyncio.QueueEmpty
        item = self._items.popleft()
        if (writer := self._writer) is not None:
            self._writer = None
            if not writer.done():
                writer.set_result(None)
        return item

    async def get(self) -> T:
        """Take the oldest, when there is one."""
        while not self._items:
            self._reader = self._future()
            await self._reader
        return self.get_nowait()

    def _future(self) -> asyncio.Future[None]:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.create_future()
