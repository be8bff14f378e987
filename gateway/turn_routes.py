"""The HTTP side of the turn timeline: `/turns`, for their owner alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.conversation_routes import json_response, no_more_parameters
from gateway.http_routes import user_route
from pipeline.errors import TurnError

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["turn_routes"]


def turn_routes(gateway: Gateway) -> list[Route]:
    """`/turns`: the last ones in short, newest first. `/turns/{id}`: one of them in full."""
    return [
        user_route(gateway, "/turns", "GET", _list),
        user_route(gateway, "/turns/{turn_id}", "GET", _read),
    ]


async def _list(gateway: Gateway, user_id: str, request: Request) -> Response:
    no_more_parameters(request)
    return json_response({"turns": gateway.turn_log.turns(user_id), "kept": gateway.turn_log.size})


async def _read(gateway: Gateway, user_id: str, request: Request) -> Response:
    no_more_parameters(request)
    times = gateway.turn_log.turn(user_id, request.path_params["turn_id"])
    if times is None:
        raise TurnError("You have no such turn, or it was long ago.", code="turn_not_found")
    return json_response(times)
