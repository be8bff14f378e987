"""Which HTTP status an error code has, and which close code a connection ends with. One table."""

from __future__ import annotations

from enum import IntEnum

from pipeline.errors import PipelineError

__all__ = ["HTTP_STATUS", "CloseCode", "http_status"]


class CloseCode(IntEnum):
    """WebSocket close codes, as the protocol uses them."""

    DONE = 1000
    POLICY = 1008
    TOO_LARGE = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013


HTTP_STATUS = {
    "malformed_frame": 400,
    "unknown_frame": 400,
    "bad_request": 400,
    "bad_subprotocol": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "conversation_not_found": 404,
    "turn_not_found": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "turn_in_progress": 409,
    "frame_too_large": 413,
    "request_too_large": 413,
    "internal_error": 500,
    "storage_error": 500,
    "turn_lost": 500,
    "agent_error": 502,
    "agent_rate_limited": 502,
    "tool_submission_failed": 502,
    "full": 503,
    "shutting_down": 503,
    "agent_timeout": 504,
}


def http_status(error: PipelineError) -> int:
    """The status of an HTTP response, or of a refused WebSocket handshake, for this error."""
    return HTTP_STATUS.get(error.code, 500)
