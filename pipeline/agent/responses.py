"""The responses wire: OpenAI's own API, used without any state on the server (`store` is false)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast

import msgspec
from loguru import logger

from pipeline.agent.model_stream import ModelError, ModelStream
from pipeline.agent.payload import PayloadDecoder
from pipeline.agent.service import Message
from pipeline.agent.wire import FunctionCall, ModelEnd, ModelEvent, Prompt
from pipeline.events import StreamToken, Usage

__all__ = ["ResponsesWire"]

_TEXT = ("response.output_text.delta", "response.refusal.delta")


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Error(msgspec.Struct, gc=False):
    code: str | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int = 0
    output_tokens: int = 0


class _Details(msgspec.Struct, gc=False):
    reason: str | None = None


class _Response(msgspec.Struct, gc=False):
    usage: _Usage | None = None
    error: _Error | None = None
    incomplete_details: _Details | None = None


class _Event(msgspec.Struct, gc=False):
    type: str
    delta: str | None = None
    item_id: str | None = None
    item: _Item | None = None
    response: _Response | None = None
    code: str | None = None
    error: _Error | None = None


class ResponsesWire:
    """POST /responses with `stream`."""

    path = "/responses"

    def body(self, model: str, prompt: Prompt) -> dict[str, object]:
        body: dict[str, object] = {
            "model": model,
            "input": _items(prompt.messages),
            "store": False,
            "stream": True,
        }
        if prompt.instructions:
            body["instructions"] = prompt.instructions
        if prompt.tools:
            body["tools"] = [{"type": "function", "strict": False, **tool} for tool in prompt.tools]
            body["tool_choice"] = "auto" if prompt.may_call_tools else "none"
        return body

    async def read(self, response: ModelStream) -> AsyncGenerator[ModelEvent, None]:
        decoder = PayloadDecoder(_Event)
        calls: list[FunctionCall] = []
        end: ModelEnd | None = None
        speaking = ""  # the id of the output item whose text is being said
        async with aclosing(response.payloads()) as batches:
            async for payloads in batches:
                for payload in payloads:
                    if payload.startswith(b"[DONE]"):
                        continue
                    event = decoder.decode(payload)
                    kind = event.type
                    if kind in _TEXT:
                        response.spoke()
                        if text := decoder.text(event.delta):
                            if speaking and event.item_id and event.item_id != speaking:
                                text = "\n\n" + text  # two messages are two paragraphs
                            speaking = event.item_id or speaking
                            yield StreamToken(text)
                    elif kind.startswith("response.function_call_arguments."):
                        response.spoke()
                    elif kind.startswith("response.reasoning"):  # never spoken, a sign of life
                        response.alive()
                    elif kind == "response.output_item.done":
                        if event.item is not None and event.item.type == "function_call":
                            response.spoke()
                            calls.append(_call(event.item, len(calls)))
                    elif kind in ("response.failed", "error"):
                        raise _reported(event)
                    elif kind in ("response.completed", "response.incomplete"):
                        end = _end(event)
                if end is not None:
                    break
            if end is None:
                logger.warning("the model's stream ended without an end")
                raise ModelError("The connection to the model broke.", retryable=True)
            if end.cut == "content_filter" and not speaking:
                raise ModelError("The model declined to answer.")
            for call in calls:
                yield call
            yield end
            await response.drain()


def _call(item: _Item, number: int) -> FunctionCall:
    return FunctionCall(item.call_id or f"call_{number}", item.name or "", item.arguments or "")


def _end(event: _Event) -> ModelEnd:
    response = event.response or _Response()
    counted = response.usage
    usage = Usage(counted.input_tokens, counted.output_tokens) if counted else None
    if event.type == "response.completed":
        return ModelEnd(usage)
    details = response.incomplete_details
    reason = (details and details.reason) or "incomplete"
    return ModelEnd(usage, "length" if reason == "max_output_tokens" else reason)


def _reported(event: _Event) -> ModelError:
    """An error as an event, after HTTP 200: the SDK does not raise it either."""
    error = event.error or (event.response and event.response.error)
    code = event.code or (error and error.code)
    logger.warning("the model reported an error in its stream: {}", code)
    if code == "rate_limit_exceeded":
        return ModelError("The model is busy.", code="agent_rate_limited", retryable=True)
    return ModelError("The model failed while it answered.", retryable=True)


def _items(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages in chat shape as input items: there a tool call is a part of a message, here it stands alone."""
    items: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            items.append(
                {
                    "type": "function_call_output",
                    "call_id": message.get("tool_call_id", ""),
                    "output": message["content"],
                }
            )
            continue
        if message["content"]:
            items.append({"type": "message", "role": message["role"], "content": message["content"]})
        for call in message.get("tool_calls", []):
            function = cast(dict[str, Any], call["function"])
            items.append({"type": "function_call", "call_id": call["id"], **function})
    return items
