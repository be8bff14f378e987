"""The HTTP side: health, and errors in the protocol's own shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.error_table import http_status
from gateway.errors import GatewayError
from pipeline.errors import PipelineError
from pipeline.events import Error

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["error_response", "http_routes"]


def error_response(error: PipelineError, correlation_id: str) -> Response:
    """The error as JSON, `{"event": "error", "type", "error", "correlation_id", "retryable"}`."""
    body = Error(type=error.code, error=str(error), correlation_id=correlation_id, retryable=error.retryable)
    return Response(
        msgspec.json.encode(body),
        status_code=http_status(error),
        media_type="application/json",
        headers={"X-Correlation-ID": correlation_id},
    )


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
