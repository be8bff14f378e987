"""Stand-ins that meet the real interfaces: agents that do what a test says, and what tests wait with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing

from pipeline.agent.service import Message
from pipeline.events import AgentEvent, StreamToken, TurnEvent
from pipeline.message_processor import MessageProcessor


class ScriptedAgent:
    """Yields what it is given; counts what was pulled; knows whether it was closed.

    `script` may hold events, strings (tokens), exceptions (raised) and awaitable functions (awaited).
    """

    def __init__(self, script: Iterable[AgentEvent | str | BaseException | Callable[[], Awaitable[object]]]) -> None:
        self.script = script
        self.pulled = 0
        self.opened = 0
        self.closed = 0
        self.seen: list[list[Message]] = []

    async def stream(self, messages: Sequence[Message] = ()) -> AsyncGenerator[AgentEvent, None]:
        self.opened += 1
        self.seen.append(list(messages))
        try:
            for step in self.script:
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    await step()
                    continue
                self.pulled += 1
                yield StreamToken(step) if isinstance(step, str) else step
        finally:
            self.closed += 1


class StubbornAgent:
    """Talks on when it is cancelled, until `release` is set: an agent, or a tool, that will not stop."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.cancelled = 0
        self.closed = 0
        self.busy = asyncio.Event()

    async def stream(self, messages: Sequence[Message] = ()) -> AsyncGenerator[AgentEvent, None]:
        try:
            yield StreamToken("Let me think about that for a while. Still thinking. ")
            while not self.release.is_set():
                self.busy.set()
                try:
                    await self.release.wait()
                except asyncio.CancelledError:
                    self.cancelled += 1
            yield StreamToken("This must never be heard. ")
        finally:
            self.closed += 1


def words(count: int) -> Iterable[str]:
    """`count` tokens, which end a sentence every ten words."""
    for number in range(count):
        yield "word " if (number + 1) % 10 else "stop. "


async def collect(processor: MessageProcessor, turn_id: str) -> list[TurnEvent]:
    """All events of a turn."""
    async with aclosing(processor.stream_events(turn_id)) as events:
        return [event async for event in events]


async def until(condition: Callable[[], object], *, limit_s: float = 5.0) -> None:
    """Wait for a state; fails when it does not come."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - any state can be waited for, with or without an event
            await asyncio.sleep(0.001)


async def until_still(count: Callable[[], int], *, pause_s: float = 0.2) -> int:
    """Wait until a count does not change any more: everything on the way is full. The count."""
    before = -1
    while before != (now := count()):
        before = now
        await asyncio.sleep(pause_s)
    return before
