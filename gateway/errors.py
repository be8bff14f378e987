"""Errors that only the edge knows: bad frames, and refusals of a connection or a turn."""

from __future__ import annotations

from pipeline.errors import PipelineError

__all__ = ["GatewayError", "SettingsError", "StorageError"]


class GatewayError(PipelineError):
    """The gateway will not do this for this client, or not now."""

    codes = frozenset({"unauthorized", "forbidden", "bad_subprotocol", "full", "shutting_down", "turn_lost"})


class StorageError(PipelineError):
    """What was asked of the store did not become durable."""

    codes = frozenset({"storage_error"})

    def __init__(self, message: str, *, code: str = "storage_error", retryable: bool = True) -> None:
        super().__init__(message, code=code, retryable=retryable)


class SettingsError(ValueError):
    """A setting is unusable; the text is one line that names it and what was expected."""
