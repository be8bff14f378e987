"""ToolExecutor: runs the tools that a model calls, and turns whatever happens into an output for the model."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, Self, TypeAlias, TypedDict
from uuid import uuid4

import msgspec
from loguru import logger

from pipeline.agent.messages import CANCELLED_OUTPUT
from pipeline.agent.payload import mended
from pipeline.agent.service import correlation_id
from pipeline.agent.tool_schema import ToolContext, ToolSignature
from pipeline.agent.tool_threads import ToolThreads, TooManyThreadsError
from pipeline.agent.tools import TOOL_MAP
from pipeline.agent.wire import FunctionCall
from pipeline.errors import ToolError

__all__ = ["ToolExecutor", "ToolOutcome", "ToolOutput", "ToolRound"]

MAX_OUTPUT_BYTES = 16 * 1024
MAX_REMEMBERED = 512
MAX_CALLS = 64  # of one response
CANCEL_GRACE_S = 0.05

_SENTENCES = {
    "tool_failed": "The tool failed.",
    "tool_timeout": "The tool took too long.",
}


_Key: TypeAlias = tuple[str, str, str, str, str]  # thread, run, call, tool, arguments


class ToolOutput(TypedDict):
    """What a model is given back for its call."""

    tool_call_id: str
    output: str


class ToolOutcome(msgspec.Struct, frozen=True):
    """An output, and whether it reports a failure."""

    tool_call_id: str
    output: str
    is_error: bool


class ToolExecutor:
    """The tools of `tool_map`, run safely: `execute_tool` never raises (a cancel passes through).

    Sync tools run in threads, async tools in the loop, each for at most `timeout_s`; one that will not stop
    is left behind. The same call of a run (its id, name and arguments) is never run twice: who asks again
    gets the first output; without a run id every call is one of its own. Raises ValueError for a tool whose
    signature no model could be told.
    """

    def __init__(
        self,
        tool_map: Mapping[str, Callable[..., Any]] = TOOL_MAP,
        *,
        timeout_s: float = 10.0,
        max_parallel: int = 8,
        threads: ToolThreads | None = None,
    ) -> None:
        self._tools = dict(tool_map)
        self._signatures = {name: ToolSignature(name, tool) for name, tool in self._tools.items()}
        self._timeout_s = timeout_s
        self._max_parallel = max_parallel
        self._threads = threads or ToolThreads()
        self._running: dict[_Key, asyncio.Task[ToolOutcome]] = {}
        self._outcomes: OrderedDict[_Key, ToolOutcome] = OrderedDict()
        self._left_behind: set[asyncio.Task[Any]] = set()

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """One function schema per tool, for the model."""
        return [signature.schema for signature in self._signatures.values()]

    async def execute_tool(
        self,
        tool_name: str,
        tool_args: str | Mapping[str, Any] | None = None,
        context: ToolContext | Mapping[str, Any] | object | None = None,
    ) -> ToolOutput:
        """Run one tool with arguments as JSON text or as a mapping; `context` names the call.

        A context is a ToolContext, a mapping or an object with such attributes; what it lacks is made up.
        """
        outcome = await self.run(tool_name, tool_args, _as_context(context))
        return {"tool_call_id": outcome.tool_call_id, "output": outcome.output}

    def begin_round(self, calls: Sequence[FunctionCall], context: ToolContext) -> ToolRound:
        """Start all calls of one response, in parallel; those beyond MAX_CALLS are refused."""
        gate = asyncio.Semaphore(self._max_parallel)
        tasks = {
            self._start(
                call.name,
                call.arguments,
                msgspec.structs.replace(context, tool_call_id=call.tool_call_id),
                gate,
            )
            for call in calls[:MAX_CALLS]
        }
        for call in calls[MAX_CALLS:]:
            refusal = ToolError("There were too many calls at once; this one was not made.")
            tasks.add(asyncio.create_task(_give(_report(refusal, call.tool_call_id, context.correlation_id))))
        return ToolRound(tasks, self._stop)

    async def run(self, name: str, arguments: str | Mapping[str, Any] | None, context: ToolContext) -> ToolOutcome:
        """Like `execute_tool`, with the outcome said in full."""
        task = self._start(name, arguments, context, nullcontext())
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await self._stop({task})
            raise
        if task.cancelled():  # by somebody else who asked for the same call
            return _cancelled(context.tool_call_id)
        return task.result()

    def _start(
        self,
        name: str,
        arguments: str | Mapping[str, Any] | None,
        context: ToolContext,
        gate: AbstractAsyncContextManager[None],
    ) -> asyncio.Task[ToolOutcome]:
        key = _key(name, arguments, context) if context.run_id else None
        if key is not None:
            task = self._running.get(key)
            if task is not None and task.get_loop() is asyncio.get_running_loop():
                return task
            if task is not None or key in self._outcomes:  # that of a loop that died was begun: it is not run again
                known = self._outcomes.get(key) or _cancelled(context.tool_call_id)
                return asyncio.create_task(_give(known))
        task = asyncio.create_task(self._attempt(name, arguments, context, gate))
        if key is not None:
            self._running[key] = task
            task.add_done_callback(partial(self._remember, key))
        return task

    def _remember(self, key: _Key, task: asyncio.Task[ToolOutcome]) -> None:
        self._running.pop(key, None)
        broken = task.cancelled() or task.exception() is not None
        self._outcomes[key] = _cancelled(key[2]) if broken else task.result()
        while len(self._outcomes) > MAX_REMEMBERED:
            self._outcomes.popitem(last=False)

    async def _attempt(
        self,
        name: str,
        arguments: str | Mapping[str, Any] | None,
        context: ToolContext,
        gate: AbstractAsyncContextManager[None],
    ) -> ToolOutcome:
        try:
            async with gate:
                output = _as_text(await self._call(name, arguments, context))
            return ToolOutcome(context.tool_call_id, output, is_error=False)
        except Exception as caught:
            error = caught if isinstance(caught, ToolError) else ToolError(_SENTENCES["tool_failed"])
            if error is not caught:
                logger.opt(exception=caught).error("tool {} [{}] failed", name, context.correlation_id)
            logger.info("tool {} [{}]: {}", name, context.correlation_id, error.code)
            return _report(error, context.tool_call_id, context.correlation_id)

    async def _call(self, name: str, arguments: str | Mapping[str, Any] | None, context: ToolContext) -> Any:
        """The tool's own result; raises ToolError and nothing else."""
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            raise ToolError("There is no such tool.", code="unknown_tool")
        signature = self._signatures[name]
        values = signature.validate(arguments)
        if signature.context_parameter:
            values[signature.context_parameter] = context
        body = asyncio.create_task(self._body(partial(tool, **values), is_async=_is_async(tool)))
        try:
            done, _ = await asyncio.wait({body}, timeout=self._timeout_s)
        except asyncio.CancelledError:
            await self._stop({body})
            raise
        if not done:
            await self._stop({body})
            raise ToolError(_SENTENCES["tool_timeout"], code="tool_timeout")
        try:
            return body.result()
        except TooManyThreadsError:
            logger.error("tool {} [{}]: no thread is free", name, context.correlation_id)
        except BaseException as error:  # the tool's own: nobody waits here, so nobody can be cancelled
            # The traceback, with whatever secrets are in it, stays in the log.
            logger.opt(exception=error).error("tool {} [{}] failed", name, context.correlation_id)
        raise ToolError(_SENTENCES["tool_failed"], code="tool_failed")

    async def _body(self, call: Callable[[], Any], *, is_async: bool) -> Any:
        try:
            result = call() if is_async else await self._threads.run(call)
            return await result if inspect.isawaitable(result) else result
        except (SystemExit, KeyboardInterrupt) as error:  # would end the loop, not only the tool
            raise RuntimeError(f"the tool raised {type(error).__name__}") from error

    async def _stop(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Cancel them, and wait only for those that obey at once."""
        running = {task for task in tasks if not task.done()}
        for task in running:
            task.cancel()
            self._left_behind.add(task)
            task.add_done_callback(self._forget)
        if running:
            await asyncio.wait(running, timeout=CANCEL_GRACE_S)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left_behind.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.debug("a tool that was left behind failed: {!r}", task.exception())

    async def aclose(self, timeout_s: float = 1.0) -> None:
        """Give tools that were left behind a last chance to end."""
        await self._stop(set(self._left_behind))
        if self._left_behind:
            await asyncio.wait(self._left_behind, timeout=timeout_s)


class ToolRound:
    """The calls of one response while they run. Leaving the context cancels those that still do."""

    def __init__(
        self,
        tasks: set[asyncio.Task[ToolOutcome]],
        stop: Callable[[set[asyncio.Task[ToolOutcome]]], Awaitable[None]],
    ) -> None:
        self._pending = tasks
        self._stop = stop

    @property
    def is_over(self) -> bool:
        return not self._pending

    async def outcomes(self, timeout_s: float | None = None) -> list[ToolOutcome]:
        """The next outcomes, one or more; none when `timeout_s` went by without any."""
        done, self._pending = await asyncio.wait(self._pending, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return [task.result() for task in done]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stop(self._pending)


def _as_context(context: object) -> ToolContext:
    """Whatever a caller gives, as a context whose call has an id and a correlation id."""
    known: dict[str, str] = {}
    for field in ToolContext.__struct_fields__:
        try:
            value = context.get(field) if isinstance(context, Mapping) else getattr(context, field, None)
            known[field] = "" if value is None else mended(str(value))
        except Exception as error:
            logger.warning("a tool's context has no {}: {}", field, type(error).__name__)
    known["tool_call_id"] = known.get("tool_call_id") or f"call_{uuid4().hex[:24]}"
    known["correlation_id"] = known.get("correlation_id") or correlation_id.get() or uuid4().hex
    return ToolContext(**known)


def _key(name: str, arguments: object, context: ToolContext) -> _Key:
    try:
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments, order="sorted").decode()
    except Exception:  # no JSON: only the very same object is the same
        text = f"object {id(arguments)}"
    return context.thread_id, context.run_id, context.tool_call_id, str(name), text


def _cancelled(tool_call_id: str) -> ToolOutcome:
    return ToolOutcome(tool_call_id, CANCELLED_OUTPUT, is_error=True)


def _report(error: ToolError, tool_call_id: str, correlation_id: str) -> ToolOutcome:
    report = {"code": error.code, "message": str(error), "correlation_id": correlation_id}
    output = msgspec.json.encode({"error": {key: mended(value) for key, value in report.items()}}).decode()
    return ToolOutcome(tool_call_id, _cut(output), is_error=True)


async def _give(outcome: ToolOutcome) -> ToolOutcome:
    return outcome


def _is_async(tool: Callable[..., Any]) -> bool:
    target = inspect.unwrap(tool)
    while isinstance(target, partial):
        target = target.func
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(type(target).__call__)


def _as_text(result: Any) -> str:
    """Always a string: text as it is, anything else as JSON; too much of it is cut, and said so."""
    if isinstance(result, str):
        text = result
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        logger.error("a tool gave a generator, which is no result")
        raise ToolError(_SENTENCES["tool_failed"], code="tool_failed")
    else:
        try:
            text = msgspec.json.encode(result, enc_hook=str).decode()
        except BaseException as error:  # a foreign __str__ may raise anything
            logger.opt(exception=error).error("a tool's result is no JSON")
            raise ToolError(_SENTENCES["tool_failed"], code="tool_failed") from None
    return _cut(text)


def _cut(text: str) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_OUTPUT_BYTES:
        return data.decode()
    kept = data[:MAX_OUTPUT_BYTES].decode("utf-8", "ignore")
    return f"{kept}\n[Cut: the output had {len(data)} bytes, these are the first {MAX_OUTPUT_BYTES}.]"
