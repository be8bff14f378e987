"""A session's frames, between a listener and connections that do what a test says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gateway.channel import Channel
from gateway.outbox import ClientGoneError
from gateway.wire.native import Limits, NativeCodec, SessionFrame
from pipeline.events import StreamToken, TTSReadyChunk


class Socket:
    """Takes frames until it is `gone`."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.gone = False
        self.closed = False

    async def send(self, frame: str) -> None:
        if self.gone:
            raise ClientGoneError
        self.frames.append(json.loads(frame))

    async def taken_over(self) -> None:
        self.closed = True

    async def failed(self) -> None:
        raise AssertionError

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "seq" in frame]


class News:
    """What the channel told of chunks and of the client."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def chunk_sent(self, turn_id: str, index: int) -> None:
        self.heard.append(("sent", index))

    def chunk_lost(self, turn_id: str, index: int) -> None:
        self.heard.append(("lost", index))

    def client_attached(self, attached: bool) -> None:
        self.heard.append(("attached", attached))

    def since(self, count: int) -> list[tuple[str, object]]:
        return self.heard[count:]


def opening() -> SessionFrame:
    return SessionFrame("s", "t", False, 0, "c", Limits(1, 1, 1, 1.0))


def new_channel() -> tuple[Channel, News]:
    news = News()
    return Channel(NativeCodec(max_message_chars=100), listener=news), news


async def say(channel: Channel, *indexes: int) -> None:
    """A caption and a chunk, for each index."""
    for index in indexes:
        await channel.emit(StreamToken("x", "t"))
        await channel.emit(TTSReadyChunk("t", index, "x", (index, index + 1), "sentence"))


async def test_a_frame_that_no_connection_ever_got_cannot_be_the_last_one_a_client_has() -> None:
    channel, _ = new_channel()
    first, second = Socket(), Socket()
    assert await channel.attach(first, opening, last_seq=None)
    await say(channel, 0)
    first.gone = True
    await say(channel, 1)
    assert channel.last_seq == 4
    for beyond in (4, 5):  # of the third, which was given to a connection that failed, nobody knows
        assert await channel.attach(second, opening, last_seq=beyond) is False
    assert second.frames == []
    assert await channel.attach(second, opening, last_seq=2) is True
    assert second.seqs == [3, 4]


async def test_a_chunk_that_a_resume_shows_to_be_lost_is_told_as_lost_and_then_as_sent_again() -> None:
    channel, news = new_channel()
    await channel.attach(Socket(), opening, last_seq=None)
    await say(channel, 0, 1, 2)
    before = len(news.heard)
    again = Socket()
    assert await channel.attach(again, opening, last_seq=3)
    assert again.seqs == [4, 5, 6]
    assert news.since(before) == [("sent", 0), ("lost", 1), ("attached", True), ("sent", 1), ("sent", 2)]


async def test_chunks_of_several_turns_may_be_lost_at_once() -> None:
    channel, news = new_channel()
    await channel.attach(Socket(), opening, last_seq=None)
    for turn_id in ("one", "two"):
        for index in (0, 1):
            await channel.emit(TTSReadyChunk(turn_id, index, "x", (index, index + 1), "sentence"))
    await channel.attach(Socket(), opening, last_seq=1)
    assert [index for what, index in news.heard if what == "lost"] == [1, 0]


async def test_a_resume_that_misses_no_chunk_loses_none() -> None:
    channel, news = new_channel()
    await channel.attach(Socket(), opening, last_seq=None)
    await say(channel, 0)
    await channel.attach(Socket(), opening, last_seq=2)
    assert "lost" not in {what for what, _ in news.heard}


async def test_of_a_client_that_acknowledges_only_that_has_arrived_when_it_is_given_up() -> None:
    channel, news = new_channel()
    await channel.attach(Socket(), opening, last_seq=None)
    await say(channel, 0, 1, 2)
    channel.ack(2)
    channel.give_up()
    assert news.heard[-2:] == [("attached", False), ("lost", 1)]


async def test_of_one_that_does_not_all_that_was_written_has() -> None:
    channel, news = new_channel()
    await channel.attach(Socket(), opening, last_seq=None)
    await say(channel, 0, 1, 2)
    channel.chunk_arrived("t", 0)  # a report is no promise to acknowledge
    channel.give_up()
    assert "lost" not in {what for what, _ in news.heard}


async def test_of_two_that_resume_at_once_the_later_one_stays_and_has_every_frame() -> None:
    channel, _ = new_channel()
    first, one, other = Socket(), Socket(), Socket()
    await channel.attach(first, opening, last_seq=None)
    await say(channel, 0, 1)
    await asyncio.gather(channel.attach(one, opening, last_seq=1), channel.attach(other, opening, last_seq=1))
    assert (first.closed, one.closed, other.closed) == (True, True, False)
    await say(channel, 2)
    assert other.seqs == [2, 3, 4, 5, 6]


class Clogged(Socket):
    """What it is given arrives, but it never says so."""

    async def send(self, frame: str) -> None:
        await super().send(frame)
        if "seq" in self.frames[-1]:
            await asyncio.Event().wait()


async def test_a_frame_that_arrived_is_known_to_have_though_its_sending_never_returned() -> None:
    for shown_by in ("resume", "ack", "chunk"):
        channel, news = new_channel()
        await channel.attach(Clogged(), opening, last_seq=None)
        emitting = asyncio.create_task(channel.emit(TTSReadyChunk("t", 0, "x", (0, 1), "sentence")))
        await asyncio.sleep(0)
        assert news.heard == [("attached", True)]
        if shown_by == "resume":
            attaching = asyncio.create_task(channel.attach(again := Socket(), opening, last_seq=1))
            await asyncio.sleep(0)
            emitting.cancel()  # whoever wrote is gone with its connection
            assert await attaching is True
            assert again.seqs == []
        elif shown_by == "ack":
            channel.ack(1)
        else:
            channel.chunk_arrived("t", 0)
        assert ("sent", 0) in news.heard
        channel.give_up()
        assert ("lost", 0) not in news.heard
        emitting.cancel()
