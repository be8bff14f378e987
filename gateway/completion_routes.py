"""`/v1/chat/completions` and `/v1/models`: the agent as the brain of whatever speaks OpenAI's protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.answers import EventStream, FailedTurnError, WholeAnswer
from gateway.errors import GatewayError
from gateway.http_routes import PRIVATE, failure_response, user_route
from gateway.http_turns import TurnOptions
from gateway.requests import read_json
from gateway.wire.completions import DONE, ChatMessage, Completion, CompletionRequest
from pipeline.agent.service import Message, correlation_id
from pipeline.events import Error, StreamEnd, StreamStart, StreamToken, TTSReadyChunk, TurnEvent, TurnInterrupted

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["completion_routes"]

_CREATED = 1_700_000_000


def completion_routes(gateway: Gateway) -> list[Route]:
    """`/v1/chat/completions` and `/v1/models`."""
    return [
        user_route(gateway, "/v1/chat/completions", "POST", _complete),
        user_route(gateway, "/v1/models", "GET", _models),
        user_route(gateway, "/v1/models/{model:path}", "GET", _model),
    ]


async def _models(gateway: Gateway, user_id: str, request: Request) -> Response:
    body = {"object": "list", "data": [_described(gateway)]}
    return Response(msgspec.json.encode(body), media_type="application/json")


async def _model(gateway: Gateway, user_id: str, request: Request) -> Response:
    if request.path_params["model"] != gateway.agent_name:
        raise GatewayError("There is no such model.", code="not_found")
    return Response(msgspec.json.encode(_described(gateway)), media_type="application/json")


def _described(gateway: Gateway) -> dict[str, object]:
    return {"id": gateway.agent_name, "object": "model", "created": _CREATED, "owned_by": "voice-turn-gateway"}


async def _complete(gateway: Gateway, user_id: str, request: Request) -> Response:
    gateway.require_running()
    settings = gateway.settings
    wish = await read_json(request, CompletionRequest, max_bytes=settings.max_body_bytes)
    gateway.require_running()  # the body may have taken its time
    try:
        messages = [_message(message) for message in wish.texts()]
    except ValueError as error:
        raise GatewayError(str(error), code="bad_request") from None
    speech = _flag(request, "speech") or bool(wish.speech)
    id_ = correlation_id.get()
    options = TurnOptions(captions=not speech, streamed=bool(wish.stream), correlation_id=id_)
    events = gateway.http_turns.complete(user_id, messages, options)
    completion = Completion(gateway.agent_name, usage_in_chunks=wish.wants_usage)
    if wish.stream:
        frames = _frames(events, completion, wants_usage=wish.wants_usage, speech=speech)
        return EventStream(
            frames, error_frame=_error_frame, correlation_id=id_, write_timeout_s=settings.write_timeout_s
        )
    return WholeAnswer(lambda: _whole(events, completion, speech=speech), correlation_id=id_)


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false").lower()
    if text not in ("true", "1", "false", "0"):
        raise GatewayError(f"{name}: expected true or false.", code="bad_request")
    return text in ("true", "1")


def _message(message: ChatMessage) -> Message:
    return msgspec.to_builtins(message)  # type: ignore[no-any-return]


def _said(event: TurnEvent, *, speech: bool) -> str:
    """The text that an event adds to the answer. Chunks are complete in themselves: a space keeps them apart."""
    if isinstance(event, TTSReadyChunk):
        return f"{event.text} " if speech else ""
    return event.text if isinstance(event, StreamToken) and not speech else ""


def _is_filler(event: TurnEvent) -> bool:
    """Whether a chunk speaks nothing of the reply: it bridged a silence, of which a whole answer has none."""
    return isinstance(event, TTSReadyChunk) and event.span[0] == event.span[1]


def _ended(event: TurnEvent) -> Error | None:
    """The error that ended the turn, also when it is ours: the gateway stopped it."""
    if isinstance(event, TurnInterrupted):
        return Error("shutting_down", "The gateway is shutting down.", correlation_id.get(), True)
    return event if isinstance(event, Error) else None


def _error_frame(error: Error) -> bytes:
    return b"data: " + msgspec.json.encode(error) + b"\n\n"


async def _frames(
    events: AsyncGenerator[TurnEvent, None], completion: Completion, *, wants_usage: bool, speech: bool
) -> AsyncGenerator[bytes, None]:
    begun = False
    async with aclosing(events):
        async for event in events:
            if isinstance(event, StreamStart):
                continue  # as long as nothing was said, a failure still has a status of its own
            if (error := _ended(event)) is not None:
                if not begun:
                    raise FailedTurnError(error)
                yield _error_frame(error)
                return
            if not begun:
                begun = True
                yield completion.role()
            if text := _said(event, speech=speech):
                yield completion.delta(text)
            if isinstance(event, StreamEnd):
                yield completion.finish(event.cut)
                if wants_usage and event.usage is not msgspec.UNSET:
                    yield completion.usage(event.usage)
                yield DONE


async def _whole(events: AsyncGenerator[TurnEvent, None], completion: Completion, *, speech: bool) -> Response:
    texts: list[str] = []
    end = StreamEnd()
    async with aclosing(events):
        async for event in events:
            if (error := _ended(event)) is not None:
                return failure_response(error)
            if not _is_filler(event):
                texts.append(_said(event, speech=speech))
            if isinstance(event, StreamEnd):
                end = event
    text = "".join(texts).rstrip(" " if speech else "")
    return Response(completion.whole(text, end.usage, end.cut), media_type="application/json", headers=PRIVATE)
