"""TurnSaver: the end of one turn on its way into the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.errors import StorageError

__all__ = ["RETRY_FOR_S", "TurnSaver"]

RETRY_FOR_S: Final = 1.0
"""How long after the first try another one may begin: the turn's terminal event waits for it."""
_PAUSES_S: Final = (0.05, 0.2, 0.5)


class TurnSaver:
    """Asks at once, so that what is asked of the store later comes after it; a try that fails is repeated, briefly.

    `write` asks the store; it takes effect when it is called.
    """

    def __init__(self, write: Callable[[], Awaitable[None]]) -> None:
        self._write = write
        self._asked = asyncio.ensure_future(write())
        self._retry_until_s = asyncio.get_running_loop().time() + RETRY_FOR_S
        self._pauses_s = iter(_PAUSES_S)

    async def kept(self) -> None:
        """Returns when the turn's end is durable. After a cancellation it may be awaited again.

        Raises StorageError when it could not be stored.
        """
        while True:
            try:
                return await asyncio.shield(self._asked)
            except StorageError as error:
                pause_s = next(self._pauses_s, None)
                now_s = asyncio.get_running_loop().time()
                if pause_s is None or now_s + pause_s > self._retry_until_s or not error.retryable:
                    raise
            await asyncio.sleep(pause_s)
            self._asked = asyncio.ensure_future(self._write())
