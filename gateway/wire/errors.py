"""FrameError: what a client sent is not a frame of its protocol."""

from __future__ import annotations

from pipeline.errors import PipelineError

__all__ = ["FrameError"]


class FrameError(PipelineError):
    """The text names the field and what was expected; the connection goes on."""

    codes = frozenset({"malformed_frame", "unknown_frame", "frame_too_large"})

    def __init__(self, message: str, *, code: str = "malformed_frame", retryable: bool = False) -> None:
        super().__init__(message, code=code, retryable=retryable)
