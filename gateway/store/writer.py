"""Writer: the one thread that uses the database, in the order of the calls, many operations to a commit."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from loguru import logger

from gateway.errors import StorageError

__all__ = ["Effect", "Writer"]

T = TypeVar("T")

_MAX_GROUP = 128
_SWITCH_INTERVAL_S = 0.0005
_MAX_WAITING = 16_384
"""Far above what sessions can have under way, each of which awaits its turns' writes: reached only when the
disk hangs while clients begin turn after turn. Then failing is better than taking ever more memory."""


class Effect(IntEnum):
    """What an operation does to the file. `SAVES` is on disk when it is answered and outlives the machine's end.

    `WRITES` outlives the process, and the machine as soon as anything after it is saved.
    """

    READS = 0
    WRITES = 1
    SAVES = 2


class _Job(NamedTuple):
    run: Callable[[sqlite3.Connection], Any]
    effect: Effect
    future: asyncio.Future[Any]


class Writer:
    """Runs operations in the order of `submit`; those that wait are committed together.

    Owns the connection, which is in autocommit mode, and closes it. `commits` counts transactions that wrote.
    Sets the interpreter's switch interval, for the whole process, to half a millisecond.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.commits = 0
        self._connection = connection
        self._synchronous = ""
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed: asyncio.Future[None] | None = None
        # Every statement lets go of the interpreter and waits until a busy event loop hands it back: for this long.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
        # A daemon, so that a process whose store was never closed can end; what was awaited is on disk anyway.
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[sqlite3.Connection], T], effect: Effect) -> asyncio.Future[T]:
        """The future of what `run` returns, which comes once its effect holds.

        Its exception is always StorageError. It may be dropped or cancelled: `run` is carried out all the same.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieve)
        if self._closed is not None:
            future.set_exception(StorageError("The storage is closed.", retryable=False))
        elif self._jobs.qsize() >= _MAX_WAITING:
            logger.error("storage: {} operations wait, one more was refused", _MAX_WAITING)
            future.set_exception(StorageError("The storage is too busy, try again later."))
        else:
            self._jobs.put(_Job(run, effect, future))
        return future

    async def close(self) -> None:
        """Returns when all that was submitted is done and the connection is closed."""
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()
            self._jobs.put(None)
        await asyncio.shield(self._closed)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            group = [first]
            last = False
            while len(group) < _MAX_GROUP:
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
                if job is None:
                    last = True
                    break
                group.append(job)
            _settle_all(group, self._carry_out(group))
            if last:
                break
        try:
            self._connection.close()
        except sqlite3.Error as error:
            _log(error)
        assert self._closed is not None
        _call(self._closed.get_loop(), self._closed.set_result, None)

    def _carry_out(self, group: list[_Job]) -> list[Any]:
        """What each job returned, or the StorageError that it failed with."""
        connection = self._connection
        effect = max(job.effect for job in group)
        try:
            self._set_synchronous(effect)
            connection.execute("BEGIN IMMEDIATE" if effect else "BEGIN")
            outcomes = [self._run_alone(job, among_others=len(group) > 1) for job in group]
            connection.execute("COMMIT")
        except Exception as error:
            _log(error)
            outcomes = [_storage_error() for _ in group]
            self._roll_back()
        else:
            self.commits += bool(effect)
        return outcomes

    def _run_alone(self, job: _Job, *, among_others: bool) -> Any:
        """What the job returned, or its StorageError, with all it did undone; raises when the whole group failed."""
        connection = self._connection
        savepoint = job.effect and among_others
        if savepoint:
            connection.execute("SAVEPOINT job")
        try:
            outcome = job.run(connection)
        except Exception as error:
            if not (among_others and connection.in_transaction):  # without a transaction SQLite gave up the group
                raise
            _log(error)
            outcome = _storage_error()
            if savepoint:
                connection.execute("ROLLBACK TO job")
        if savepoint:
            connection.execute("RELEASE job")
        return outcome

    def _set_synchronous(self, effect: Effect) -> None:
        mode = "FULL" if effect is Effect.SAVES else "NORMAL"
        if mode != self._synchronous:
            self._connection.execute(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            _log(error)


def _log(error: Exception) -> None:
    logger.opt(exception=error).error("storage: an operation failed: {}", error)


def _storage_error() -> StorageError:
    return StorageError("The conversation could not be stored or read.")


def _settle_all(group: list[_Job], outcomes: list[Any]) -> None:
    """Hand the outcomes to the event loops of those who asked, waking each loop once."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = defaultdict(list)
    for job, outcome in zip(group, outcomes, strict=True):
        by_loop[job.future.get_loop()].append((job.future, outcome))
    for loop, settled in by_loop.items():
        _call(loop, _settle, settled)


def _settle(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in settled:
        if future.done():  # cancelled
            continue
        if isinstance(outcome, StorageError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[T], object], argument: T) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(callback, argument)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Keeps a future that nobody awaits from warning; the error is in the log."""
    if not future.cancelled():
        future.exception()
