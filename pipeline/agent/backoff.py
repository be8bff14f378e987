"""Delays between tries, as a pure sequence: nobody sleeps here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

__all__ = ["MAX_RETRY_AFTER_S", "backoff_delays", "retry_delay_s"]

MAX_RETRY_AFTER_S = 0.5  # a voice turn cannot honour a longer Retry-After


def backoff_delays(
    tries: int, *, base_s: float = 0.1, cap_s: float = 0.5, rng: Callable[[], float] = random.random
) -> Iterator[float]:
    """The pauses between `tries` tries, one fewer than those: exponential, each jittered by half.

    Jitter, because many turns fail together and must not all come back together.
    """
    for attempt in range(tries - 1):
        yield min(cap_s, base_s * 2**attempt) * (0.5 + rng() / 2)


def retry_delay_s(delay_s: float, retry_after_s: float | None) -> float:
    """The pause, or the server's wish where it is longer, up to MAX_RETRY_AFTER_S."""
    return max(delay_s, min(retry_after_s or 0.0, MAX_RETRY_AFTER_S))
