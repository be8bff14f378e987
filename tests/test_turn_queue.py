"""TurnQueue: bounded, in order, one reader and one writer that may wait."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from pipeline.message_processor.turn_queue import TurnQueue


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_reader_gets_what_comes_in_order() -> None:
    queue: TurnQueue[int] = TurnQueue(2)
    reading = asyncio.create_task(queue.get())
    await settle()
    assert not reading.done()
    queue.put_nowait(1)
    queue.put_nowait(2)
    assert queue.full()
    assert await reading == 1
    assert await queue.get() == 2
    assert queue.empty()


async def test_it_is_bounded() -> None:
    queue: TurnQueue[int] = TurnQueue(1)
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()
    queue.put_nowait(1)
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(2)
    writing = asyncio.create_task(queue.put(2))
    await settle()
    assert not writing.done()
    assert queue.get_nowait() == 1
    await writing
    assert queue.get_nowait() == 2


async def test_a_reader_that_was_cancelled_takes_nothing() -> None:
    queue: TurnQueue[int] = TurnQueue(1)
    reading = asyncio.create_task(queue.get())
    await settle()
    reading.cancel()
    queue.put_nowait(1)
    await asyncio.wait([reading])
    assert reading.cancelled()
    assert await queue.get() == 1


async def test_a_writer_that_was_cancelled_adds_nothing() -> None:
    queue: TurnQueue[int] = TurnQueue(1)
    queue.put_nowait(1)
    writing = asyncio.create_task(queue.put(2))
    await settle()
    queue.get_nowait()  # the writer is awake, and has not run
    writing.cancel()
    await asyncio.wait([writing])
    assert writing.cancelled()
    assert queue.empty()


async def test_a_woken_reader_waits_on_when_all_was_drained() -> None:
    queue: TurnQueue[int] = TurnQueue(1)
    reading = asyncio.create_task(queue.get())
    await settle()
    queue.put_nowait(1)
    queue.get_nowait()
    await settle()
    assert not reading.done()
    queue.put_nowait(2)
    assert await reading == 2


async def test_a_woken_writer_waits_on_when_others_were_faster() -> None:
    queue: TurnQueue[int] = TurnQueue(1)
    queue.put_nowait(1)
    writing = asyncio.create_task(queue.put(3))
    await settle()
    queue.get_nowait()
    queue.put_nowait(2)
    await settle()
    assert not writing.done()
    assert queue.get_nowait() == 2
    await writing
    assert queue.get_nowait() == 3


@pytest.mark.parametrize("maxsize", [1, 2, 7])
async def test_all_comes_through_at_any_pace(maxsize: int) -> None:
    queue: TurnQueue[int] = TurnQueue(maxsize)
    random = Random(maxsize)

    async def write() -> None:
        for number in range(500):
            await queue.put(number)
            if random.random() < 0.3:
                await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    seen = []
    for _ in range(500):
        seen.append(await queue.get())
        if random.random() < 0.3:
            await asyncio.sleep(0)
    await writing
    assert seen == list(range(500))
    assert queue.empty()
