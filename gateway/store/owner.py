"""Which process a turn belongs to, and whether that process is still alive."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["is_dead", "this_process"]

_NONCE = secrets.token_hex(8)


def this_process() -> str:
    """The name of this process: its number, when it started where that can be known, and a nonce.

    The number alone is given again: after a restart of the machine, or to the first process of a container.
    """
    pid = os.getpid()
    return f"{pid}:{_started(pid)}:{_NONCE}"


def is_dead(owner: str) -> bool:
    """Whether a process of this machine, by the name it gave itself, is surely gone."""
    number, started, _ = owner.split(":")
    pid = int(number)
    if pid == os.getpid():
        return owner != this_process()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # there is one, of another user
    now = _started(pid)
    return bool(started and now and started != now)


def _started(pid: int) -> str:
    """When a process started, in ticks since the machine did; empty where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]
