"""The data of a run: its steps, its messages, and the tracker of its tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec

from pipeline.agent.service import Message
from pipeline.agent.wire import FunctionCall
from pipeline.events import ToolCall, ToolResult

__all__ = ["CANCELLED_OUTPUT", "MessageData", "StepData", "ThreadMessage", "ToolTracker", "iso_now", "new_id"]

CANCELLED_OUTPUT = '{"error":{"code":"cancelled","message":"The user interrupted; the tool was stopped."}}'


def iso_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex[:24]}"


class StepData(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a run: a tool call or the writing of a message. Times are ISO 8601 in UTC.

    A step without `end` is under way. `show_input` tells a viewer how to show the input: "json", or not.
    """

    name: str
    type: Literal["tool", "message"] = "tool"
    start: str = msgspec.field(default_factory=iso_now)
    end: str | None = None
    input: str = ""
    output: str = ""
    show_input: str | bool = False
    is_error: bool = False
    id: str = msgspec.field(default_factory=lambda: new_id("step"))


class MessageData(msgspec.Struct, frozen=True):
    """Something said in a run, in full."""

    author: str
    content: str
    id: str = msgspec.field(default_factory=lambda: new_id("msg"))


class ThreadMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as a thread keeps it."""

    role: Literal["user", "assistant", "tool"]
    content: str
    id: str = msgspec.field(default_factory=lambda: new_id("msg"))
    created_at: str = msgspec.field(default_factory=iso_now)
    run_id: str | None = None
    tool_calls: tuple[FunctionCall, ...] = ()
    tool_call_id: str | None = None

    def for_model(self) -> Message:
        """In the shape that OpenAI-compatible servers take."""
        message: Message = {"role": self.role, "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.tool_call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        return message


class ToolTracker:
    """The steps of a run: which tool calls are under way, and how each one ended.

    Every call that was begun gets an answer: `answers()` gives those of the current round in the order of
    the calls, with one that says "cancelled" for a call that never ended. A provider refuses a history in
    which a call stays open.
    """

    def __init__(self) -> None:
        self.steps: dict[str, StepData] = {}  # in the order in which they began, messages too
        self._round: tuple[FunctionCall, ...] = ()
        self._first: dict[FunctionCall, str] = {}  # a call as the model made it: our id of its first time
        self._repeats: dict[str, str] = {}

    def begin_round(self, calls: Sequence[FunctionCall]) -> tuple[FunctionCall, ...]:
        """The calls, with ids that are unique in this run: some servers count from zero in every response."""
        unique: list[FunctionCall] = []
        taken = set(self.steps)
        for call in calls:
            call_id, number = call.tool_call_id, 2
            while not call_id or call_id in taken:
                call_id, number = f"{call.tool_call_id or 'call'}-{number}", number + 1
            taken.add(call_id)
            unique.append(FunctionCall(call_id, call.name, call.arguments))
            if call.tool_call_id and (first := self._first.setdefault(call, call_id)) != call_id:
                self._repeats[call_id] = first
        self._round = tuple(unique)
        return self._round

    def fresh(self) -> list[FunctionCall]:
        """Those of the current round that are to be run: the model did not make the very same call before."""
        return [call for call in self._round if call.tool_call_id not in self._repeats]

    def settle_repeats(self) -> list[ToolResult]:
        """The others get the first one's outcome as soon as there is one."""
        results = []
        for call in self._round:
            first = self.steps.get(self._repeats.get(call.tool_call_id, ""))
            if first is not None and first.end is not None and self.steps[call.tool_call_id].end is None:
                results.append(self.finished(call.tool_call_id, first.output, is_error=first.is_error))
        return results

    @property
    def tool_count(self) -> int:
        return sum(step.type == "tool" for step in self.steps.values())

    def said(self, message_id: str, author: str, text: str, start: str) -> None:
        """A message was said in full: a step too."""
        self.steps[message_id] = StepData(
            id=message_id, name=author, type="message", start=start, end=iso_now(), output=text
        )

    def started(self, call: FunctionCall) -> ToolCall:
        self.steps[call.tool_call_id] = StepData(
            id=call.tool_call_id,
            name=call.name,
            type="tool",
            start=iso_now(),
            input=call.arguments,
            show_input="json",
        )
        return ToolCall(call.tool_call_id, call.name, arguments=call.arguments)

    def finished(self, tool_call_id: str, output: str, *, is_error: bool) -> ToolResult:
        step = msgspec.structs.replace(self.steps[tool_call_id], end=iso_now(), output=output, is_error=is_error)
        self.steps[tool_call_id] = step
        return ToolResult(tool_call_id, step.name, "error" if is_error else "ok", output=output)

    def answers(self, run_id: str | None = None) -> list[ThreadMessage]:
        """The current round's outputs as messages; a call without one is closed as cancelled."""
        messages = []
        for call in self._round:
            step = self.steps.get(call.tool_call_id)
            if step is None or step.end is None:
                if step is None:
                    self.started(call)
                self.finished(call.tool_call_id, CANCELLED_OUTPUT, is_error=True)
            output = self.steps[call.tool_call_id].output
            messages.append(ThreadMessage("tool", output, run_id=run_id, tool_call_id=call.tool_call_id))
        return messages
