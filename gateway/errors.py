"""Errors that only the edge knows: bad frames, and refusals of a connection or a turn."""

from __future__ import annotations

from pipeline.errors import PipelineError

__all__ = ["GatewayError", "SettingsError"]


class GatewayError(PipelineError):
    """The gateway will not do this for this client, or not now."""

    codes = frozenset({"unauthorized", "forbidden", "bad_subprotocol", "full", "shutting_down"})


class SettingsError(ValueError):
    """A setting is unusable; the text is one line that names it and what was expected."""
