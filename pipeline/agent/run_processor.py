"""Run: one answer of a model, with its tool loop. Runs are what an assistant's runs were: a thread is a
conversation of our own, a run is one turn of one or more streamed responses, a step is a tool call or a
message, outputs are submitted by asking for the next response, and to cancel is to close the stream.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import msgspec
from loguru import logger
from openai import AsyncOpenAI

from pipeline.agent.chat import ChatWire
from pipeline.agent.messages import MessageData, StepData, ThreadMessage, iso_now, new_id
from pipeline.agent.model_stream import NO_KEY, make_client
from pipeline.agent.provider import Provider, respond
from pipeline.agent.responses import ResponsesWire
from pipeline.agent.run_config import Fallback, RunConfig
from pipeline.agent.run_data import RunData
from pipeline.agent.service import Message, correlation_id
from pipeline.agent.threads import MemoryThreads, ThreadStore
from pipeline.agent.tool_executor import ToolExecutor, ToolOutput
from pipeline.agent.tool_schema import ToolContext
from pipeline.agent.waits import RunCancelledError, Waits
from pipeline.agent.wire import FunctionCall, ModelEnd, ModelEvent, Output, Prompt
from pipeline.errors import AgentError, TurnError
from pipeline.events import AgentEvent, StreamEnd, StreamToken, Usage

__all__ = ["Run", "RunEvent"]

MAX_REMEMBERED = 256
SUBMIT_TRIES = 3

RunEvent: TypeAlias = AgentEvent | StepData | MessageData


class Run:
    """Answers by a model of an OpenAI-compatible server, tools included. An AgentService.

    One object serves any number of turns at once. `stream` answers a history that the caller keeps; the
    methods with a `thread_id` keep it in `threads`. Raises ValueError for tools no model could be told of.
    """

    def __init__(self, client: AsyncOpenAI, config: RunConfig, *, threads: ThreadStore | None = None) -> None:
        wire = ResponsesWire if config.api == "responses" else ChatWire
        self._config = config
        self._providers = [Provider(client, wire(), config.model)] + [
            Provider(_fallback_client(other, client), wire(), other.model) for other in config.fallbacks
        ]
        self.threads: ThreadStore = threads or MemoryThreads()
        self.tools = ToolExecutor(config.tools, timeout_s=config.tool_timeout_s, max_parallel=config.max_parallel_tools)
        self._schemas = self.tools.schemas
        self._runs: OrderedDict[str, RunData] = OrderedDict()

    @classmethod
    def open(
        cls,
        config: RunConfig,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        threads: ThreadStore | None = None,
    ) -> Self:
        """With a client of its own; raises ValueError when there is neither a key nor an address."""
        return cls(make_client(base_url=base_url, api_key=api_key), config, threads=threads)

    async def aclose(self) -> None:
        """Close the clients, and give tools that hang a last chance to end."""
        for provider in self._providers:
            await provider.client.close()
        await self.tools.aclose()

    # What callers ask for

    def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        """Answer a history that the caller keeps. Raises AgentError."""
        return self._iterate(None, messages)

    async def process_run(self, thread_id: str, human_query: str) -> list[str]:
        """The messages of the answer, whole. A run that fails raises AgentError, it never returns nothing."""
        async with aclosing(self.iterate_run_events(thread_id, human_query)) as events:
            return [event.content async for event in events if isinstance(event, MessageData)]

    async def process_run_stream(self, thread_id: str, human_query: str) -> AsyncGenerator[AgentEvent, None]:
        """The answer as agent events."""
        async with aclosing(self.iterate_run_events(thread_id, human_query)) as events:
            async for event in events:
                if not isinstance(event, StepData | MessageData):
                    yield event

    async def iterate_run_events(self, thread_id: str, human_query: str) -> AsyncGenerator[RunEvent, None]:
        """The answer as agent events, steps (when they begin and when they end) and whole messages.

        The user's message is kept at once, the answer before StreamEnd, and what an interrupted or failed
        run has passed on when it ends. Raises AgentError, and TurnError while the thread has a live run.
        """
        if any(run.thread_id == thread_id and not run.closed for run in self._runs.values()):
            raise TurnError("This conversation is busy.", code="turn_in_progress", retryable=True)
        run = self._begin(thread_id)
        try:
            history = [message.for_model() for message in await self.threads.messages(thread_id)]
            question = ThreadMessage("user", human_query, run_id=run.id)
            await self.threads.append(thread_id, [question])
        except BaseException:
            run.end("failed")
            run.closed = True
            raise
        async with aclosing(self._iterate(run, [*history, question.for_model()], details=True)) as events:
            async for event in events:
                yield event

    # The core loop

    async def _iterate(
        self, begun: RunData | None, messages: Sequence[Message], *, details: bool = False
    ) -> AsyncGenerator[Any, None]:
        """Model, tools, model, … until the answer is complete. However it ends, the run's record is true.

        Yields RunEvents with `details`, else AgentEvents only.
        """
        run = begun or self._begin("")
        run.prompt = list(messages)
        waits = run.waits
        started = time.monotonic()
        try:
            for round_number in range(self._config.max_tool_rounds + 1):
                calls: list[FunctionCall] = []
                end = ModelEnd()
                # What is said before and after a tool are two paragraphs.
                gap = "\n\n" if run.has_spoken else ""
                async with aclosing(self._next_response(run, round_number)) as batches:
                    async for batch in batches:
                        for event in batch:
                            if waits.cancelled:
                                raise RunCancelledError
                            if isinstance(event, StreamToken):
                                if not run.pieces:
                                    run.speaking_since = iso_now()
                                run.pieces.append(event.text)
                                yield StreamToken(gap + event.text) if gap else event
                                gap = ""
                            elif isinstance(event, FunctionCall):
                                calls.append(event)
                            else:
                                end = event
                self._count(run, end)
                run.check()
                is_last = round_number == self._config.max_tool_rounds
                wanted_tools = bool(calls or round_number)
                if is_last:
                    calls = []  # it was told that it may not
                said = self._close_message(run, calls, end.output)
                if not run.has_spoken and ((is_last and wanted_tools) or (end.cut and not calls)):
                    raise AgentError("The model gave no answer.")
                if said is not None and details:
                    yield said
                    run.check()
                if not calls:
                    break
                async with aclosing(self._run_tools(run)) as tool_events:
                    async for tool_event in tool_events:
                        run.check()
                        if details or not isinstance(tool_event, StepData):
                            yield tool_event
            await self._save(run)
            run.check()
            run.end("incomplete" if end.cut else "completed")
            yield StreamEnd(usage=run.usage or msgspec.UNSET, cut=end.cut or msgspec.UNSET)
        except RunCancelledError:
            pass  # by `_cancel_run_safely`: the stream just ends
        except Exception as error:
            run.error_code = error.code if isinstance(error, AgentError) else "agent_error"
            run.end("failed")
            raise
        finally:
            await self._finish(run, started)

    def _next_response(self, run: RunData, round_number: int) -> AsyncGenerator[list[ModelEvent], None]:
        if not round_number:
            return self._respond(run, tries=2)
        outputs: list[ToolOutput] = [
            {"tool_call_id": message.tool_call_id or "", "output": message.content}
            for message in run.tracker.answers(run.id)
        ]
        return self._submit_tool_outputs_with_backoff(run.thread_id, run.id, outputs)

    def _respond(self, run: RunData, *, tries: int) -> AsyncGenerator[list[ModelEvent], None]:
        rounds = sum(1 for message in run.messages if message.tool_calls)
        prompt = Prompt(
            self._config.instructions,
            run.prompt,
            self._schemas,
            may_call_tools=rounds < self._config.max_tool_rounds,
            outputs=run.outputs,
        )
        return respond(self._providers, prompt, self._config.timeouts, run.waits, tries=tries)

    async def _submit_tool_outputs_with_backoff(
        self, thread_id: str, run_id: str, tool_outputs: Sequence[ToolOutput]
    ) -> AsyncGenerator[list[ModelEvent], None]:
        """Give the model its tools' outputs and stream what it says to them.

        Three tries, only where another can help and only before anything was passed on. Raises AgentError:
        tool_submission_failed when none succeeded, agent_timeout when the model was silent.
        """
        run = await self._retrieve_run(thread_id, run_id)
        run.add(
            *(
                ThreadMessage("tool", output["output"], run_id=run_id, tool_call_id=output["tool_call_id"])
                for output in tool_outputs
            )
        )
        run.check()
        run.status = "in_progress"
        passed_on = False
        try:
            async with aclosing(self._respond(run, tries=SUBMIT_TRIES)) as batches:
                async for batch in batches:
                    passed_on = True
                    yield batch
        except AgentError as error:
            if passed_on or error.code == "agent_timeout":
                raise
            raise AgentError(
                "The model did not take the tools' results.",
                code="tool_submission_failed",
                retryable=error.retryable,
            ) from None

    async def _run_tools(self, run: RunData) -> AsyncGenerator[RunEvent, None]:
        """Run the calls of the last message; a phrase fills the silence when they take long."""
        run.check()
        run.status = "requires_action"
        calls = run.messages[-1].tool_calls
        for call in calls:
            yield run.tracker.started(call)
            yield run.tracker.steps[call.tool_call_id]
        context = ToolContext(correlation_id=run.correlation_id, thread_id=run.thread_id, run_id=run.id)
        filler_after_s = self._config.filler_after_s if self._config.filler else 0.0
        for result in run.tracker.settle_repeats():
            yield result
            yield run.tracker.steps[result.tool_call_id]
        async with self.tools.begin_round(run.tracker.fresh(), context) as tools:
            while not tools.is_over:
                outcomes = await run.waits.until(math.inf, partial(tools.outcomes, filler_after_s or None))
                if not outcomes:
                    filler_after_s = 0.0
                    yield StreamToken(f"{self._config.filler} ", filler=True)
                for outcome in outcomes:
                    yield run.tracker.finished(outcome.tool_call_id, outcome.output, is_error=outcome.is_error)
                    yield run.tracker.steps[outcome.tool_call_id]
                for result in run.tracker.settle_repeats():
                    yield result
                    yield run.tracker.steps[result.tool_call_id]

    def _close_message(
        self, run: RunData, calls: Sequence[FunctionCall] = (), output: Output | None = None
    ) -> MessageData | None:
        """What was said since the last time becomes a message of the run, together with its calls."""
        text = "".join(run.pieces)
        run.pieces = []
        unique = run.tracker.begin_round(calls) if calls else ()
        if not text and not unique:
            return None
        message = ThreadMessage("assistant", text, run_id=run.id, tool_calls=unique)
        if unique and output is not None:
            ours = iter(unique)
            items = tuple(next(ours) if isinstance(item, FunctionCall) else item for item in output.items)
            run.outputs[len(run.prompt)] = Output(items, output.wire)
        run.add(message)
        if not text:
            return None
        run.tracker.said(message.id, self._config.author, text, run.speaking_since)
        return MessageData(self._config.author, text, message.id)

    @staticmethod
    def _count(run: RunData, end: ModelEnd) -> None:
        if end.usage is not None:
            before = run.usage or Usage(0, 0)
            run.usage = Usage(
                before.input_tokens + end.usage.input_tokens,
                before.output_tokens + end.usage.output_tokens,
            )

    # The record of runs

    def _begin(self, thread_id: str) -> RunData:
        run_id = new_id("run")
        run = RunData(run_id, thread_id, correlation_id.get() or run_id, Waits())
        self._runs[run_id] = run
        for old in list(islice(self._runs.values(), max(0, len(self._runs) - MAX_REMEMBERED))):
            if old.closed:
                del self._runs[old.id]
        return run

    async def _finish(self, run: RunData, started: float) -> None:
        """The end of every run: calls answered, words kept, logged at DEBUG: the turn has its own line."""
        run.waits.close()
        run.end("cancelled")
        self._close_message(run)
        last = run.messages[-1] if run.messages else None
        if last is not None and last.tool_calls:
            run.add(*run.tracker.answers(run.id))
        try:
            await self._save(run)
        finally:
            run.closed = True
        run.prompt, run.outputs = [], {}  # the record is kept for a while, what it was made from is not
        logger.debug(
            "run {} {} ms={:.0f} tools={} error={} correlation_id={}",
            run.id,
            run.status,
            (time.monotonic() - started) * 1000,
            run.tracker.tool_count,
            run.error_code,
            run.correlation_id,
        )

    async def _save(self, run: RunData) -> None:
        if run.thread_id and run.saved < len(run.messages):
            fresh, run.saved = run.messages[run.saved :], len(run.messages)
            await self.threads.append(run.thread_id, fresh)

    async def _retrieve_run(self, thread_id: str, run_id: str) -> RunData:
        """The run's record; raises TurnError for one that is unknown or was long ago."""
        run = self._runs.get(run_id)
        if run is None or run.thread_id != thread_id:
            raise TurnError("There is no such run.", code="turn_not_found")
        return run

    async def _list_run_steps(self, thread_id: str, run_id: str) -> list[StepData]:
        """Tool calls and messages, in the order in which they began."""
        run = await self._retrieve_run(thread_id, run_id)
        return list(run.tracker.steps.values())

    async def _cancel_run_safely(self, thread_id: str, run_id: str) -> bool:
        """Stop a live run: its stream ends without StreamEnd. False when there is nothing to stop; never raises."""
        run = self._runs.get(run_id)
        if run is None or run.thread_id != thread_id or not run.is_live:
            return False
        run.end("cancelled")
        run.waits.cancel()
        return True


def _fallback_client(fallback: Fallback, primary: AsyncOpenAI) -> AsyncOpenAI:
    """OPENAI_API_KEY goes to the server that it is for, never to another that merely stands in for it."""
    trusted = _origin(fallback.base_url) in (_origin(str(primary.base_url)), ("https", "api.openai.com", 443))
    return make_client(base_url=fallback.base_url, api_key=fallback.api_key or (None if trusted else NO_KEY))


def _origin(url: str) -> tuple[str, str | None, int]:
    """What makes it the same server: another port is another one, and without TLS anybody can read the key."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
