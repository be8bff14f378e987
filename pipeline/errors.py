"""Every error the pipeline raises on purpose; each carries the code that goes on the wire.

The sentence in `str(error)` is for people and is safe to send to a client: text of foreign exceptions
(a provider's, a tool's) goes to the log, never in here.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AgentError",
    "InvalidTransitionError",
    "PipelineError",
    "ToolError",
    "TurnError",
]


class PipelineError(Exception):
    """A coded error. `code` is the wire's `error.type`; `retryable` says whether trying again may help."""

    codes: ClassVar[frozenset[str]] = frozenset({"internal_error"})

    def __init__(self, message: str, *, code: str = "internal_error", retryable: bool = False) -> None:
        if code not in self.codes:
            raise ValueError(f"{type(self).__name__} has no code {code!r}")
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class TurnError(PipelineError):
    """A command that does not fit the turns there are: the client's fault."""

    codes = frozenset({"turn_not_found", "turn_in_progress"})

    def __init__(self, message: str, *, code: str = "turn_not_found", retryable: bool = False) -> None:
        super().__init__(message, code=code, retryable=retryable)


class AgentError(PipelineError):
    """The agent, or the model behind it, failed; ends the turn, never the connection."""

    codes = frozenset({"agent_error", "agent_timeout", "agent_rate_limited", "tool_submission_failed"})

    def __init__(self, message: str, *, code: str = "agent_error", retryable: bool = False) -> None:
        super().__init__(message, code=code, retryable=retryable)


class ToolError(PipelineError):
    """A tool could not be called or failed; becomes the tool's output, never leaves the tool executor."""

    codes = frozenset({"unknown_tool", "invalid_tool_arguments", "tool_failed", "tool_timeout"})

    def __init__(self, message: str, *, code: str = "tool_failed", retryable: bool = False) -> None:
        super().__init__(message, code=code, retryable=retryable)


class InvalidTransitionError(PipelineError):
    """A turn was moved along an edge that its state table does not have: a bug of ours."""
