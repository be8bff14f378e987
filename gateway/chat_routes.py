"""`/start` and `/chat`: a conversation over plain HTTP, the same one as over the WebSocket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.answers import EventStream, FailedTurnError, WholeAnswer
from gateway.errors import GatewayError
from gateway.http_routes import PRIVATE, failure_response, user_route
from gateway.http_turns import TurnOptions
from gateway.requests import read_json, takes_event_stream
from gateway.wire.native import LANGUAGE_TAG, SpeechOptions
from pipeline.agent.service import correlation_id
from pipeline.errors import TurnError
from pipeline.events import Error, StreamEnd, StreamStart, StreamToken, ToolCall, TurnEvent, TurnInterrupted

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = ["chat_routes"]


class _Chat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /chat`."""

    thread_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    message: str
    captions: bool = True
    lang: str | None = None
    speech: SpeechOptions | None = None


class _Started(msgspec.Struct, frozen=True):
    thread_id: str
    initial_message: str
    correlation_id: str


def chat_routes(gateway: Gateway) -> list[Route]:
    """`/start` and `/chat`."""
    start = user_route(gateway, "/start", "GET", _start)
    start.methods = {"GET"}  # HEAD, which comes with it elsewhere, begins no thread
    return [start, user_route(gateway, "/chat", "POST", _chat)]


async def _start(gateway: Gateway, user_id: str, request: Request) -> Response:
    gateway.require_running()
    started = _Started(gateway.http_turns.new_thread(user_id), gateway.settings.greeting, correlation_id.get())
    return Response(msgspec.json.encode(started), media_type="application/json", headers=PRIVATE)


async def _chat(gateway: Gateway, user_id: str, request: Request) -> Response:
    gateway.require_running()
    settings = gateway.settings
    body = await read_json(request, _Chat, max_bytes=settings.max_body_bytes)
    _check(body, settings.max_message_chars)
    try:
        gateway.http_turns.speech(body.speech)
    except ValueError as error:
        raise GatewayError(f"speech: {error}.", code="bad_request") from None
    await gateway.http_turns.require_thread(user_id, body.thread_id)
    gateway.require_running()  # the body may have taken its time
    id_ = correlation_id.get()
    streamed = takes_event_stream(request)
    options = TurnOptions(
        captions=body.captions or not streamed,
        streamed=streamed,
        correlation_id=id_,
        lang=body.lang,
        speech=body.speech,
    )
    events = gateway.http_turns.chat(user_id, body.thread_id, body.message, options)
    if streamed:
        frames = _Frames(events)
        return EventStream(
            frames.all(), error_frame=frames.encode, correlation_id=id_, write_timeout_s=settings.write_timeout_s
        )
    return WholeAnswer(lambda: _responses(events), correlation_id=id_)


def _check(body: _Chat, max_message_chars: int) -> None:
    if not body.message.strip():
        raise GatewayError("message: expected text that is not blank.", code="bad_request")
    if len(body.message) > max_message_chars:
        raise GatewayError(f"message: expected at most {max_message_chars} characters.", code="request_too_large")
    if body.lang is not None and not LANGUAGE_TAG.match(body.lang):
        raise GatewayError("lang: expected a BCP 47 language tag, such as `en` or `pt-BR`.", code="bad_request")


class _Frames:
    """A turn's events as server-sent ones, numbered."""

    def __init__(self, events: AsyncGenerator[TurnEvent, None]) -> None:
        self._events = events
        self._number = 0

    async def all(self) -> AsyncGenerator[bytes, None]:
        """Raises FailedTurnError when the turn fails before anything else happened."""
        start = b""
        async with aclosing(self._events) as events:
            async for event in events:
                if isinstance(event, Error) and self._number <= 1:
                    raise FailedTurnError(event)
                frame = self.encode(event)
                if isinstance(event, StreamStart):
                    start = frame  # goes with the next event: as long as that may be an error, the status is open
                    continue
                yield start + frame
                start = b""

    def encode(self, event: TurnEvent) -> bytes:
        """The next frame."""
        tag = str(event.__struct_config__.tag).encode()
        data = msgspec.json.encode(event)
        self._number += 1
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self._number, tag, data)


async def _responses(events: AsyncGenerator[TurnEvent, None]) -> Response:
    """The turn's messages: one, or where tools were called one before and one after them."""
    messages: list[list[str]] = [[]]
    answer: dict[str, object] = {"responses": []}
    async with aclosing(events):
        async for event in events:
            match event:
                case StreamToken():
                    messages[-1].append(event.text)
                case ToolCall():
                    messages.append([])
                case TurnInterrupted(reason="barge_in"):
                    raise TurnError("The user said something else meanwhile.", code="turn_in_progress")
                case TurnInterrupted():
                    raise GatewayError("The gateway is shutting down.", code="shutting_down", retryable=True)
                case Error():
                    return failure_response(event)
                case StreamEnd() if event.cut:
                    answer["cut"] = event.cut
                case _:
                    pass
    answer["responses"] = [text for message in messages if (text := "".join(message).strip("\n"))]
    return Response(msgspec.json.encode(answer), media_type="application/json", headers=PRIVATE)
