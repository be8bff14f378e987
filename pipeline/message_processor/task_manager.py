"""TaskManager: starts the tasks of turns, stops them, and knows which still run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from loguru import logger

from pipeline.message_processor.constants import INTERRUPT_WAIT_TIMEOUT
from pipeline.message_processor.models import ConversationTurn
from pipeline.message_processor.turn_queue import TurnQueue

__all__ = ["TaskManager"]


@dataclass(slots=True, eq=False)
class _Root:
    """A turn's root task. It is cancelled once at most: a second time would break into its cleaning up."""

    task: asyncio.Task[None]
    begun: bool = False
    cancelled: bool = False
    consumer: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        # A task that is cancelled before its first step never runs, and could not close the agent's stream:
        # such a root sees for itself that its turn is over.
        if self.begun and not self.cancelled:
            self.cancelled = True
            self.task.cancel()


class TaskManager:
    """Owner of one root task a turn. A root that refuses to die stays owned until it does."""

    def __init__(self) -> None:
        self._roots: dict[ConversationTurn, _Root] = {}

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The root tasks that have not ended."""
        return frozenset(root.task for root in self._roots.values())

    def track_task(self, turn: ConversationTurn, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a turn's root task and own it until it has ended."""

        async def begin() -> None:
            root.begun = True
            await main

        task = asyncio.get_running_loop().create_task(begin(), name=f"turn {turn.turn_id}")
        root = self._roots[turn] = _Root(task)
        task.add_done_callback(lambda _: self._roots.pop(turn))
        return task

    def ensure_token_consumer(
        self,
        turn: ConversationTurn,
        group: asyncio.TaskGroup,
        consume: Callable[[], Coroutine[Any, Any, None]],
    ) -> asyncio.Task[None]:
        """The turn's token consumer, started in its task group when it is not there yet."""
        root = self._roots[turn]
        if root.consumer is None:
            root.consumer = group.create_task(consume(), name=f"consumer {turn.turn_id}")
        return root.consumer

    def request_cancel(self, turn: ConversationTurn) -> None:
        """Ask the turn's tasks to stop; asking again changes nothing."""
        if root := self._roots.get(turn):
            root.cancel()

    async def cancel_turn_tasks(self, turn: ConversationTurn) -> bool:
        """Stop the turn's tasks; False when they still run after INTERRUPT_WAIT_TIMEOUT and were given up."""
        self.request_cancel(turn)
        return await self.wait_for(turn)

    async def wait_for(self, turn: ConversationTurn) -> bool:
        """Wait for the tasks of a turn that is over, at most INTERRUPT_WAIT_TIMEOUT; False when they still run."""
        root = self._roots.get(turn)
        return root is None or await self._wait([root])

    async def cancel_all(self) -> bool:
        """Wait for whatever still runs, of any turn, and stop what does not end by itself."""
        roots = list(self._roots.values())
        if await self._wait(roots):
            return True
        for root in roots:
            root.cancel()
        return await self._wait(list(self._roots.values()))

    async def _wait(self, roots: Iterable[_Root]) -> bool:
        tasks = {root.task: root for root in roots}
        if not tasks:
            return True
        # Never `wait_for`: it would wait on for a task that refuses to die.
        _, pending = await asyncio.wait(tasks, timeout=INTERRUPT_WAIT_TIMEOUT)
        for task in pending:
            if tasks[task].cancelled:
                logger.warning("{} ignores its cancellation, given up", task.get_name())
        return not pending

    def drain_event_queue(self, turn: ConversationTurn) -> int:
        """Throw away all that waits in the turn's queues; returns how many events will never be sent."""
        _drain(turn.token_queue)
        return _drain(turn.event_queue)


def _drain(queue: TurnQueue[Any]) -> int:
    dropped = 0
    while not queue.empty():
        queue.get_nowait()
        dropped += 1
    return dropped
