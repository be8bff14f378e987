"""Errors that only the edge knows: refusals of a request, a connection or a turn, and storage that fails."""

from __future__ import annotations

from pipeline.errors import PipelineError

__all__ = ["GatewayError", "SettingsError", "StorageError"]


class GatewayError(PipelineError):
    """The gateway will not do this for this client, or not now."""

    codes = frozenset(
        {
            "bad_request",
            "bad_subprotocol",
            "conversation_not_found",
            "forbidden",
            "full",
            "method_not_allowed",
            "not_found",
            "request_too_large",
            "shutting_down",
            "turn_lost",
            "unauthorized",
        }
    )


class StorageError(PipelineError):
    """A conversation could not be read or written; nothing of the operation was done."""

    codes = frozenset({"storage_error"})

    def __init__(self, message: str, *, code: str = "storage_error", retryable: bool = True) -> None:
        super().__init__(message, code=code, retryable=retryable)


class SettingsError(ValueError):
    """A setting is unusable; the text is one line that names it and what was expected."""
