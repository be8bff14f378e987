"""What an HTTP request says: its correlation id, and a body of bounded size."""

from __future__ import annotations

import asyncio
import re
from typing import TypeVar
from uuid import uuid4

import msgspec
from starlette.requests import HTTPConnection, Request

from gateway.errors import GatewayError

__all__ = ["correlation_id_of", "read_json", "takes_event_stream"]

T = TypeVar("T")

BODY_TIMEOUT_S = 10.0
_REQUEST_ID = re.compile(r"[!-~]{1,64}")
_QUALITY = re.compile(r"[01](\.\d{0,3})?", re.ASCII)
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def correlation_id_of(connection: HTTPConnection) -> str:
    """`X-Request-ID`, else the trace id of `traceparent`, else a new one; what is no such id is not taken over."""
    given = connection.headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(given):
        return given
    trace = _TRACEPARENT.fullmatch(connection.headers.get("traceparent", ""))
    return trace[1] if trace else uuid4().hex


def takes_event_stream(request: Request) -> bool:
    """Whether `Accept` names `text/event-stream`, and not only to rule it out (`q=0`)."""
    for wish in ",".join(request.headers.getlist("accept")).lower().split(","):
        type_, *parameters = (part.strip() for part in wish.split(";"))
        if type_ == "text/event-stream":
            qualities = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
            return all(_QUALITY.fullmatch(quality) and float(quality) > 0 for quality in qualities)
    return False


async def read_json(request: Request, type_: type[T], *, max_bytes: int) -> T:
    """The body as a `type_`. Raises GatewayError: `bad_request`, which names the field, or `request_too_large`.

    Also starlette's ClientDisconnect.
    """
    body = await _read(request, max_bytes)
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise GatewayError(f"{_sentence(str(error))}", code="bad_request") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise GatewayError("The body is not JSON in UTF-8.", code="bad_request") from None


async def _read(request: Request, max_bytes: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for piece in request.stream():
                body += piece
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError:
        raise GatewayError("The body did not come in time.", code="bad_request") from None
    return bytes(body)


def _too_large(max_bytes: int) -> GatewayError:
    return GatewayError(f"The body is larger than {max_bytes} bytes.", code="request_too_large")


def _sentence(text: str) -> str:
    # msgspec says "Expected `str`, got `int` - at `$.message`".
    return text.replace("`$.", "`").replace("Object ", "The body ", 1)[:200].rstrip(".") + "."
