"""TaskManager: starts the tasks of turns, stops them, and knows which still run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from loguru import logger

from pipeline.message_processor.constants import INTERRUPT_WAIT_TIMEOUT
from pipeline.message_processor.models import ConversationTurn

__all__ = ["TaskManager"]


class TaskManager:
    """Owner of one root task a turn. A root that refuses to die stays owned until it does."""

    def __init__(self) -> None:
        self._roots: dict[ConversationTurn, asyncio.Task[None]] = {}
        self._running: set[ConversationTurn] = set()
        self._consumers: dict[ConversationTurn, asyncio.Task[None]] = {}

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The root tasks that have not ended."""
        return frozenset(self._roots.values())

    def track_task(self, turn: ConversationTurn, root: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a turn's root task and own it until it has ended."""
        task = asyncio.get_running_loop().create_task(self._run(turn, root), name=f"turn {turn.turn_id}")
        self._roots[turn] = task
        task.add_done_callback(lambda _: self._forget(turn))
        return task

    async def _run(self, turn: ConversationTurn, root: Coroutine[Any, Any, None]) -> None:
        # A task that is cancelled before its first step never runs, and could not close the agent's stream.
        self._running.add(turn)
        await root

    def _forget(self, turn: ConversationTurn) -> None:
        del self._roots[turn]
        self._running.discard(turn)
        self._consumers.pop(turn, None)

    def ensure_token_consumer(
        self,
        turn: ConversationTurn,
        group: asyncio.TaskGroup,
        consume: Callable[[], Coroutine[Any, Any, None]],
    ) -> asyncio.Task[None]:
        """The turn's token consumer, started in its task group when it is not there yet."""
        if turn not in self._consumers:
            self._consumers[turn] = group.create_task(consume(), name=f"consumer {turn.turn_id}")
        return self._consumers[turn]

    def request_cancel(self, turn: ConversationTurn) -> None:
        """Ask the turn's root to stop. A root that has not begun sees for itself that its turn is over."""
        if turn in self._running:
            self._roots[turn].cancel()

    async def cancel_turn_tasks(self, turn: ConversationTurn) -> bool:
        """Stop the turn's tasks; False when they still run after INTERRUPT_WAIT_TIMEOUT and were given up."""
        root = self._roots.get(turn)
        if root is None:
            return True
        self.request_cancel(turn)
        return await _wait({root})

    async def wait_all(self) -> bool:
        """Wait for tasks that were asked to stop; False when some still run after INTERRUPT_WAIT_TIMEOUT."""
        return not self._roots or await _wait(set(self._roots.values()))

    def drain_event_queue(self, turn: ConversationTurn) -> int:
        """Throw away all that waits in the turn's queues; returns how many events will never be sent."""
        _drain(turn.token_queue)
        return _drain(turn.event_queue)


async def _wait(tasks: set[asyncio.Task[None]]) -> bool:
    # Never `wait_for`: it would wait on for a task that refuses to die.
    _, pending = await asyncio.wait(tasks, timeout=INTERRUPT_WAIT_TIMEOUT)
    for task in pending:
        logger.warning("{} ignores its cancellation, given up", task.get_name())
    return not pending


def _drain(queue: asyncio.Queue[Any]) -> int:
    dropped = 0
    while not queue.empty():
        queue.get_nowait()
        dropped += 1
    return dropped
