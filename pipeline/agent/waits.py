"""Waits: everything one run waits for, each with a deadline, all ended by one call."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["RunCancelledError", "Waits"]

T = TypeVar("T")


class RunCancelledError(Exception):
    """The run was cancelled by a call, not by cancelling the task that drives it."""


class Waits:
    """Used by one task at a time; `cancel` may come from anywhere in the same loop.

    A run waits for every token, so this is `asyncio.timeout` with one difference: the timer is not made and
    cancelled for each wait. It goes on, and when it fires early it is set to the deadline of that moment.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None  # who waits now
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._fired = False
        self.cancelled = False

    def cancel(self) -> None:
        """End the wait under way and every later one with RunCancelledError."""
        self.cancelled = True
        self._end_wait()

    def close(self) -> None:
        """After the last wait: nothing is left in the loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def until(self, deadline: float, function: Callable[[], Awaitable[T]]) -> T:
        """Wait for `function()`, at most until `deadline` (the loop's time); raises TimeoutError then."""
        if self.cancelled:
            raise RunCancelledError
        task = asyncio.current_task(self._loop)
        assert task is not None
        cancelling = task.cancelling()
        self._deadline = deadline
        self._task = task
        if deadline < self._timer_at or self._timer is None:
            self._arm()
        try:
            return await function()
        except BaseException as error:
            if self._fired:  # ours: take the cancellation back, unless somebody else cancelled too
                self._fired = False
                if task.uncancel() <= cancelling and isinstance(error, asyncio.CancelledError):
                    raise RunCancelledError if self.cancelled else TimeoutError from None
            raise
        finally:
            self._task = None

    def _arm(self) -> None:
        self.close()
        self._timer_at = self._deadline
        if self._deadline < math.inf:
            self._timer = self._loop.call_at(self._deadline, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._task is not None:
            if self._loop.time() < self._deadline:
                self._arm()
            else:
                self._end_wait()

    def _end_wait(self) -> None:
        if self._task is not None and not self._fired:
            self._fired = True
            self._task.cancel()
