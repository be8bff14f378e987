"""ReplayWindow: the frames of a session that its client may not have yet, in order. No I/O."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

__all__ = ["Frame", "ReplayWindow"]

MAX_FRAMES: Final = 2_000
MAX_BYTES: Final = 1024 * 1024
SPARE_FRAMES: Final = 500
SPARE_BYTES: Final = 256 * 1024
"""What a full window takes beyond its bounds: a turn's last words, and errors, for a while."""


class Frame(NamedTuple):
    """A server frame as it goes over the wire; `chunk` is (turn_id, index) for a `tts_ready_chunk`."""

    seq: int
    text: str
    chunk: tuple[str, int] | None = None

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(self.text) if self.text.isascii() else len(self.text.encode())


class ReplayWindow:
    """Frames numbered 1, 2, 3 … of which the acknowledged ones are gone.

    `full` says that no more should be added until some are acknowledged or may be forgotten; adding works all
    the same, so that an error can be told. `overfull` says that not even an error should.
    """

    def __init__(self, *, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self.last_seq = 0

    @property
    def full(self) -> bool:
        """Whether the window has reached its bounds."""
        return len(self._frames) >= self._max_frames or self._bytes >= self._max_bytes

    @property
    def overfull(self) -> bool:
        """Whether it is beyond its bounds by more than is to spare."""
        return len(self._frames) >= self._max_frames + SPARE_FRAMES or self._bytes >= self._max_bytes + SPARE_BYTES

    def add(self, frame: Frame) -> None:
        """Take the next frame, whose `seq` is `last_seq + 1`."""
        if frame.seq != self.last_seq + 1:
            raise ValueError(f"frame {frame.seq} after {self.last_seq}")
        self.last_seq = frame.seq
        self._frames.append(frame)
        self._bytes += frame.size

    def ack(self, seq: int) -> tuple[str, int] | None:
        """Every frame up to `seq` has arrived; late and repeated acknowledgements are fine. The last chunk of them."""
        chunk = None
        while self._frames and self._frames[0].seq <= seq:
            frame = self._frames.popleft()
            self._bytes -= frame.size
            chunk = frame.chunk or chunk
        return chunk

    def slide(self, seq: int) -> None:
        """Forget the oldest frames up to `seq`, as many as it takes to be no longer full."""
        while self.full and self._frames[0].seq <= seq:
            self._bytes -= self._frames.popleft().size

    def reaches_back_to(self, seq: int) -> bool:
        """Whether exactly the frames after `seq` can be replayed."""
        return self.last_seq - len(self._frames) <= seq <= self.last_seq

    def after(self, seq: int) -> Frame | None:
        """The frame that follows `seq`; None when it was the last. Only for a `seq` the window reaches back to."""
        return self._frames[seq - self.last_seq] if seq < self.last_seq else None

    def first_chunks_after(self, seq: int) -> dict[str, int]:
        """The index of the first chunk whose frame follows `seq`, by turn."""
        first: dict[str, int] = {}
        for frame in self._frames:
            if frame.seq > seq and frame.chunk is not None:
                first.setdefault(*frame.chunk)
        return first

    @property
    def acked(self) -> int:
        """The last frame that is gone from here."""
        return self.last_seq - len(self._frames)

    def seq_of_chunk(self, turn_id: str, index: int) -> int:
        """The number of the frame that carried this chunk; 0 when it is not here."""
        return next((frame.seq for frame in self._frames if frame.chunk == (turn_id, index)), 0)
