"""Turn: one thing that the user said, and the answer to it as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, NamedTuple, Self
from uuid import uuid4

from gateway.client.models import Chunk, Event, Interrupted, Outcome

__all__ = ["Turn", "Waiting"]


class Waiting(NamedTuple):
    """An event that the app has not taken yet, with its frame's place in the session and size."""

    seq: int
    chars: int
    event: Event


class Turn:
    """What the user said, and the answer to it: iterate over it, once, for the chunks to speak.

    `turn_id` is None until the gateway has started it, `outcome` until the gateway has ended it.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], Awaitable[None]],
        taken: Callable[[int], Awaitable[None]],
        **start: object,
    ) -> None:
        self.turn_id: str | None = None
        self.outcome: Outcome | None = None
        self._send = send
        self._taken = taken
        self._taken_chars = 0
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        # The client's view of it. `waiting` is bounded by the gateway, which waits for acknowledgements.
        self.ref = uuid4().hex
        self.start: dict[str, Any] = {"event": "start_turn", "ref": self.ref, **start}
        self.waiting: deque[Waiting] = deque()
        self.silent = False
        self._interrupt: dict[str, Any] | None = None
        self._spoken: dict[str, Any] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        while (event := await self._next()) is not None:
            if isinstance(event, Chunk):
                return event
        raise StopAsyncIteration

    async def events(self) -> AsyncGenerator[Event, None]:
        """The chunks and, in their order among them, captions and tool events."""
        while (event := await self._next()) is not None:
            yield event

    async def spoken(self, chunk: Chunk) -> None:
        """Report that this chunk, and all before it, has been spoken to its end."""
        if self.outcome is None and not self.silent:
            self._spoken = {"event": "chunk_spoken", "turn_id": self.turn_id, "index": chunk.index}
            await self._send(self._spoken)

    async def finished(self) -> Outcome:
        """The outcome, once the gateway has said it; after an interrupt, some milliseconds later."""
        await self._ended.wait()
        assert self.outcome is not None
        return self.outcome

    async def _next(self) -> Event | None:
        # What was taken before is acknowledged first, so that nothing taken is lost to a cancellation.
        chars, self._taken_chars = self._taken_chars, 0
        await self._taken(chars)
        while not self.waiting:
            if self.silent or self.outcome is not None:
                return None
            self._news.clear()
            await self._news.wait()
        _, self._taken_chars, event = self.waiting.popleft()
        return event

    # For the client

    def add(self, waiting: Waiting) -> None:
        """An event came."""
        self.waiting.append(waiting)
        self._news.set()

    def silence(self) -> int:
        """Nothing more of it is to be heard; the characters that waited."""
        chars = sum(waiting.chars for waiting in self.waiting)
        self.silent = True
        self.waiting.clear()
        self._news.set()
        return chars

    def interrupt(self, heard: tuple[int, int] | None, reason: str | None) -> dict[str, Any]:
        """The frame that stops it."""
        where = None if heard is None else {"index": heard[0], "chars": heard[1]}
        self._interrupt = {"event": "interrupt", "turn_id": self.turn_id, "heard": where, "reason": reason}
        return self._interrupt

    def end(self, outcome: Outcome) -> None:
        """It is over."""
        if isinstance(outcome, Interrupted):
            self.silence()
        self.outcome = outcome
        self._news.set()
        self._ended.set()

    def commands(self, *, newest: bool) -> Iterator[dict[str, Any]]:
        """All that the gateway may have missed; none of it does anything a second time."""
        if self.turn_id is None:
            yield self.start
        if self._spoken is not None:
            yield self._spoken
        # Without an id it means whatever is live, and only the newest turn can be that.
        if self._interrupt is not None and (newest or self.turn_id is not None):
            yield {**self._interrupt, "turn_id": self.turn_id}
