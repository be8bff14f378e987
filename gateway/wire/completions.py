"""OpenAI's chat completions as a server speaks them: body in -> messages, text out -> JSON and SSE. No I/O.

Fields of the API that mean nothing here are ignored, so that every client can send what it always sends.
"""

from __future__ import annotations

import time
from typing import Annotated, Final, Literal
from uuid import uuid4

import msgspec

from pipeline.events import Cut, Usage

__all__ = ["DONE", "MAX_MESSAGES", "ChatMessage", "Completion", "CompletionRequest"]

DONE = b"data: [DONE]\n\n"

MAX_MESSAGES: Final = 2048
"""More in one request are refused: the time that they take would be missing everybody else."""


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    refusal: str | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct, frozen=True):
    id: str
    function: _Function
    type: Literal["function"] = "function"


class _RequestMessage(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class ChatMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message with its content as one text."""

    role: str
    content: str
    tool_calls: list[_ToolCall] = []
    tool_call_id: str | None = None


class CompletionRequest(msgspec.Struct, frozen=True):
    """The body of `POST /v1/chat/completions`. `speech` is ours: deltas are whole speakable chunks."""

    messages: Annotated[list[_RequestMessage], msgspec.Meta(max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    speech: bool | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def texts(self) -> list[ChatMessage]:
        """The messages. Raises ValueError, which names the field, for what no agent here could honour."""
        if not self.messages:
            raise ValueError("messages: expected at least one message.")
        if self.n not in (None, 1):
            raise ValueError("n: only one answer can be given.")
        return [
            ChatMessage(
                "system" if message.role == "developer" else message.role,
                _text(message.content, number),
                message.tool_calls or [],
                message.tool_call_id,
            )
            for number, message in enumerate(self.messages)
        ]


def _text(content: str | list[_Part] | None, number: int) -> str:
    if not isinstance(content, list):
        return content or ""
    for part in content:
        if part.type not in ("text", "refusal"):
            raise ValueError(f"messages[{number}].content: only text can be answered, got {part.type[:40]}.")
    return "".join(part.text or part.refusal or "" for part in content)


class Completion:
    """One answer on the wire. `usage_in_chunks`: the client wants it, so every chunk has the field."""

    def __init__(self, model: str, *, usage_in_chunks: bool = False) -> None:
        self._head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": model}
        self._tail = {"usage": None} if usage_in_chunks else {}

    def role(self) -> bytes:
        """The first chunk."""
        return self._chunk({"role": "assistant", "content": ""})

    def delta(self, text: str) -> bytes:
        """A chunk with text."""
        return self._chunk({"content": text})

    def finish(self, cut: Cut | msgspec.UnsetType) -> bytes:
        """The last chunk of the answer."""
        return self._chunk({}, cut or "stop")

    def usage(self, usage: Usage) -> bytes:
        """The chunk after it."""
        return _frame({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(usage)})

    def whole(self, text: str, usage: Usage | msgspec.UnsetType, cut: Cut | msgspec.UnsetType) -> bytes:
        """The answer as one JSON object."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": cut or "stop",
        }
        body: dict[str, object] = {**self._head, "object": "chat.completion", "choices": [choice]}
        if usage is not msgspec.UNSET:
            body["usage"] = _usage(usage)
        return msgspec.json.encode(body)

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _frame({**self._head, "object": "chat.completion.chunk", "choices": [choice], **self._tail})


def _frame(body: object) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
