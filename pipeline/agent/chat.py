"""The chat completions wire, which every OpenAI-compatible server speaks."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pipeline.agent.model_errors import broken_off, declined, reported
from pipeline.agent.payload import PayloadDecoder, mended
from pipeline.agent.wire import FunctionCall, ModelEnd, Prompt, ResponseDecoder
from pipeline.events import Cut, StreamToken, Usage

__all__ = ["ChatWire"]


_CUTS: Final[dict[str, Cut]] = {"length": "length", "content_filter": "content_filter"}


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None  # never spoken, but a sign of life; its name depends on the server
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct, gc=False):
    index: int | None = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


class ChatWire:
    """POST /chat/completions with `stream`."""

    path = "/chat/completions"

    def body(self, model: str, prompt: Prompt) -> dict[str, object]:
        system = [{"role": "system", "content": prompt.instructions}] if prompt.instructions else []
        body: dict[str, object] = {
            "model": model,
            "messages": [*system, *prompt.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if prompt.tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in prompt.tools]
            body["tool_choice"] = "auto" if prompt.may_call_tools else "none"
        return body

    def decoder(self) -> ResponseDecoder:
        return _ChatDecoder()


class _ChatDecoder:
    def __init__(self) -> None:
        self.alive = self.spoke = self.done = False
        self._payloads = PayloadDecoder(_Chunk)
        self._calls = _Calls()
        self._usage: Usage | None = None
        self._finish = ""

    def feed(self, payload: bytes) -> StreamToken | None:
        if payload[:6] == b"[DONE]":
            self.done = True
            return None
        chunk = self._payloads.decode(payload)
        if chunk.error:
            raise reported(chunk.error, payload)
        if chunk.usage is not None:
            self._usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        text = ""
        for choice in chunk.choices or ():
            if choice.index:  # several answers were not asked for; the first is spoken
                continue
            self._finish = choice.finish_reason or self._finish
            delta = choice.delta
            if delta is None:
                continue
            if words := delta.content or delta.refusal:
                self.alive = self.spoke = True
                text += self._payloads.text(words)
            if delta.tool_calls:
                self.alive = self.spoke = True
                self._calls.add(delta.tool_calls)
            elif delta.reasoning_content or delta.reasoning:
                self.alive = True
        return StreamToken(text) if text else None

    def finish(self) -> list[FunctionCall | ModelEnd]:
        if not (self.done or self._finish):
            raise broken_off()
        if self._finish == "content_filter" and not self.spoke:
            raise declined()
        return [*self._calls.complete(), ModelEnd(self._usage, _CUTS.get(self._finish))]


class _CallParts(msgspec.Struct):
    index: int | None
    id: str
    name: str = ""
    arguments: list[str] = []


class _Calls:
    """Puts tool calls together from their pieces.

    A piece belongs to the call with its index; but some servers send whole calls, all with index 0 or
    none, so a new id under a known index begins a new call.
    """

    def __init__(self) -> None:
        self._calls: list[_CallParts] = []

    def add(self, pieces: list[_ToolCall]) -> None:
        for piece in pieces:
            call = self._find(piece)
            if piece.function is not None:
                call.name += piece.function.name or ""
                call.arguments.append(piece.function.arguments or "")

    def _find(self, piece: _ToolCall) -> _CallParts:
        for call in reversed(self._calls):
            if call.index == piece.index:
                if piece.id in (None, "", call.id):
                    return call
                break
        call = _CallParts(piece.index, piece.id or "")
        self._calls.append(call)
        return call

    def complete(self) -> list[FunctionCall]:
        return [
            FunctionCall(mended(call.id), mended(call.name), mended("".join(call.arguments))) for call in self._calls
        ]
