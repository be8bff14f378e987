"""What can go wrong with a model, as our own error: the provider's words go to the log, never any further."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import openai
from loguru import logger

from pipeline.agent.service import correlation_id
from pipeline.agent.sse import EventTooLongError
from pipeline.errors import AgentError

__all__ = ["ModelError", "broken_off", "declined", "reported", "translate", "warn"]


_OPTIONAL: Final = {"stream_options": "stream_options", "encrypted": "thoughts", "'rs_": "thoughts"}
"""What an error names, and what of the request is then refused that can be done without."""


class ModelError(AgentError):
    """An AgentError that also says what a retry policy needs to know.

    `without`: the optional part of the request that was refused, "" for other failures.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "agent_error",
        retryable: bool = False,
        retry_after_s: float | None = None,
        without: str = "",
    ) -> None:
        super().__init__(message, code=code, retryable=retryable)
        self.retry_after_s = retry_after_s
        self.without = without


def broken_off() -> ModelError:
    """The stream ended before the response did."""
    warn("the model's stream ended without an end")
    return ModelError("The connection to the model broke.", retryable=True)


def declined() -> ModelError:
    """A filter let nothing through."""
    return ModelError("The model declined to answer.")


def reported(error: object, payload: bytes) -> ModelError:
    """An error inside the stream, after HTTP 200, where the SDK raises none either."""
    code = error.get("code") if isinstance(error, Mapping) else None
    warn("the model reported an error in its stream: {}", str(code)[:80])
    logger.debug("its error: {}, correlation_id={}", payload.decode("utf-8", "replace"), correlation_id.get())
    if code in ("rate_limit_exceeded", 429):
        return ModelError("The model is busy.", code="agent_rate_limited", retryable=True)
    return ModelError("The model failed while it answered.", retryable=True)


def warn(text: str, *values: object) -> None:
    """A warning in the log, with the turn's correlation id."""
    logger.opt(depth=1).warning(text + ", correlation_id={}", *values, correlation_id.get())


def translate(error: Exception) -> ModelError:
    """A foreign error as ours: what happened goes to the log, a sentence without it to the caller."""
    match error:
        case ModelError():
            return error
        case TimeoutError():
            warn("the model was silent for too long")
            return ModelError("The model did not answer in time.", code="agent_timeout", retryable=True)
        case openai.APIStatusError(status_code=status):
            return _status_error(error, status)
        case openai.APIConnectionError():  # also the SDK's APITimeoutError: it calls a refused connection so
            warn("no connection to the model: {}", _kinds(error))
            return ModelError("The model cannot be reached.", retryable=True)
        case EventTooLongError():
            warn("the model sent {}", error)
            return ModelError("The model sent an answer that cannot be read.")
        case _:
            warn("the connection to the model broke: {}", _kinds(error))
            return ModelError("The connection to the model broke.", retryable=True)


def _kinds(error: BaseException) -> str:
    """The types of an error and its causes. Not their texts: those may hold the request, with its key."""
    kinds: dict[str, None] = {}
    cause: BaseException | None = error
    while cause is not None:
        kinds[type(cause).__name__] = None
        cause = cause.__cause__ or cause.__context__
    return " from ".join(kinds)


def _status_error(error: openai.APIStatusError, status: int) -> ModelError:
    warn("the model refused a request: HTTP {} {}, request {}", status, error.code, error.request_id)
    logger.debug("its answer: {}, correlation_id={}", error.body, correlation_id.get())
    if status == 429:
        return ModelError(
            "The model is busy.",
            code="agent_rate_limited",
            retryable=error.code != "insufficient_quota",
            retry_after_s=_retry_after_s(error.response.headers),
        )
    if status in (408, 504):
        return ModelError("The model did not answer in time.", code="agent_timeout", retryable=True)
    without = _refused_part(error) if status in (400, 404, 422) else ""
    return ModelError("The model refused the request.", retryable=status == 409 or status >= 500, without=without)


def _refused_part(error: openai.APIStatusError) -> str:
    told = _told(error.body)
    return next((part for name, part in _OPTIONAL.items() if name in told), "")


def _told(body: object) -> str:
    """What an error says itself, without the request that some servers repeat in it."""
    if not isinstance(body, Mapping):
        return str(body)
    detail = body.get("detail")
    if isinstance(detail, list):  # as FastAPI writes it
        detail = [entry.get("loc") for entry in detail if isinstance(entry, Mapping)]
    return f"{body.get('code')} {body.get('param')} {body.get('message')} {detail}"


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit_s)
        except (KeyError, ValueError):  # absent, or a date: too far away for a voice turn in any case
            continue
    return None
