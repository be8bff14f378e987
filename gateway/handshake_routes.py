"""`POST /ws`: why a WebSocket is refused, for pages, which a browser does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.errors import GatewayError
from gateway.http_routes import error_response
from gateway.requests import correlation_id_of
from gateway.security import authenticate

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["handshake_routes"]

# For any page: whether it gets in, it learns from the handshake as well.
_FOR_ANY_PAGE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization",
    "Cache-Control": "no-store",
}


def handshake_routes(gateway: Gateway) -> list[Route]:
    """204 when a handshake with this origin and key would be taken now, else the error it would be refused with."""

    async def why(request: Request) -> Response:
        response = Response(status_code=204)
        if request.method == "POST":  # else a browser only asks whether it may
            try:
                gateway.require_room(authenticate(request, gateway.settings))
            except GatewayError as refusal:
                response = error_response(refusal, correlation_id_of(request))
        response.headers.update(_FOR_ANY_PAGE)
        return response

    return [Route("/ws", why, methods=["POST", "OPTIONS"])]
