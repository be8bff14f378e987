"""A fake OpenAI server over real HTTP that answers as it is told and misbehaves on demand.

    async with FakeModel() as fake:
        fake.plan(Reply("Hello there."), Reply("Not this", fault="cut", at=1))
        ... talk to fake.url ...
        assert fake.requests[0].body["model"] == "m"

Each request takes the next planned reply, or the default one. What the client did is in `fake.requests`.
By hand: `scripts/fake-model --tokens-per-second 50`; `GET /requests` then tells when each token was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import uvloop
from aiohttp import web

__all__ = ["FakeModel", "ModelRequest", "Reply"]

Fault = Literal[
    "",
    "reset",  # the connection breaks before an answer
    "silent",  # no answer at all
    "stall",  # stops sending, keeps the connection
    "comments",  # stops talking, but sends comments to keep the connection
    "cut",  # the connection breaks inside the body
    "eof",  # the body ends in order, without the protocol's end
    "garbage",  # an event that is not JSON
    "wrong_type",  # JSON, but not the protocol's
    "error_event",  # the server reports an error inside the stream
    "failed",  # the same, as the terminal event of the responses API
    "huge_line",  # an event of 10 MiB
    "html",  # HTTP 200 and a web page
]


@dataclass
class Reply:
    """What the model says and how; `at` is how many pieces are sent before the fault."""

    text: str | Sequence[str] = "Hello there. How are you?"
    calls: Sequence[tuple[str, str, str]] = ()  # (id, name, arguments)
    fault: Fault = ""
    at: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error_body: bytes = b'{"error": {"message": "secret provider text", "code": "oops"}}'
    header_delay_s: float = 0.0
    piece_delay_s: float = 0.0
    reasoning: Sequence[str] = ()
    sealed: str = ""  # responses: `encrypted_content` of the reasoning item
    refusal: bool = False
    finish: str = ""  # "length", "content_filter"; default: "stop" or "tool_calls"
    choices: int = 1
    gzip: bool = False
    newline: str = "\n"
    packet_bytes: int = 0  # cut the body into packets of this size, one write each
    end_marker: bool = True  # chat's [DONE]
    ascii: bool = True  # JSON escapes, lone surrogates possible
    events: Sequence[dict[str, Any]] = ()  # exactly these instead

    @property
    def pieces(self) -> list[str]:
        """Words with the space before them, or exactly the pieces that were given."""
        if not isinstance(self.text, str):
            return list(self.text)
        words = self.text.split(" ")
        return [word if index == 0 else f" {word}" for index, word in enumerate(words) if self.text]


@dataclass
class ModelRequest:
    """One request as the server saw it; times are of `time.monotonic`."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    peer: object
    started_at: float
    sent: asyncio.Event = field(default_factory=asyncio.Event)  # the body's first event went out
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    ended_at: float = 0.0
    sent_at: list[float] = field(default_factory=list)  # one time per piece of text
    closed_by_client: bool = False
    events_sent: int = 0


