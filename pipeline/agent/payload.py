"""JSON payloads of a model's stream as structs, with text that is always valid Unicode."""

from __future__ import annotations

import json
from typing import Generic, TypeVar

import msgspec

from pipeline.agent.model_errors import ModelError, warn

__all__ = ["PayloadDecoder", "mended"]

T = TypeVar("T")


class PayloadDecoder(Generic[T]):
    """Decodes one stream's payloads; `text` mends what passes through it in the order of the stream.

    Some servers cut an emoji between the two halves of its surrogate pair: a first half is held until the
    next text, a half that stays alone becomes a replacement character.
    """

    def __init__(self, type_: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(type_)
        self._type = type_
        self._half = ""

    def decode(self, payload: bytes) -> T:
        """Raises ModelError for anything that is not the expected JSON."""
        try:
            return self._decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._decode_leniently(payload)

    def _decode_leniently(self, payload: bytes) -> T:
        """The standard library's parser lets lone surrogates through, which msgspec refuses."""
        try:
            return msgspec.convert(json.loads(payload.decode("utf-8", "replace")), self._type)
        except (ValueError, RecursionError) as error:  # both libraries' errors are ValueErrors
            warn("the model sent a payload that cannot be read: {}", type(error).__name__)
            raise ModelError("The model sent an answer that cannot be read.", retryable=True) from None

    def text(self, text: str | None) -> str:
        """The text to pass on now; empty while it is only half a character."""
        if not text:
            return ""
        if self._half:
            text, self._half = self._half + text, ""
        elif text.isascii():
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return mended(text)


def mended(text: str) -> str:
    """The text with its surrogate pairs joined; a half that is alone becomes a replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
