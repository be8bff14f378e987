"""SSEDecoder: bytes cut anywhere, every line end, bounded memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agent.sse import EventTooLongError, SSEDecoder

STREAM = (
    b": comment\n\nevent: x\ndata: one\nid: 5\n\ndata:two\ndata: more\n\n\n\ndata: \xf0\x9f\x98\x80\n\nretry: 5\n\n"
)
EVENTS = [b"one", b"two\nmore", b"\xf0\x9f\x98\x80"]


def decode(*chunks: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    return [payload for chunk in chunks for payload in decoder.feed(chunk)] + decoder.finish()


@given(st.lists(st.integers(0, len(STREAM) * 2)), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_events_do_not_depend_on_the_packets_or_line_ends(cuts: list[int], newline: bytes) -> None:
    stream = STREAM.replace(b"\n", newline)
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    assert decode(*chunks) == EVENTS


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n", b"\n\n"])
def test_the_last_event_may_lack_its_blank_line(end: bytes) -> None:
    assert decode(b"data: x" + end) == [b"x"]


@pytest.mark.parametrize("text", [b"x" * 101, b"data: x\n" * 101])
def test_an_event_without_end_is_refused(text: bytes) -> None:
    decoder = SSEDecoder(max_event_bytes=100)
    with pytest.raises(EventTooLongError):
        for position in range(len(text)):
            decoder.feed(text[position : position + 1])


@pytest.mark.parametrize(
    "packets",
    [
        [b"data: a\n\n", b"data: b\n\n"],
        [b"data: a\n\ndata: b\n\n"],
        [b"data: a\r\rdata: b\n\n"],
        [b"data: a\n", b"\ndata: b\n\n"],
        [b"data: a\n\r", b"\ndata: b\n\n"],
        [b"data: a\n\nda", b"ta: b", b"\n\n"],
    ],
)
def test_packets_of_one_whole_event_and_others_mix(packets: list[bytes]) -> None:
    assert decode(*packets) == [b"a", b"b"]


def test_a_packet_that_looks_whole_may_go_on_with_an_event() -> None:
    assert decode(b"data: a\n", b"data: b\n\n") == [b"a\nb"]
    assert decode(b"data: a\rdata: b\n\n") == [b"a\nb"]
