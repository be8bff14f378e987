"""Runs blocking functions in threads that nobody has to wait for.

The loop's own executor joins its threads when the process ends, so one tool that hangs would keep the
gateway from stopping. These threads are daemons.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["TooManyThreadsError", "ToolThreads"]


class TooManyThreadsError(Exception):
    """All threads are taken, most likely by functions that hang."""


class ToolThreads:
    """At most `max_threads` at once, those counted that were given up but still run."""

    def __init__(self, max_threads: int = 64) -> None:
        self._max_threads = max_threads
        self._running = 0
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        return self._running

    async def run(self, function: Callable[[], Any]) -> Any:
        """The function's result or exception. Cancelling the wait leaves the thread to itself."""
        with self._lock:
            if self._running >= self._max_threads:
                raise TooManyThreadsError
            self._running += 1
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def settle(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def work() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = context.run(function)
            except StopIteration:  # a future cannot carry it
                error = RuntimeError("StopIteration")
            except BaseException as raised:
                error = raised
            with self._lock:
                self._running -= 1
            with suppress(RuntimeError):  # the loop has ended; so has everybody who could want the result
                loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=work, name="tool", daemon=True).start()
        return await future
