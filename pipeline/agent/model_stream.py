"""One streamed response of an OpenAI-compatible server: the client's address, key and transport, our reading.

The SDK builds the request and sends it; the answer is read as bytes, because the SDK's typed events cost
thirty times as much CPU per token as the few fields that are needed.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Protocol

import msgspec
import openai
from loguru import logger
from openai import AsyncOpenAI, AsyncStream

from pipeline.agent.model_errors import ModelError, translate
from pipeline.agent.payload import mended
from pipeline.agent.sse import SSEDecoder
from pipeline.agent.waits import RunCancelledError, Waits
from pipeline.agent.wire import ModelEvent, ResponseDecoder

__all__ = ["NO_KEY", "ModelTimeouts", "check_key", "make_client", "open_model_stream"]

KEEP_ALIVE_S = 120.0  # the SDK's 5 s would open a new connection for nearly every turn of a conversation
NO_KEY = "none"  # the SDK insists on one
MAX_CONNECTIONS = 4096
DRAIN_S = 0.1
MAX_PACKET_BYTES = 16 * 1024  # decoded at once: the first words of a flood need not wait for all of it


class ModelTimeouts(msgspec.Struct, frozen=True):
    """How long a voice turn waits for a model, in seconds.

    `first_token_s` and `stall_s` count anything that the model produces, thoughts too. `first_chunk_s` is
    the longest silence before the first words or tool call, over all tries and providers together.
    """

    first_token_s: float = 2.5
    stall_s: float = 3.0
    first_chunk_s: float = 6.0


class _ByteStream(AsyncStream[bytes]):
    """The response as it comes, with its content decoding (gzip) undone and nothing else."""


def make_client(*, base_url: str | None = None, api_key: str | None = None) -> AsyncOpenAI:
    """An SDK client that suits voice: aiohttp transport, long keep-alive, no retries or timeouts of its own.

    Without arguments the SDK's own OPENAI_API_KEY and OPENAI_BASE_URL count. A server that is named by
    address needs no key: local ones have none. Raises ValueError when neither is there, and for a bad one.
    """
    key = api_key or os.environ.get("OPENAI_API_KEY")
    if key:
        check_key(key, "api_key" if api_key else "OPENAI_API_KEY")
    if not key:
        if not (base_url or os.environ.get("OPENAI_BASE_URL")):
            raise ValueError("set OPENAI_API_KEY, or a base URL of a server that needs no key")
        key = NO_KEY
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(  # by type: the SDK's HTTP library is not ours to name
        max_connections=MAX_CONNECTIONS, max_keepalive_connections=None, keepalive_expiry=KEEP_ALIVE_S
    )
    http_client = openai.DefaultAioHttpClient(limits=limits, timeout=None)
    try:
        return AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0, timeout=None, http_client=http_client)
    except Exception as error:  # of the SDK's HTTP library, whose text shows what may be a password
        raise ValueError(f"base_url or OPENAI_BASE_URL: not an address ({type(error).__name__})") from None


def check_key(key: str, name: str) -> None:
    """Raises ValueError, with the name and without the key, for what no HTTP header can carry."""
    if not re.fullmatch(r"[!-~]+", key):
        raise ValueError(f"{name}: expected a key of printable ASCII characters without blanks")


@asynccontextmanager
async def open_model_stream(
    client: AsyncOpenAI,
    path: str,
    body: Mapping[str, object],
    timeouts: ModelTimeouts,
    *,
    waits: Waits,
    words_by: float = math.inf,
) -> AsyncIterator[ModelStream]:
    """Send the request, give its answer as a ModelStream, close the HTTP stream on every way out.

    Raises ModelError; also when there are no words by `words_by` (the loop's time).
    """
    token_by = asyncio.get_running_loop().time() + timeouts.first_token_s
    send = partial(
        client.post,
        path,
        cast_to=bytes,
        content=encode_body(body),
        stream=True,
        stream_cls=_ByteStream,
        options={"headers": {"Accept": "text/event-stream"}, "max_retries": 0},  # ours know of the listener
    )
    try:
        stream = await waits.until(min(token_by, words_by), send)
    except RunCancelledError:
        raise
    except Exception as error:
        raise translate(error) from None
    try:
        yield ModelStream(stream, waits, token_by=token_by, words_by=words_by, stall_s=timeouts.stall_s)
    finally:
        await stream.close()


class ModelStream:
    """One response as it comes: `batches` gives the events of each packet."""

    def __init__(self, stream: _ByteStream, waits: Waits, *, token_by: float, words_by: float, stall_s: float) -> None:
        self._packets = _packets(stream)
        self._loop = asyncio.get_running_loop()
        self._waits = waits
        self._token_by = token_by
        self._words_by = words_by
        self._stall_s = stall_s

    async def batches(self, decoder: ResponseDecoder) -> AsyncGenerator[list[ModelEvent], None]:
        """Never an empty list; ModelEnd is the last event. Raises ModelError.

        The stall timeout counts from the first sign of life on, and each sign of life starts it again;
        comments and empty events are none. With the first words the wait for words is over.
        """
        sse = SSEDecoder()
        packet, ended = b"", False
        deadline = min(self._token_by, self._words_by)
        async with aclosing(self._packets) as packets:
            while not (decoder.done or ended):
                try:
                    packet = packet or await self._waits.until(deadline, packets.read)
                    ended = not packet
                    payloads = sse.finish() if ended else sse.feed(packet[:MAX_PACKET_BYTES])
                    packet = packet[MAX_PACKET_BYTES:]
                except RunCancelledError:
                    raise
                except Exception as error:
                    raise translate(error) from None
                batch: list[ModelEvent] = []
                try:
                    for payload in payloads:
                        if (token := decoder.feed(payload)) is not None:
                            batch.append(token)  # noqa: PERF401 - extend might lose the good ones before a bad one
                except ModelError:
                    if batch:  # what came before the bad payload was good
                        yield batch
                    raise
                if batch:
                    yield batch
                if decoder.alive:
                    decoder.alive = False
                    self._token_by = self._loop.time() + self._stall_s
                    deadline = self._token_by if decoder.spoke else min(self._token_by, self._words_by)
            yield [*decoder.finish()]
            await self._drain()

    async def _drain(self) -> None:
        """Read the few bytes behind the last event, so that the connection can be used again."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while await self._packets.read():
                    pass
        except Exception as error:
            logger.debug("the end of a model's response was not clean: {}", type(error).__name__)


class _Packets(Protocol):
    """A response's body as it comes: `read` gives what has come, b"" at the end."""

    read: Callable[[], Awaitable[bytes]]

    async def aclose(self) -> None: ...


class _AiohttpPackets:
    """What aiohttp has received, without the five generators that the HTTP library puts around it.

    They cost a quarter of the CPU of a token that comes alone.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self.read = read

    async def aclose(self) -> None:
        """Closing the response is what closes it."""


class _DecodedPackets:
    """What the HTTP library makes of a body whose content is encoded."""

    def __init__(self, packets: AsyncGenerator[bytes, None]) -> None:
        self.read: Callable[[], Awaitable[bytes]] = partial(anext, packets, b"")
        self.aclose = packets.aclose


def _packets(stream: _ByteStream) -> _Packets:
    """The body's bytes as they come: the short way where it is there and nothing has to be decoded."""
    response = stream.response
    if "content-encoding" not in response.headers:
        transport_stream = getattr(response.stream, "_stream", None)
        content = getattr(getattr(transport_stream, "_aiohttp_response", None), "content", None)
        if content is not None:
            return _AiohttpPackets(content.readany)
    return _DecodedPackets(response.aiter_bytes())


def encode_body(body: Mapping[str, object]) -> bytes:
    """JSON; a lone surrogate, which JSON in UTF-8 cannot carry, becomes a replacement character."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(body))


def _without_surrogates(value: object) -> object:
    match value:
        case str():
            return mended(value)
        case Mapping():
            return {key: _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case _:
            return value
