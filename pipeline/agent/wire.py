"""What a model is asked and what it answers, whichever of the two wires (chat, responses) carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from pipeline.agent.service import Message
from pipeline.events import Cut, StreamToken, Usage

__all__ = ["FunctionCall", "ModelEnd", "ModelEvent", "Output", "OutputItem", "Prompt", "ResponseDecoder", "Wire"]


class Prompt(msgspec.Struct, frozen=True):
    """Everything one response is made from. `tools` are function schemas (`tool_schema.py`).

    `outputs`: what some of the `messages` were made from, by their place: it is sent instead, where it came from.
    """

    instructions: str
    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] = ()
    may_call_tools: bool = True
    outputs: Mapping[int, Output] = {}


class FunctionCall(msgspec.Struct, frozen=True):
    """The model wants a tool to be run; `arguments` is JSON as the model wrote it, right or wrong.

    The id is "" when the server gave none.
    """

    tool_call_id: str
    name: str
    arguments: str


OutputItem: TypeAlias = str | FunctionCall | Mapping[str, Any]
"""Text, a call, or a sealed thought as the server wrote it."""


class Output(msgspec.Struct, frozen=True):
    """What a model put out in one response, in its order: to be given back, to the server that it came from."""

    items: tuple[OutputItem, ...]
    wire: object
    """The `Wire` that it came over: each server has its own."""


class ModelEnd(msgspec.Struct, frozen=True):
    """The response is complete. `cut` says why it is shorter than the model wanted."""

    usage: Usage | None = None
    cut: Cut | None = None
    output: Output | None = None


ModelEvent: TypeAlias = StreamToken | FunctionCall | ModelEnd


class ResponseDecoder(Protocol):
    """Reads one response: payloads in, events out, no I/O.

    What the payloads so far were worth: `alive`, the model works (thoughts too); `spoke`, there were words
    or a call; `done`, the last payload was read.
    """

    alive: bool
    spoke: bool
    done: bool

    def feed(self, payload: bytes) -> StreamToken | None:
        """The text that is to be said now; raises ModelError for what is no response."""
        ...

    def finish(self) -> list[FunctionCall | ModelEnd]:
        """The calls, then ModelEnd; raises ModelError when the stream ended before the response did."""
        ...


class Wire(Protocol):
    """A codec for one of the provider's APIs; one object for each server."""

    path: str

    def body(self, model: str, prompt: Prompt) -> dict[str, object]:
        """The request."""
        ...

    def decoder(self) -> ResponseDecoder:
        """For one response."""
        ...
