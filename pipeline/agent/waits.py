"""Waits: everything one run waits for, each with a deadline, all ended by one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["RunCancelledError", "Waits"]

T = TypeVar("T")


class RunCancelledError(Exception):
    """The run was cancelled by a call, not by cancelling the task that drives it."""


class Waits:
    """Used by one task at a time; `cancel` may come from anywhere in the same loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._scope: asyncio.Timeout | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """End the wait under way and every later one with RunCancelledError."""
        self.cancelled = True
        if self._scope is not None:
            self._scope.reschedule(self._loop.time())

    async def until(self, deadline: float | None, awaitable: Awaitable[T]) -> T:
        """Wait for it, at most until `deadline` (the loop's time; None: without one); raises TimeoutError then."""
        try:
            async with asyncio.timeout_at(self._loop.time() if self.cancelled else deadline) as self._scope:
                return await awaitable
        except TimeoutError:
            if self.cancelled:
                raise RunCancelledError from None
            raise
        finally:
            self._scope = None
