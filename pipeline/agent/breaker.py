"""A circuit breaker: a provider that keeps failing is left alone for a while, so that turns do not wait for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["CircuitBreaker", "Trial"]

FAILURES_IN_A_ROW = 5
WINDOW = 20
OPEN_S = 10.0


class Trial:
    """One try. `verdict` None: it showed nothing, because it was cancelled or the caller's own fault."""

    verdict: bool | None = None


class CircuitBreaker:
    """Opens after 5 failures in a row, or when half of the last 20 failed. After 10 s it lets one try
    through (half-open): its success closes the breaker, its failure opens it again.

    A try: `if breaker.acquire():`, then `with breaker.trial() as trial:` around it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._results: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self._open_until: float | None = None  # None: closed
        self._probing = False

    @property
    def is_open(self) -> bool:
        """A try would be refused."""
        return self._open_until is not None and (self._probing or self._clock() < self._open_until)

    def acquire(self) -> bool:
        """May this try be made?"""
        if self.is_open:
            return False
        self._probing = self._open_until is not None
        return True

    @contextmanager
    def trial(self) -> Iterator[Trial]:
        """Learns how the try went, as its Trial says at the end."""
        trial = Trial()
        try:
            yield trial
        finally:
            if trial.verdict is None:
                self._probing = False
            elif trial.verdict:
                self._succeeded()
            else:
                self._failed()

    def _succeeded(self) -> None:
        if self._probing:
            self._results.clear()
            self._open_until = None
        self._probing = False
        self._in_a_row = 0
        self._results.append(True)

    def _failed(self) -> None:
        self._in_a_row += 1
        self._results.append(False)
        window_bad = len(self._results) == WINDOW and self._results.count(False) * 2 >= WINDOW
        if self._probing or self._in_a_row >= FAILURES_IN_A_ROW or window_bad:
            self._open_until = self._clock() + OPEN_S
            self._results.clear()
            self._in_a_row = 0
        self._probing = False
