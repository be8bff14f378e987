"""The HTTP side of conversations: list, read, export and delete, each for its owner alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gateway.errors import GatewayError
from gateway.http_routes import PRIVATE, user_route
from gateway.store import ConversationPage

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["conversation_routes", "json_response", "no_more_parameters"]

_DEFAULT_LIMIT = 50
_MAX_LIMIT = 200
_EXPORT_LIMIT = 50


def conversation_routes(gateway: Gateway) -> list[Route]:
    """`/conversations` and below. Errors are in the protocol's shape, as for a refused WebSocket."""

    one = "/conversations/{conversation_id:path}"  # a client may have put a slash into its id
    return [
        user_route(gateway, "/conversations", "GET", _list),
        user_route(gateway, one + "/export", "GET", _export),
        user_route(gateway, one, "GET", _read),
        user_route(gateway, one, "DELETE", _delete),
    ]


async def _list(gateway: Gateway, user_id: str, request: Request) -> Response:
    limit, cursors = _paging(request, "before")
    try:
        asked = gateway.store.conversations(user_id, limit=limit, **cursors)
    except ValueError:
        raise _bad_cursor() from None
    return json_response(await asked)


async def _read(gateway: Gateway, user_id: str, request: Request) -> Response:
    limit, cursors = _paging(request, "before", "after")
    try:
        asked = gateway.store.read(user_id, request.path_params["conversation_id"], limit=limit, **cursors)
    except ValueError:
        raise _bad_cursor() from None
    return json_response(_found(await asked))


async def _delete(gateway: Gateway, user_id: str, request: Request) -> Response:
    no_more_parameters(request)
    if not await gateway.store.delete(user_id, request.path_params["conversation_id"]):
        raise _not_found()
    return Response(status_code=204)


async def _export(gateway: Gateway, user_id: str, request: Request) -> Response:
    no_more_parameters(request)
    conversation_id: str = request.path_params["conversation_id"]
    store = gateway.store
    first = _found(await store.read(user_id, conversation_id, limit=_EXPORT_LIMIT, after=""))

    async def lines() -> AsyncGenerator[bytes, None]:
        page: ConversationPage | None = first
        while page is not None:  # None: deleted meanwhile
            yield b"".join(msgspec.json.encode(turn) + b"\n" for turn in page.turns)
            if page.after is None:
                return
            page = await store.read(user_id, conversation_id, limit=_EXPORT_LIMIT, after=page.after)

    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=PRIVATE)


def _paging(request: Request, *cursors: str) -> tuple[int, dict[str, str]]:
    """The size of the page that is asked for, and its cursor, one of these, if any."""
    no_more_parameters(request, "limit", *cursors)
    text = request.query_params.get("limit", str(_DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= _MAX_LIMIT):
        raise _bad_request(f"`limit` must be a whole number from 1 to {_MAX_LIMIT}.")
    given = {name: request.query_params[name] for name in cursors if name in request.query_params}
    if len(given) > 1:
        raise _bad_request("Either `before` or `after` can be asked for.")
    return int(text), given


def no_more_parameters(request: Request, *known: str) -> None:
    """Raises GatewayError (bad_request) for a parameter of the query that is not known."""
    for name in request.query_params:
        if name not in known:
            raise _bad_request(f"There is no parameter `{name[:40]}` here.")


def _found(page: ConversationPage | None) -> ConversationPage:
    if page is None:
        raise _not_found()
    return page


def _not_found() -> GatewayError:
    return GatewayError("You have no such conversation.", code="conversation_not_found")


def _bad_request(text: str) -> GatewayError:
    return GatewayError(text, code="bad_request")


def _bad_cursor() -> GatewayError:
    return _bad_request("A cursor, `before` or `after`, is one that a page gave.")


def json_response(body: Any) -> Response:
    """The body as JSON that no cache keeps."""
    return Response(msgspec.json.encode(body), media_type="application/json", headers=PRIVATE)
