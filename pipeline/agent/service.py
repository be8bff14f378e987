"""AgentService: what every agent meets, and all that the rest of the project knows of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from typing import Literal, NotRequired, Protocol, TypedDict

from pipeline.events import AgentEvent

__all__ = ["AgentService", "Message", "correlation_id"]

# Set by whoever drives an agent, in the task that does; agents put it into their logs and tool errors.
correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


class Message(TypedDict):
    """One message of a conversation, in the shape that OpenAI-compatible servers take."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: NotRequired[list[dict[str, object]]]
    tool_call_id: NotRequired[str]


class AgentService(Protocol):
    """Something that answers a conversation."""

    def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        """Answer the last message, as events, token by token.

        The caller closes the generator (`aclose`) on every path; closing it stops the answer and frees
        what it holds, such as an HTTP stream. Raises `AgentError`; anything else counts as `agent_error`.
        """
        ...
