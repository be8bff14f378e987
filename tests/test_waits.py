"""Waits: deadlines, an end to all of them, and the caller's own cancellation."""

from __future__ import annotations

import asyncio
import math
from functools import partial

import pytest

from pipeline.agent.waits import RunCancelledError, Waits

for_ever = partial(asyncio.sleep, 3600)


def soon(seconds: float = 0.01) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_the_result_and_the_exception_pass_through() -> None:
    async def fail() -> None:
        raise ValueError

    waits = Waits()
    assert await waits.until(soon(5), partial(asyncio.sleep, 0, "done")) == "done"
    with pytest.raises(ValueError):
        await waits.until(math.inf, fail)
    waits.close()


async def test_each_wait_has_its_own_deadline() -> None:
    waits = Waits()
    for deadline in (soon(0.01), soon(0.03), soon(-1)):
        with pytest.raises(TimeoutError):
            await waits.until(deadline, for_ever)
    await waits.until(soon(0.01), partial(asyncio.sleep, 0))
    await asyncio.sleep(0.02)  # the timer fires while nobody waits
    with pytest.raises(TimeoutError):
        await waits.until(soon(0.01), for_ever)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_an_earlier_timer_is_moved_to_a_later_deadline() -> None:
    waits = Waits()
    await waits.until(soon(0.01), partial(asyncio.sleep, 0))
    assert await waits.until(soon(5), partial(asyncio.sleep, 0.03, "late")) == "late"
    waits.close()


async def test_cancel_ends_the_wait_and_later_ones() -> None:
    waits = Waits()
    asyncio.get_running_loop().call_soon(waits.cancel)
    for _ in range(2):
        with pytest.raises(RunCancelledError):
            await waits.until(math.inf, for_ever)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_the_callers_cancellation_is_not_swallowed() -> None:
    waits = Waits()
    task = asyncio.create_task(waits.until(math.inf, for_ever))
    await asyncio.sleep(0)
    waits.cancel()  # both at once: the task's own cancellation counts
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
