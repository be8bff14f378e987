"""Answers: HTTP responses that take time. A client that leaves, or reads nothing, ends the work on one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http_routes import INTERNAL, error_response, failure_response
from gateway.outbox import ClientGoneError
from pipeline.errors import PipelineError
from pipeline.events import Error
from pipeline.message_processor import log_failure

__all__ = ["EventStream", "FailedTurnError", "WholeAnswer"]

HEARTBEAT_S: Final = 15.0
"""An event stream that is silent for so long sends a comment, so that nobody on the way takes it for dead."""


class FailedTurnError(Exception):
    """The turn has failed before anything of it was sent; `event` says how."""

    def __init__(self, event: Error) -> None:
        super().__init__(event.type)
        self.event = event


class _Answer(Response):
    """`work` runs while the client is there; it is cancelled, and waited for, when the client leaves."""

    def __init__(self, correlation_id: str) -> None:
        super().__init__()
        self.correlation_id = correlation_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as group:
            worker = group.create_task(self.work(scope, receive, send), name=f"answer {self.correlation_id}")
            watcher = group.create_task(_disconnect(receive), name=f"answer's watcher {self.correlation_id}")
            worker.add_done_callback(lambda _: watcher.cancel())
            watcher.add_done_callback(lambda _: worker.cancel())

    async def work(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    def failed(self, error: Exception) -> Response:
        """What the client is told of an error."""
        if isinstance(error, FailedTurnError):
            return failure_response(error.event)
        if not isinstance(error, PipelineError):
            log_failure("a request failed", error, correlation_id=self.correlation_id)
            error = PipelineError(INTERNAL)
        return error_response(error, self.correlation_id)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class WholeAnswer(_Answer):
    """The response that `make` comes to; an error that it raises is the error's response."""

    def __init__(self, make: Callable[[], Awaitable[Response]], *, correlation_id: str) -> None:
        super().__init__(correlation_id)
        self._make = make

    async def work(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._make()
        except Exception as error:
            response = self.failed(error)
        response.headers["X-Correlation-ID"] = self.correlation_id
        await response(scope, receive, send)


class EventStream(_Answer):
    """Server-sent events: each frame is written before the next one is asked for, and `frames` is closed.

    The status waits for the first frame: an error before it is a response of its own. Later ones are
    `frames`' own to tell; an exception that it raises is a fault of ours, and the last frame is then
    `error_frame` of it. A client that reads nothing for `write_timeout_s` is taken to have left.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        *,
        error_frame: Callable[[Error], bytes],
        correlation_id: str,
        write_timeout_s: float,
    ) -> None:
        super().__init__(correlation_id)
        self._frames = frames
        self._error_frame = error_frame
        self._write_timeout_s = write_timeout_s
        self._written_at_s = 0.0
        self._writing = asyncio.Lock()

    async def work(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._frames) as frames:
            try:
                frame = await anext(frames)
            except Exception as error:
                await self.failed(error)(scope, receive, send)
                return
            await send(self._start())
            gone, broken = False, None
            try:
                async with asyncio.TaskGroup() as tasks:
                    heart = tasks.create_task(self._beat(send), name=f"answer's heartbeat {self.correlation_id}")
                    await self._write(send, frame)
                    async for frame in frames:
                        await self._write(send, frame)
                    heart.cancel()
            except* ClientGoneError:
                gone = True
            except* Exception as group:
                broken = group.exceptions[0]
            if not gone:
                with suppress(ClientGoneError):
                    await self._end(send, broken)

    async def _end(self, send: Send, broken: Exception | None) -> None:
        if broken is not None:
            log_failure("an event stream broke", broken, correlation_id=self.correlation_id)
            event = Error("internal_error", INTERNAL, self.correlation_id, False)
            await self._write(send, self._error_frame(event))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _start(self) -> dict[str, object]:
        headers = {
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # a proxy must not collect what is meant for now
            "X-Correlation-ID": self.correlation_id,
        }
        return {"type": "http.response.start", "status": 200, "headers": Response(headers=headers).raw_headers[:-1]}

    async def _write(self, send: Send, frame: bytes) -> None:
        async with self._writing:
            try:
                async with asyncio.timeout(self._write_timeout_s):
                    await send({"type": "http.response.body", "body": frame, "more_body": True})
            except TimeoutError:
                raise ClientGoneError from None
            self._written_at_s = asyncio.get_running_loop().time()

    async def _beat(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(0.0, self._written_at_s + HEARTBEAT_S - loop.time()) or HEARTBEAT_S)
            if loop.time() - self._written_at_s >= HEARTBEAT_S:
                await self._write(send, b": still here\n\n")