class FakeModel:
    """Serves on a free port of the loopback while the context is open; `url` is a client's base URL."""

    def __init__(self, default: Reply | Callable[[ModelRequest], Reply] | None = None, *, port: int = 0) -> None:
        self.default = default or Reply()
        self.requests: list[ModelRequest] = []
        self._plan: deque[Reply] = deque()
        self._made: tuple[Reply, bool, list[tuple[str, bytes]]] | None = None
        self._port = port
        self._arrived = asyncio.Condition()
        self._closing = asyncio.Event()

    def plan(self, *replies: Reply) -> None:
        self._plan.extend(replies)

    def clear_plan(self) -> None:
        self._plan.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def open_requests(self) -> int:
        return sum(not request.ended.is_set() for request in self.requests)

    async def request(self, number: int = 0) -> ModelRequest:
        """The request with this number, as soon as it has come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) > number)
        return self.requests[number]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._handle)
        app.router.add_post("/v1/responses", self._handle)
        app.router.add_get("/requests", self._tell)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, keepalive_timeout=3600, shutdown_timeout=0.2
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _tell(self, http: web.Request) -> web.Response:
        """The requests so far, for a benchmark in another process; `?forget=1` starts anew."""
        told = [
            {"body": request.body, "started_at": request.started_at, "sent_at": request.sent_at,
             "ended_at": request.ended_at, "closed_by_client": request.closed_by_client}
            for request in self.requests
        ]  # fmt: skip
        if http.query.get("forget"):
            self.requests.clear()
        return web.json_response(told)

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        assert http.transport is not None
        request = ModelRequest(
            path=http.path,
            headers=dict(http.headers),
            body=await http.json(),
            peer=http.transport.get_extra_info("peername"),
            started_at=time.monotonic(),
        )
        reply = self._plan.popleft() if self._plan else self.default
        if not isinstance(reply, Reply):
            reply = reply(request)
        async with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        try:
            return await self._answer(http, request, reply)
        except (asyncio.CancelledError, ConnectionError):
            request.closed_by_client = not self._closing.is_set()
            raise
        finally:
            request.ended_at = time.monotonic()
            request.ended.set()

    async def _answer(self, http: web.Request, request: ModelRequest, reply: Reply) -> web.StreamResponse:
        if reply.header_delay_s:
            await asyncio.sleep(reply.header_delay_s)
        if reply.fault == "reset":
            _abort(http)
            return web.Response()
        if reply.fault == "silent":
            await self._closing.wait()
        if reply.status != 200:
            return web.Response(
                status=reply.status,
                headers=reply.headers,
                body=reply.error_body,
                content_type="application/json",
            )
        if reply.fault == "html":
            return web.Response(text="<html><body>It works!</body></html>", content_type="text/html")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
        if reply.gzip:
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(http)
        await self._stream(http, response, request, reply)
        if http.transport is not None and not http.transport.is_closing():
            await response.write_eof()
        return response

    async def _stream(
        self, http: web.Request, response: web.StreamResponse, request: ModelRequest, reply: Reply
    ) -> None:
        packer = zlib.compressobj(wbits=31)  # gzip

        async def write(data: bytes) -> None:
            if reply.gzip:
                data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
            step = reply.packet_bytes or len(data)
            for start in range(0, len(data), step):
                await response.write(data[start : start + step])
                if reply.packet_bytes:  # a packet of its own, not joined with the next write
                    await asyncio.sleep(0)

        started = time.monotonic()
        for what, frame in self._frames(request.path, reply):
            if what == "text":
                if len(request.sent_at) == reply.at and reply.fault:
                    break
                if reply.piece_delay_s:
                    due = started + (len(request.sent_at) + 1) * reply.piece_delay_s
                    await asyncio.sleep(due - time.monotonic())
                request.sent_at.append(time.monotonic())
            elif what == "end" and reply.fault:
                break
            await write(frame)
            request.events_sent += 1
            request.sent.set()
        request.sent.set()
        match reply.fault:
            case "stall":
                await self._closing.wait()
            case "comments":
                while not self._closing.is_set():
                    await write(b": keep-alive\n\n")
                    await asyncio.sleep(0.005)
            case "cut":
                await asyncio.sleep(0.01)  # what was written is on its way before the connection breaks
                _abort(http)
            case "garbage":
                await write(b"data: {not json}\n\n")
            case "wrong_type":
                await write(b'data: {"choices": "many", "type": 5}\n\n')
            case "error_event" | "failed":
                await write(_frame(_error_event(request.path, reply.fault), reply))
            case "huge_line":
                await write(b"data: ")
                for _ in range(160):
                    await write(b"x" * 65536)

    def _frames(self, path: str, reply: Reply) -> list[tuple[str, bytes]]:
        """The reply's events as bytes; those of the default reply are made once, for speed."""
        is_chat = path.endswith("/completions")
        if reply is not self.default:
            return _make_frames(is_chat, reply)
        if self._made is None or self._made[0] is not reply or self._made[1] != is_chat:
            self._made = (reply, is_chat, _make_frames(is_chat, reply))
        return self._made[2]


def _make_frames(is_chat: bool, reply: Reply) -> list[tuple[str, bytes]]:
    if reply.events:
        return [("item", _frame(event, reply)) for event in reply.events]
    events = _chat_events(reply) if is_chat else _responses_events(reply)
    return [(what, _frame(event, reply)) for what, event in events]


def _abort(http: web.Request) -> None:
    if http.transport is not None:
        http.transport.abort()


def _frame(event: dict[str, Any] | str, reply: Reply) -> bytes:
    if isinstance(event, str):
        lines = f"data: {event}\n\n"
    else:
        name = f"event: {event['type']}\n" if "type" in event else ""
        lines = f"{name}data: {json.dumps(event, ensure_ascii=reply.ascii)}\n\n"
    return lines.replace("\n", reply.newline).encode("utf-8", "surrogatepass")


def _error_event(path: str, fault: str) -> dict[str, Any]:
    error = {"code": "server_error", "message": "secret provider text"}
    if path.endswith("/completions"):
        return {"error": error}
    if fault == "failed":
        return {"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": error}}
    return {"type": "error", "param": None, **error}


