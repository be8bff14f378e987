"""An event loop whose clock jumps: nothing waits, and the same seed always gives the same run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["DeadlockError", "run", "runner"]

T = TypeVar("T")


class DeadlockError(AssertionError):
    """Everybody waits, and nothing will ever wake anybody."""


class _Selector(selectors.SelectSelector):
    """Instead of waiting it moves the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise DeadlockError
        # Never by nothing: a timer is due when the clock has passed it.
        self.now_s += max(timeout, 0.0) + (1e-6 if timeout > 0 else 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s


def runner() -> asyncio.Runner:
    """Runs one coroutine after the other on the same loop; what they leave goes on with the next one."""
    return asyncio.Runner(loop_factory=_Loop)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in no time. Raises DeadlockError when nothing can go on."""
    with runner() as one:
        return one.run(main)
