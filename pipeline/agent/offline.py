"""OfflineAgent: the agent that is always there. It needs no key, no network and no model.

It understands a table of intents (`offline_intents.py`), uses the same tools that a model would, and speaks
at a model's pace, so that everything behind it works as it does with a real model.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from pipeline.agent.offline_intents import Use, answer
from pipeline.agent.service import Message, correlation_id
from pipeline.agent.tool_executor import ToolExecutor
from pipeline.agent.tool_schema import ToolContext
from pipeline.agent.tools import local_now, make_tools
from pipeline.events import AgentEvent, StreamEnd, StreamToken, ToolCall, ToolResult, Usage

__all__ = ["OfflineAgent"]

# About as models cut: a space belongs to the word behind it, long words come in pieces, digits in threes.
_TOKEN = re.compile(r" ?[^\W\d_]{1,6}|\d{1,3}|\s+(?=\S)|\s+|.", re.DOTALL)


class OfflineAgent:
    """An AgentService that answers by itself, the same for the same messages and the same clock.

    `tokens_per_second` is the pace, 0 is as fast as possible. `clock` returns an aware datetime.
    """

    def __init__(self, *, tokens_per_second: float = 50.0, clock: Callable[[], datetime] = local_now) -> None:
        if tokens_per_second < 0:
            raise ValueError("tokens_per_second must be 0 (as fast as possible) or more")
        self._pause_s = 1 / tokens_per_second if tokens_per_second else 0.0
        self._tools = ToolExecutor(make_tools(clock))

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        """Tokens, tool calls with their results, StreamEnd. Never fails."""
        pace = _Pace(self._pause_s)
        run_id = uuid4().hex
        parts = answer(messages)
        output: dict[str, Any] | None = None
        calls = tokens = 0
        while True:
            try:
                part = parts.send(output)
            except StopIteration:
                break
            output = None
            if isinstance(part, Use):
                calls += 1
                call_id = f"call_{calls}"
                yield ToolCall(call_id, part.tool, arguments=json.dumps(part.arguments))
                # In a thread, as any tool: the first question for a place reads the list of all zones.
                context = ToolContext(tool_call_id=call_id, run_id=run_id, correlation_id=correlation_id.get())
                outcome = await self._tools.run(part.tool, part.arguments, context)
                output = json.loads(outcome.output)
                status: Literal["ok", "error"] = "error" if "error" in output else "ok"
                yield ToolResult(call_id, part.tool, status, output=outcome.output)
                continue
            for token in _TOKEN.findall(part):
                await pace.wait()
                tokens += 1
                yield StreamToken(token)
        read = sum(len(message["content"]) for message in messages) // 4  # about as models count
        yield StreamEnd(usage=Usage(input_tokens=read, output_tokens=tokens))

    async def aclose(self) -> None:
        """Give tools that hang a last chance to end."""
        await self._tools.aclose()


class _Pace:
    """Waits until the next token is due. Time that the reader took is not caught up with a burst."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()

    async def wait(self) -> None:
        now = self._loop.time()
        self._due = max(self._due + self._pause_s, now)
        await asyncio.sleep(self._due - now)  # also with 0: others get their turn, a cancel gets through