def _chat_events(reply: Reply) -> list[tuple[str, dict[str, Any] | str]]:
    """(what it is, the event): "text" is what `at` counts, "end" is what a fault leaves out."""

    def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "fake",
            "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }

    events: list[tuple[str, dict[str, Any] | str]] = [("start", chunk({"role": "assistant", "content": ""}))]
    events += [("reasoning", chunk({"reasoning_content": piece})) for piece in reply.reasoning]
    for piece in reply.pieces:
        events.append(("text", chunk({"refusal" if reply.refusal else "content": piece})))
        events += [("other", chunk({"content": "WRONG"}, index=index)) for index in range(1, reply.choices)]
    for index, (call_id, name, arguments) in enumerate(reply.calls):
        head = {
            "index": index,
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        events.append(("call", chunk({"tool_calls": [head]})))
        half = len(arguments) // 2
        for part in (arguments[:half], arguments[half:]):
            events.append(("call", chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})))
    events.append(("end", chunk({}, reply.finish or ("tool_calls" if reply.calls else "stop"))))
    usage = {
        "prompt_tokens": 11,
        "completion_tokens": len(reply.pieces),
        "total_tokens": 11 + len(reply.pieces),
    }
    events.append(("end", {**chunk({}), "choices": [], "usage": usage}))
    if reply.end_marker:
        events.append(("end", "[DONE]"))
    return events


def _responses_events(reply: Reply) -> list[tuple[str, dict[str, Any] | str]]:
    events: list[tuple[str, dict[str, Any] | str]] = []

    def add(what: str, kind: str, **fields: Any) -> None:
        events.append((what, {"type": kind, "sequence_number": len(events), **fields}))

    def item(index: int, item: dict[str, Any], inside: Callable[[dict[str, Any]], None]) -> None:
        place = {"output_index": index}
        what = "call" if item["type"] == "function_call" else "item"
        add(what, "response.output_item.added", item={**item, "status": "in_progress"}, **place)
        inside({"item_id": item["id"], **place})
        add(what, "response.output_item.done", item={**item, "status": "completed"}, **place)

    def think(place: dict[str, Any]) -> None:
        for piece in reply.reasoning:
            add("reasoning", "response.reasoning_summary_text.delta", delta=piece, summary_index=0, **place)

    def speak(place: dict[str, Any]) -> None:
        kind = "response.refusal.delta" if reply.refusal else "response.output_text.delta"
        for piece in reply.pieces:
            add("text", kind, delta=piece, content_index=0, logprobs=[], **place)
        if not reply.refusal:
            add("item", "response.output_text.done", text="".join(reply.pieces), content_index=0, **place)

    created = {"id": "resp_1", "object": "response", "status": "in_progress", "output": [], "usage": None}
    add("start", "response.created", response=created)
    add("start", "response.in_progress", response=created)
    index = 0
    if reply.reasoning or reply.sealed:
        sealed = {"encrypted_content": reply.sealed} if reply.sealed else {}
        item(index, {"type": "reasoning", "id": "rs_1", "summary": [], **sealed}, think)
        index += 1
    if reply.pieces:
        item(index, {"type": "message", "id": "msg_1", "role": "assistant", "content": []}, speak)
        index += 1
    for call_id, name, arguments in reply.calls:

        def call(place: dict[str, Any], arguments: str = arguments) -> None:
            half = len(arguments) // 2
            for part in (arguments[:half], arguments[half:]):
                add("call", "response.function_call_arguments.delta", delta=part, **place)
            add("call", "response.function_call_arguments.done", arguments=arguments, **place)

        function = {"type": "function_call", "id": f"fc_{index}", "call_id": call_id, "name": name}
        item(index, {**function, "arguments": arguments}, call)
        index += 1
    usage = {
        "input_tokens": 11,
        "output_tokens": len(reply.pieces),
        "total_tokens": 11 + len(reply.pieces),
    }
    if reply.finish:
        reason = {"length": "max_output_tokens"}.get(reply.finish, reply.finish)
        ended = {**created, "status": "incomplete", "incomplete_details": {"reason": reason}, "usage": usage}
        add("end", "response.incomplete", response=ended)
    else:
        add("end", "response.completed", response={**created, "status": "completed", "usage": usage})
    return events


def _words(count: int) -> list[str]:
    """A text of that many tokens, with sentences of twelve words and a paragraph now and then."""
    pieces = []
    for number in range(1, count + 1):
        word = "Word" if number % 12 == 1 else "word"
        end = "." if number % 12 == 0 or number == count else ""
        start = "" if number == 1 else "\n\n" if number % 60 == 1 else " "
        pieces.append(f"{start}{word}{number}{end}")
    return pieces


async def _serve(arguments: argparse.Namespace) -> None:
    rate = arguments.tokens_per_second
    reply = Reply(_words(arguments.tokens), piece_delay_s=1 / rate if rate else 0.0)
    async with FakeModel(reply, port=arguments.port) as fake:
        print(f"a fake model speaks at {fake.url}", flush=True)  # noqa: T201 - a command-line tool prints
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible server: chat completions, responses.")
    parser.add_argument("--port", type=int, default=8090, help="0: any free port (default 8090)")
    parser.add_argument("--tokens-per-second", type=float, default=50.0, help="0: as fast as possible (default 50)")
    parser.add_argument("--tokens", type=int, default=200, help="length of every answer (default 200)")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
