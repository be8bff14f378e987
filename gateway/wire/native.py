"""The native protocol, `voice-turn.v1`: text frame in -> struct, event out -> text frame. No I/O.

Every frame is a JSON object with the tag `event`. What a client may send is exactly `ClientFrame`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from gateway.wire.errors import FrameError
from pipeline.events import Error, TurnEvent

__all__ = [
    "LANGUAGE_TAG",
    "SUBPROTOCOL",
    "Ack",
    "ChunkSpoken",
    "ClientFrame",
    "HeardPosition",
    "Interrupt",
    "Limits",
    "NativeCodec",
    "Ping",
    "Pong",
    "Resume",
    "SessionFrame",
    "SpeechOptions",
    "StartTurn",
]

SUBPROTOCOL: Final = "voice-turn.v1"

_Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}\Z")


class _Frame(msgspec.Struct, frozen=True, tag_field="event", forbid_unknown_fields=True):
    """Base of all client frames: a field that is not listed is an error that names it."""


class SpeechOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a turn is cut and spoken, where it differs from the settings. Values are checked by who uses them."""

    profile: str | None = None
    first_min_chars: int | None = None
    first_min_words: int | None = None
    min_chars: int | None = None
    max_chars: int | None = None
    clause_first: bool | None = None
    code: str | None = None
    tables: str | None = None
    urls: str | None = None
    emoji: str | None = None
    math: str | None = None
    list_numbers: bool | None = None
    normalise: str | None = None
    emotions: Annotated[dict[str, str], msgspec.Meta(max_length=256)] | None = None


class StartTurn(_Frame, frozen=True, tag="start_turn"):
    """The user said `message`."""

    message: str
    conversation_id: _Id | None = None
    ref: _Id | None = None
    captions: bool = True
    lang: str | None = None
    on_busy: Literal["interrupt", "reject"] = "interrupt"
    speech: SpeechOptions | None = None


class HeardPosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chunk being spoken, and how many characters of its text were heard (absent: all)."""

    index: _Count
    chars: _Count | None = None


class Interrupt(_Frame, frozen=True, tag="interrupt"):
    """Stop the turn; without `turn_id` the live one."""

    turn_id: _Id | None = None
    heard: HeardPosition | None = None
    reason: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class ChunkSpoken(_Frame, frozen=True, tag="chunk_spoken"):
    """The client has finished speaking this chunk and all before it."""

    turn_id: _Id
    index: _Count


class Ack(_Frame, frozen=True, tag="ack"):
    """Every server frame up to `seq` has arrived."""

    seq: _Count


class Resume(_Frame, frozen=True, tag="resume"):
    """Go on with that session."""

    session_id: _Id
    resume_token: _Id
    last_seq: _Count


class Ping(_Frame, frozen=True, tag="ping"):
    """Answered by `pong` with the same `t`."""

    t: Annotated[str, msgspec.Meta(max_length=128)] | int | float | None = None


ClientFrame: TypeAlias = StartTurn | Interrupt | ChunkSpoken | Ack | Resume | Ping


class Limits(msgspec.Struct, frozen=True):
    """What the server will take, and keep."""

    max_message_chars: int
    max_frame_bytes: int
    max_unspoken_chunks: int
    resume_window_s: float


class SessionFrame(msgspec.Struct, frozen=True, tag_field="event", tag="session"):
    """The first frame of a connection."""

    session_id: str
    resume_token: str
    recovered: bool
    last_seq: int
    conversation_id: str
    limits: Limits


class Pong(msgspec.Struct, frozen=True, tag_field="event", tag="pong", omit_defaults=True):
    """The answer to a `ping`."""

    t: str | int | float | None = None


_EVENTS: Final = ("start_turn", "interrupt", "chunk_spoken", "ack", "resume", "ping")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING_FIELD = re.compile(r"Object missing required field `(.*)`")


class NativeCodec:
    """Reads client frames and writes server frames. `max_message_chars` bounds what a user may say at once."""

    def __init__(self, *, max_message_chars: int) -> None:
        self._max_message_chars = max_message_chars
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ClientFrame)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: str | bytes) -> ClientFrame:
        """One frame. Raises FrameError, which names the field and says what was expected."""
        if isinstance(frame, bytes):
            raise FrameError("Expected a text frame with JSON, got a binary frame.")
        try:
            decoded: ClientFrame = self._decoder.decode(frame)
        except msgspec.ValidationError as error:
            raise _explain(str(error)) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise FrameError(
                "The frame is not valid JSON: expected one object with a field `event`, and no lone surrogates."
            ) from None
        if isinstance(decoded, StartTurn):
            self._check(decoded)
        return decoded

    def _check(self, frame: StartTurn) -> None:
        if not frame.message.strip():
            raise FrameError("message: expected text that is not blank.")
        if len(frame.message) > self._max_message_chars:
            raise FrameError(
                f"message: expected at most {self._max_message_chars} characters, got {len(frame.message)}.",
                code="frame_too_large",
            )
        if frame.lang is not None and not LANGUAGE_TAG.match(frame.lang):
            raise FrameError("lang: expected a BCP 47 language tag, such as `en` or `pt-BR`.")

    def encode(self, event: TurnEvent | Error, seq: int) -> str:
        """An event as a frame with its place in the session's order."""
        body = self._encoder.encode(event)
        return f'{{"seq":{seq},{body[1:].decode()}'

    def encode_control(self, frame: SessionFrame | Pong) -> str:
        """A frame outside the session's order."""
        return self._encoder.encode(frame).decode()


def _explain(text: str) -> FrameError:
    """Say what msgspec found wrong in the words of the protocol."""
    what, _, path = text.rpartition(" - at `$") if text.endswith("`") and " - at `$" in text else (text, "", "")
    field = path.removesuffix("`").lstrip(".")
    if field == "event":
        return FrameError(f"event: expected one of {', '.join(_EVENTS)}.", code="unknown_frame")
    if unknown := _UNKNOWN_FIELD.match(what):
        name = ".".join(filter(None, (field, unknown[1][:64] or '""')))
        return FrameError(f"{name}: unknown field; this frame has no such field.")
    if missing := _MISSING_FIELD.match(what):
        name = ".".join(filter(None, (field, missing[1])))
        return FrameError(f"{name}: expected this field, but it is missing.")
    what = what.replace("`", "")[:120]  # it may quote the value
    return FrameError(f"{field}: {what[0].lower()}{what[1:]}." if field else f"{what}.")
