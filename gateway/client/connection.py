"""One connection to a gateway: opened, asked for its session, read; and why there is none."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

__all__ = ["GOODBYE_TIMEOUT_S", "Connection", "GatewayUnavailableError", "backoff_delays"]

GOODBYE_TIMEOUT_S: Final = 1.0
_PING_S: Final = 5.0
_MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
_PROTOCOL_ERROR: Final = 1002
_FINAL_CLOSES: Final = frozenset({_PROTOCOL_ERROR, 1003, 1007, 1008, 1009, 1010})


class GatewayUnavailableError(ConnectionError):
    """There is no gateway to talk to. `code`: its HTTP status or close code, None when nobody answered."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_final(self) -> bool:
        """Whether to connect again would change nothing: a wrong key, say, or a session taken over."""
        return self.code is not None and (400 <= self.code < 500 or self.code in _FINAL_CLOSES)


def backoff_delays(
    tries: int = 20, *, base_s: float = 0.25, cap_s: float = 10.0, rng: Callable[[], float] = random.random
) -> Iterator[float]:
    """The pauses before each try to connect again: anything up to a bound that doubles until `cap_s`."""
    for attempt in range(tries):
        yield min(cap_s, base_s * 2.0**attempt) * rng()


@contextmanager
def _explained() -> Iterator[None]:
    """Whatever goes wrong with a connection is a GatewayUnavailableError."""
    try:
        yield
    except GatewayUnavailableError:
        raise
    except InvalidStatus as error:
        status = error.response.status_code
        raise GatewayUnavailableError(f"the gateway refused: HTTP {status}", code=status) from None
    except ConnectionClosed as error:
        if error.rcvd is None:
            raise GatewayUnavailableError("the connection was lost") from None
        reason = f" ({error.rcvd.reason})" if error.rcvd.reason else ""
        raise GatewayUnavailableError(f"the gateway closed: {error.rcvd.code}{reason}", code=error.rcvd.code) from None
    except (OSError, EOFError, WebSocketException) as error:
        raise GatewayUnavailableError(str(error) or "no answer in time") from error


class Connection:
    """Frames to and from a gateway. Every method raises GatewayUnavailableError when there is none any more."""

    def __init__(self, socket: ClientConnection, on_frame: Callable[[str], None]) -> None:
        self._socket = socket
        self._on_frame = on_frame

    @classmethod
    async def open(cls, url: str, headers: Mapping[str, str], on_frame: Callable[[str], None]) -> Connection:
        """Connect."""
        with _explained():
            socket = await connect(
                url,
                subprotocols=[Subprotocol("voice-turn.v1")],
                additional_headers=headers,
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                ping_interval=_PING_S,
                ping_timeout=_PING_S,
                close_timeout=GOODBYE_TIMEOUT_S,
            )
            return cls(socket, on_frame)

    async def greet(self, resume: dict[str, Any] | None) -> dict[str, Any]:
        """Ask for a session, that of `resume` if possible; the `session` frame that counts."""
        # A `resume` that comes late finds a session opened in its place, told as `recovered: false` just like
        # a refusal, and is answered by a second `session` frame. The `pong` comes after either.
        frames: list[dict[str, Any]] = [{"event": "resume", **resume}] if resume else []
        await self.send([*frames, {"event": "ping", "t": "session"}])
        session: dict[str, Any] = {}
        while True:
            frame, _ = await self.receive()
            if frame["event"] == "session":
                session = frame
            if session and (frame["event"] == "pong" or session["recovered"]):
                return session

    async def send(self, frames: Iterable[dict[str, Any]]) -> None:
        """Write frames; fields that are None stay away."""
        with _explained():
            for frame in frames:
                known = {name: value for name, value in frame.items() if value is not None}
                await self._socket.send(msgspec.json.encode(known).decode())

    async def receive(self) -> tuple[dict[str, Any], int]:
        """The next frame and its size in characters."""
        with _explained():
            text = await self._socket.recv()
        text = text if isinstance(text, str) else text.decode(errors="replace")
        self._on_frame(text)
        try:
            frame = msgspec.json.decode(text, type=dict[str, Any])
            frame["event"]
        except (msgspec.MsgspecError, KeyError):
            raise GatewayUnavailableError("this is no voice-turn.v1 gateway", code=_PROTOCOL_ERROR) from None
        return frame, len(text)

    async def close(self) -> None:
        """Leave, politely where the other side still answers."""
        await self._socket.close()

    def abort(self) -> None:
        """Leave at once."""
        self._socket.transport.abort()
