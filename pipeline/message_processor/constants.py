"""Numbers and markers of the turn engine. Times are in seconds."""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = [
    "IDLE_RELEASE_S",
    "INTERRUPT_WAIT_TIMEOUT",
    "QUEUE_MAXSIZE",
    "SILENCE_GRACE_S",
    "SPEAKING_RATE_CPS",
    "TOKEN_QUEUE_IDLE",
    "TOKEN_QUEUE_SENTINEL",
    "TokenQueueMark",
]

INTERRUPT_WAIT_TIMEOUT: Final = 1.0
"""How long an interrupt waits for a turn's tasks to die before it gives them up."""

IDLE_RELEASE_S: Final = 0.25
"""Without a token for this long, a finished sentence stops waiting for what follows it."""

QUEUE_MAXSIZE: Final = 100
"""Tokens, and events, that a turn may hold back before its agent has to wait."""

SILENCE_GRACE_S: Final = 10.0
"""How much longer than its estimated speaking time a client that reports playback may be silent."""

SPEAKING_RATE_CPS: Final = 15.0
"""Characters a second: how fast a client that reports no playback is taken to speak."""


class TokenQueueMark(Enum):
    """What stands in the token queue beside agent events."""

    END = "end"
    IDLE = "idle"


TOKEN_QUEUE_SENTINEL: Final = TokenQueueMark.END
"""The agent is done, well or not. Means a normal end: an interrupt drains the queue instead."""

TOKEN_QUEUE_IDLE: Final = TokenQueueMark.IDLE
"""No token has come for `IDLE_RELEASE_S`."""
