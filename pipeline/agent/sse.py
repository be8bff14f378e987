"""Server-sent events, read lean: bytes in, the `data` of whole events out. No I/O, no JSON."""

from __future__ import annotations

__all__ = ["EventTooLongError", "SSEDecoder"]

MAX_EVENT_BYTES = 2 * 1024 * 1024
LF, CR = b"\n\r"  # as numbers, which `in` finds in bytes much faster than bytes


class EventTooLongError(ValueError):
    """One event grew past the limit: whoever sends this is broken or hostile."""


class SSEDecoder:
    """`feed` takes bytes cut anywhere and returns the payloads of the events that are now complete.

    Lines may end in LF, CR LF or CR. Comments and all fields but `data` are skipped: in the protocols
    that are read here the payload itself says what it is.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._rest = b""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises EventTooLongError instead of buffering without end."""
        if chunk[-2:] == b"\n\n" and chunk[:6] == b"data: " and not (self._rest or self._data):
            payload = chunk[6:-2]
            if LF not in payload and CR not in payload:
                return [payload]  # one whole event of one line: what a packet is, as a rule
        text = self._rest + chunk if self._rest else chunk
        held = b""
        if CR in text:
            if text.endswith(b"\r"):  # the LF of this CR LF may come with the next packet
                text, held = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = text.split(b"\n")
        self._rest = lines.pop() + held
        payloads = []
        for line in lines:
            if not line:
                if self._data:
                    payloads.append(self._take())
            elif line[:5] == b"data:":
                self._add(line[6:] if line[5:6] == b" " else line[5:])
        if len(self._rest) + self._data_bytes > self._max_event_bytes:
            raise EventTooLongError(f"an event of more than {self._max_event_bytes} bytes")
        return payloads

    def finish(self) -> list[bytes]:
        """The end of the stream: gives out an event whose closing blank line the server left out."""
        payloads = self.feed(b"\n\n") if self._rest or self._data else []
        self._rest = b""
        return payloads

    def _add(self, value: bytes) -> None:
        self._data.append(value)
        self._data_bytes += len(value)

    def _take(self) -> bytes:
        payload = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._data_bytes = 0
        return payload
