"""Which process a turn belongs to, and whether that process is still alive."""

from __future__ import annotations

import os
import secrets

__all__ = ["is_dead", "this_process"]

_NONCE = secrets.token_hex(8)
"""Tells this process from an earlier one with the same number, as every first process of a container has."""


def this_process() -> str:
    """The name of this process: its number, and a nonce."""
    return f"{os.getpid()}:{_NONCE}"


def is_dead(owner: str) -> bool:
    """Whether a process of this machine, by the name it gave itself, is surely gone."""
    if owner == this_process():
        return False
    pid = int(owner.partition(":")[0])
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
