"""The responses wire: OpenAI's own API, used without any state on the server (`store` is false)."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from pipeline.agent.model_errors import broken_off, declined, reported
from pipeline.agent.payload import PayloadDecoder, mended
from pipeline.agent.service import Message
from pipeline.agent.wire import FunctionCall, ModelEnd, Output, OutputItem, Prompt, ResponseDecoder
from pipeline.events import StreamToken, Usage

__all__ = ["ResponsesWire"]

_TEXT = ("response.output_text.delta", "response.refusal.delta")


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    id: Any = None
    summary: Any = None
    encrypted_content: Any = None

    @property
    def is_sealed(self) -> bool:
        return isinstance(self.encrypted_content, str) and self.encrypted_content != ""


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int = 0
    output_tokens: int = 0


class _Details(msgspec.Struct, gc=False):
    reason: str | None = None


class _Response(msgspec.Struct, gc=False):
    usage: _Usage | None = None
    error: Any = None
    incomplete_details: _Details | None = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    delta: str | None = None
    item_id: str | None = None
    item: _Item | None = None
    response: _Response | None = None
    code: Any = None
    error: Any = None


class ResponsesWire:
    """POST /responses with `stream`."""

    path = "/responses"

    def body(self, model: str, prompt: Prompt) -> dict[str, object]:
        body: dict[str, object] = {
            "model": model,
            "input": self._items(prompt),
            "store": False,
            "stream": True,
        }
        if prompt.instructions:
            body["instructions"] = prompt.instructions
        if prompt.tools:
            body["tools"] = [{"type": "function", "strict": False, **tool} for tool in prompt.tools]
            body["tool_choice"] = "auto" if prompt.may_call_tools else "none"
        return body

    def decoder(self) -> ResponseDecoder:
        return _ResponsesDecoder(self)

    def _items(self, prompt: Prompt) -> list[dict[str, Any]]:
        """Messages in chat shape as input items: there a tool call is a part of a message, here it stands alone."""
        items: list[dict[str, Any]] = []
        for number, message in enumerate(prompt.messages):
            if message["role"] == "tool":
                items.append(
                    {
                        "type": "function_call_output",
                        "call_id": message.get("tool_call_id", ""),
                        "output": message["content"],
                    }
                )
                continue
            output = prompt.outputs.get(number)
            own = output.items if output is not None and output.wire is self else _output(message)
            items += [_input(message["role"], item) for item in own]
        return items


def _output(message: Message) -> list[OutputItem]:
    """What a model puts out to say this."""
    output: list[OutputItem] = [message["content"]] if message["content"] else []
    for call in message.get("tool_calls", []):
        function = cast(dict[str, str], call["function"])
        output.append(FunctionCall(cast(str, call["id"]), function["name"], function["arguments"]))
    return output


def _input(role: str, item: OutputItem) -> dict[str, Any]:
    match item:
        case str():
            return {"type": "message", "role": role, "content": item}
        case FunctionCall(call_id, name, arguments):
            return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
        case _:
            return dict(item)


class _ResponsesDecoder:
    def __init__(self, wire: ResponsesWire) -> None:
        self._wire = wire
        self._output: list[list[str] | FunctionCall | dict[str, Any]] = []
        self._said: list[str] | None = None  # the pieces of the last item, if that is text
        self.alive = self.spoke = self.done = False
        self._payloads = PayloadDecoder(_Event)
        self._end: ModelEnd | None = None
        self._speaking = ""  # the id of the output item whose text is being said

    def feed(self, payload: bytes) -> StreamToken | None:
        if payload[:6] == b"[DONE]":
            return None
        event = self._payloads.decode(payload)
        kind = event.type
        if kind in _TEXT:
            self.alive = self.spoke = True
            if text := self._payloads.text(event.delta):
                is_next = self._speaking and event.item_id and event.item_id != self._speaking
                self._speaking = event.item_id or self._speaking
                if is_next or self._said is None:
                    self._said = []
                    self._output.append(self._said)
                self._said.append(text)
                return StreamToken("\n\n" + text if is_next else text)  # two messages are two paragraphs
        elif kind.startswith("response.function_call_arguments."):
            self.alive = self.spoke = True
        elif kind.startswith("response.reasoning"):  # never spoken, a sign of life
            self.alive = True
        elif kind == "response.output_item.done":
            if event.item is not None and event.item.type == "function_call":
                self.alive = self.spoke = True
                self._said = None
                self._output.append(_call(event.item))
            elif event.item is not None and event.item.is_sealed:
                self._said = None
                self._output.append(_thought(event.item))
        elif kind in ("response.failed", "error") or event.error:
            raise reported(_error(event), payload)
        elif kind in ("response.completed", "response.incomplete"):
            self._end = _end(event)
            self.done = True
        return None

    def finish(self) -> list[FunctionCall | ModelEnd]:
        if self._end is None:
            raise broken_off()
        if self._end.cut == "content_filter" and not self.spoke:
            raise declined()
        items: list[OutputItem] = ["".join(item) if isinstance(item, list) else item for item in self._output]
        while items and isinstance(items[-1], dict):  # a thought that nothing follows is refused
            items.pop()
        calls = [item for item in items if isinstance(item, FunctionCall)]
        return [*calls, msgspec.structs.replace(self._end, output=Output(tuple(items), self._wire))]


def _thought(item: _Item) -> dict[str, Any]:
    """Without it being kept on the server, a thought is what is sealed in `encrypted_content`."""
    return {
        "type": item.type,
        "id": item.id,
        "summary": item.summary or [],
        "encrypted_content": item.encrypted_content,
    }


def _call(item: _Item) -> FunctionCall:
    return FunctionCall(mended(item.call_id or ""), mended(item.name or ""), mended(item.arguments or ""))


def _end(event: _Event) -> ModelEnd:
    response = event.response or _Response()
    counted = response.usage
    usage = Usage(counted.input_tokens, counted.output_tokens) if counted else None
    if event.type == "response.completed":
        return ModelEnd(usage)
    details = response.incomplete_details
    return ModelEnd(usage, "content_filter" if details and details.reason == "content_filter" else "length")


def _error(event: _Event) -> object:
    """Servers put it in one of three places."""
    return event.error or (event.response and event.response.error) or {"code": event.code}

