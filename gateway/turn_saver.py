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

    `write` asks the store; it takes effect when it is called. The trying goes on without whoever waits for it.
    """

    def __init__(self, write: Callable[[], Awaitable[None]]) -> None:
        self._write = write
        self.is_late = False
        """Whether a try has failed: what was asked of the store meanwhile may have come before it."""
        self._trying = asyncio.ensure_future(self._try(write()))
        self._trying.add_done_callback(lambda trying: trying.cancelled() or trying.exception())

    async def kept(self) -> None:
        """Returns when the turn's end is durable. Raises StorageError when it could not be stored."""
        await asyncio.shield(self._trying)

    async def _try(self, asked: Awaitable[None]) -> None:
        loop = asyncio.get_running_loop()
        retry_until_s = loop.time() + RETRY_FOR_S
        for pause_s in _PAUSES_S:
            try:
                await asked
                return
            except StorageError as error:
                self.is_late = True
                if loop.time() + pause_s > retry_until_s or not error.retryable:
                    raise
            await asyncio.sleep(pause_s)
            asked = self._write()
        await asked
