"""What a model is asked and what it answers, whichever of the two wires (chat, responses) carries it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from pipeline.agent.model_stream import ModelStream
from pipeline.agent.service import Message
from pipeline.events import StreamToken, Usage

__all__ = ["FunctionCall", "ModelEnd", "ModelEvent", "Prompt", "Wire"]


class Prompt(msgspec.Struct, frozen=True):
    """Everything one response is made from. `tools` are function schemas (`tool_schema.py`)."""

    instructions: str
    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] = ()
    may_call_tools: bool = True


class FunctionCall(msgspec.Struct, frozen=True):
    """The model wants a tool to be run; `arguments` is JSON as the model wrote it, right or wrong."""

    tool_call_id: str
    name: str
    arguments: str


class ModelEnd(msgspec.Struct, frozen=True):
    """The response is complete. `cut` says why it is shorter than the model wanted ("length", ...)."""

    usage: Usage | None = None
    cut: str = ""


ModelEvent: TypeAlias = StreamToken | FunctionCall | ModelEnd


class Wire(Protocol):
    """A codec for one of the provider's APIs."""

    path: str

    def body(self, model: str, prompt: Prompt) -> dict[str, object]:
        """The request."""
        ...

    def read(self, response: ModelStream) -> AsyncGenerator[ModelEvent, None]:
        """Text as it comes, then the calls, then ModelEnd as the last event; raises ModelError."""
        ...
