"""The HTTP side: health, errors in the protocol's own shape, and what every other endpoint has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from loguru import logger
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.error_table import HTTP_STATUS, http_status
from gateway.errors import GatewayError
from gateway.requests import correlation_id_of
from gateway.security import authenticate
from pipeline.agent.service import correlation_id
from pipeline.errors import PipelineError
from pipeline.events import Error
from pipeline.message_processor import log_failure

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = [
    "INTERNAL",
    "PRIVATE",
    "Handler",
    "error_response",
    "fail",
    "failure_response",
    "http_routes",
    "refuse",
    "user_route",
]

PRIVATE = {"Cache-Control": "no-store"}

INTERNAL: Final = "Something went wrong inside the gateway."
"""What a client is told of a fault of ours."""

_REFUSALS: Final = {
    404: ("not_found", "There is no such path."),
    405: ("method_not_allowed", "This path does not take this method."),
}

Handler: TypeAlias = Callable[["Gateway", str, Request], Awaitable[Response]]
"""Answers a request of this user. `pipeline.agent.service.correlation_id` is set; a PipelineError is an answer."""


def error_response(error: PipelineError, correlation_id: str) -> Response:
    """The error as JSON, `{"event": "error", "type", "error", "correlation_id", "retryable"}`."""
    return failure_response(Error(error.code, str(error), correlation_id, error.retryable))


def failure_response(event: Error) -> Response:
    """The same, for the error that ended a turn."""
    return Response(
        msgspec.json.encode(event),
        status_code=HTTP_STATUS.get(event.type, 500),
        media_type="application/json",
        headers={"X-Correlation-ID": event.correlation_id},
    )


def user_route(gateway: Gateway, path: str, method: str, handler: Handler) -> Route:
    """A route for users that may come in: errors in the protocol's shape, `X-Correlation-ID` on every answer."""

    async def endpoint(request: Request) -> Response:
        id_ = correlation_id_of(request)
        correlation_id.set(id_)  # of this request's task, and of those that it starts
        try:
            response = await handler(gateway, authenticate(request, gateway.settings), request)
        except PipelineError as error:
            logger.info("request refused: {} correlation_id={}", error.code, id_)
            return error_response(error, id_)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:
            return _fault(error, id_)
        response.headers["X-Correlation-ID"] = id_
        return response

    return Route(path, endpoint, methods=[method])


def _fault(error: Exception, correlation_id: str) -> Response:
    log_failure("a request failed", error, correlation_id=correlation_id)
    return error_response(PipelineError(INTERNAL), correlation_id)


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to what no route takes."""
    assert isinstance(error, HTTPException)
    code, text = _REFUSALS.get(error.status_code, ("bad_request", "The request is not understood."))
    response = error_response(GatewayError(text, code=code), correlation_id_of(request))
    response.headers.update(error.headers or {})
    return response


async def fail(request: Request, error: Exception) -> Response:
    """The answer where a fault of ours got through."""
    return _fault(error, correlation_id_of(request))


def http_routes(gateway: Gateway) -> list[Route]:
    """`/healthz`: the process answers. `/readyz`: it takes new turns, else 503."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        try:
            gateway.require_running()
        except GatewayError as error:
            return PlainTextResponse(f"{error}\n", status_code=http_status(error))
        return PlainTextResponse("ready\n")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
