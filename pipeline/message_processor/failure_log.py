"""How a failure is logged: what and where, but not in whose words."""

from __future__ import annotations

import traceback

from loguru import logger

__all__ = ["log_failure"]


def log_failure(what: str, error: BaseException, *, correlation_id: str) -> None:
    """One line at ERROR with the error's type and place; its text, which may quote what a user said, at DEBUG."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    logger.error("{}: {} at {} correlation_id={}", what, type(error).__name__, where, correlation_id)
    logger.opt(exception=error).debug("{} correlation_id={}", what, correlation_id)
