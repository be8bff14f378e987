"""VoiceClient: a voice client's end of a session, which outlives its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec

from gateway.client.connection import GOODBYE_TIMEOUT_S, Connection, GatewayUnavailableError, backoff_delays
from gateway.client.models import EVENTS, OUTCOMES, Failed, Notice, Outcome
from gateway.client.turn import Turn, Waiting

__all__ = ["VoiceClient"]

_ACK_FRAMES: Final = 64
_ACK_CHARS: Final = 64 * 1024
_GREETING_TIMEOUT_S: Final = 10.0
_REFUSALS: Final = frozenset(
    {"malformed_frame", "unknown_frame", "frame_too_large", "shutting_down", "turn_in_progress"}
)
"""Errors that name no turn, because none was started."""


class VoiceClient:
    """A voice client's end of a session, as an async context manager.

    One turn at a time is heard: `say` silences the one before. Entering it connects, once, and raises
    GatewayUnavailableError; from then on a lost connection is made again after each of `delays()`, and
    `on_notice` is told. It may not raise. Leaving stops a live turn and leaves no task.

    - `playback`: the app reports with `Turn.spoken` what was spoken. A turn then ends when it has been
      spoken, and the gateway does not run far ahead of the voice.
    - `conversation_id`: go on with this conversation.
    - `on_frame`: gets every frame of the gateway as it came.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        playback: bool = False,
        conversation_id: str | None = None,
        delays: Callable[[], Iterable[float]] = backoff_delays,
        on_notice: Callable[[Notice], None] | None = None,
        on_frame: Callable[[str], None] | None = None,
    ) -> None:
        parts = urlsplit(url)
        query = "&".join(filter(None, (parts.query, "playback=true" if playback else "")))
        self.conversation_id = conversation_id
        """The conversation that the next turn belongs to; None only before the first connection."""
        self._url = urlunsplit(parts._replace(query=query))
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._delays = delays
        self._on_notice = on_notice or (lambda _: None)
        self._on_frame = on_frame or (lambda _: None)
        # The connection, and why there will be none again.
        self._connection: Connection | None = None
        self._sending = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._gone: GatewayUnavailableError | None = GatewayUnavailableError("the client is not connected")
        # The session: who we are to the gateway, and how far we have got.
        self._resume: dict[str, Any] | None = None
        self._last_seq = 0
        self._acked = 0
        self._unacked_chars = 0
        # Turns: the newest, and by `ref` all that the gateway has not ended.
        self._turn: Turn | None = None
        self._open: dict[str, Turn] = {}

    async def __aenter__(self) -> Self:
        connection = await self._connect()
        self._gone = None
        self._reader = asyncio.create_task(self._run(connection), name="voice client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._reader is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                await self.interrupt()  # the session would wait for us, and its turn go on
        self._reader.cancel()
        await asyncio.wait([self._reader])
        if not self._reader.cancelled():
            self._reader.result()

    async def say(
        self, message: str, *, conversation_id: str | None = None, lang: str | None = None, captions: bool = False
    ) -> Turn:
        """The user said this. A turn before it is silenced at once, and interrupted if it is live.

        While the connection is lost it is kept, and said after. `lang` is the reply's language (BCP 47).
        Raises ValueError for a blank message and GatewayUnavailableError when the connection was given up.
        """
        if self._gone is not None:
            raise self._gone
        if not message.strip():
            raise ValueError("message: expected text that is not blank")
        self.conversation_id = conversation_id or self.conversation_id
        conversation_id = self.conversation_id
        turn = Turn(
            self._send, self._taken, message=message, conversation_id=conversation_id, lang=lang, captions=captions
        )
        if self._turn is not None:
            self._unacked_chars += self._turn.silence()
        self._turn = self._open[turn.ref] = turn
        await self._send(*self._acknowledgement(), turn.start)
        return turn

    async def interrupt(self, *, heard: tuple[int, int] | None = None, reason: str | None = None) -> None:
        """Silence: the turn's iteration ends at once, and nothing of it comes any more.

        `heard`: the index of the chunk being spoken, and how many characters of its text were heard.
        Its outcome is an Interrupted (`Turn.finished` waits for it), unless it was over already.
        """
        turn = self._turn
        if turn is not None and not turn.silent:
            self._unacked_chars += turn.silence()
            stop = [turn.interrupt(heard, reason)] if turn.outcome is None else []
            await self._send(*self._acknowledgement(), *stop)

    # To the gateway. What a lost connection swallows is sent again by `_catch_up`.

    async def _send(self, *frames: dict[str, Any]) -> None:
        if frames:
            async with self._sending:  # first come, first sent: a later turn must not be overtaken
                if self._connection is not None:
                    with suppress(GatewayUnavailableError):
                        await self._connection.send(frames)

    async def _taken(self, chars: int) -> None:
        self._unacked_chars += chars
        await self._send(*self._acknowledgement())

    def _acknowledgement(self) -> list[dict[str, Any]]:
        """An `ack` if one is due, for what the app has taken; without it the gateway waits for the app."""
        waiting = self._turn.waiting if self._turn is not None else None
        taken = min(waiting[0].seq - 1, self._last_seq) if waiting else self._last_seq
        if taken <= self._acked or (taken - self._acked < _ACK_FRAMES and self._unacked_chars < _ACK_CHARS):
            return []
        self._acked, self._unacked_chars = taken, 0
        return [{"event": "ack", "seq": taken}]

    async def _catch_up(self, connection: Connection) -> None:
        async with self._sending:
            turns = list(self._open.values())
            commands = [command for turn in turns for command in turn.commands(newest=turn is self._turn)]
            # The `ack` says that we do acknowledge: the gateway then keeps all frames that we may miss.
            await connection.send([{"event": "ack", "seq": self._acked}, *commands])
            self._connection = connection

    # From the gateway

    async def _run(self, connection: Connection) -> None:
        """The client's one task: read, and connect again, until it is cancelled or all tries are used up."""
        gone, outcome = GatewayUnavailableError("the client is closed"), Failed("closed", "The client was closed.")
        try:
            while True:
                lost = await self._read(connection)
                if lost.is_final:
                    raise lost
                self._on_notice(Notice("connection_lost", str(lost)))
                connection = await self._connect_again(lost)
        except GatewayUnavailableError as error:
            gone, outcome = error, Failed("connection_failed", str(error), retryable=not error.is_final)
            self._on_notice(Notice("connection_failed", str(error)))
        finally:
            self._gone = gone
            for turn in list(self._open.values()):
                self._end(turn, outcome)

    async def _read(self, connection: Connection) -> GatewayUnavailableError:
        """Take frames until the connection is lost; returns why."""
        try:
            while True:
                self._take(*await connection.receive())
                await self._send(*self._acknowledgement())
        except GatewayUnavailableError as lost:
            return lost
        finally:
            self._connection = None
            await connection.close()

    def _take(self, frame: dict[str, Any], chars: int) -> None:
        seq = frame.get("seq", 0)
        if seq <= self._last_seq:  # not numbered, or seen before
            return
        self._last_seq = seq
        name, turn_id = frame["event"], frame.get("turn_id")
        if name == "stream_start" and (started := self._open.get(frame.get("ref", ""))):
            started.turn_id = turn_id
        turn = next((turn for turn in self._open.values() if turn.turn_id == turn_id is not None), None)
        if turn is not None and name in EVENTS and not turn.silent:
            turn.add(Waiting(seq, chars, msgspec.convert(frame, EVENTS[name])))
            return
        self._unacked_chars += chars
        if turn is not None and name in OUTCOMES:
            self._end(turn, msgspec.convert(frame, OUTCOMES[name]))
        elif name == "error" and turn_id is None:
            newest = self._turn
            if frame["type"] in _REFUSALS and newest is not None and newest.turn_id is None and not newest.outcome:
                self._end(newest, msgspec.convert(frame, Failed))
            else:
                self._on_notice(Notice(frame["type"], frame["error"]))

    def _end(self, turn: Turn, outcome: Outcome) -> None:
        del self._open[turn.ref]
        turn.end(outcome)

    # Connecting

    async def _connect_again(self, lost: GatewayUnavailableError) -> Connection:
        for delay_s in self._delays():
            await asyncio.sleep(delay_s)
            try:
                return await self._connect()
            except GatewayUnavailableError as error:
                lost = error
                if error.is_final:
                    break
        raise lost

    async def _connect(self) -> Connection:
        """Connect, resume the session if there is one, and send what may have been lost."""
        connection = await Connection.open(self._url, self._headers, self._on_frame)
        try:
            async with asyncio.timeout(_GREETING_TIMEOUT_S):
                resume = self._resume and {**self._resume, "last_seq": self._last_seq}
                self._begin(await connection.greet(resume))
                await self._catch_up(connection)
        except TimeoutError:
            connection.abort()
            raise GatewayUnavailableError("the gateway did not answer in time") from None
        except BaseException:
            connection.abort()
            raise
        return connection

    def _begin(self, session: dict[str, Any]) -> None:
        first = self._resume is None
        self._resume = {name: session[name] for name in ("session_id", "resume_token")}
        self.conversation_id = self.conversation_id or session["conversation_id"]
        if session["recovered"]:
            self._on_notice(Notice("connection_resumed", "connected again, nothing is missing"))
            return
        self._last_seq = self._acked = self._unacked_chars = 0
        if first:
            return
        for turn in list(self._open.values()):
            # What was said last, and maybe never arrived, is said again; the rest is over.
            if turn is not self._turn or turn.turn_id is not None or turn.silent:
                self._end(turn, Failed("session_lost", "The gateway no longer knows this turn.", retryable=True))
        self._on_notice(Notice("session_lost", "connected again, in a new session of the same conversation"))
