"""RunConfig: all that a Run can be told, with defaults that suit a voice turn."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from pipeline.agent.instructions import SPEECH_INSTRUCTIONS
from pipeline.agent.model_stream import ModelTimeouts

__all__ = ["Fallback", "RunConfig", "load_tools"]


class Fallback(msgspec.Struct, frozen=True):
    """A provider to ask when those before it fail."""

    base_url: str
    model: str
    api_key: str | None = None


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`model` is the server's name for it; `tools` as in `tools.TOOL_MAP`; `filler` "" or `filler_after_s` 0: off."""

    model: str
    api: Literal["chat", "responses"] = "chat"
    instructions: str = SPEECH_INSTRUCTIONS
    author: str = "assistant"
    timeouts: ModelTimeouts = ModelTimeouts()
    fallbacks: tuple[Fallback, ...] = ()
    tools: Mapping[str, Callable[..., Any]] = {}
    tool_timeout_s: float = 10.0
    max_parallel_tools: int = 8
    max_tool_rounds: int = 8
    filler: str = ""
    filler_after_s: float = 0.7


def load_tools(module_name: str) -> Mapping[str, Callable[..., Any]]:
    """The TOOL_MAP of a module ("package.module"). Raises ValueError with one line that says what is wrong."""
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(f"tools: {module_name} cannot be imported: {type(error).__name__}: {error}") from error
    tools = getattr(module, "TOOL_MAP", None)
    if not isinstance(tools, Mapping) or not all(map(callable, tools.values())):
        raise ValueError(f"tools: {module_name} has no TOOL_MAP of names and functions")
    return tools
