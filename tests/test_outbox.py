"""The only writer: one frame at a time, a deadline, and an end that is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocket

from gateway.error_table import CloseCode
from gateway.outbox import ClientGoneError, Outbox


class Transport:
    """An ASGI server's side of a websocket; holds every send while it is `stuck`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(self, message: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        if message["type"] == "websocket.send":
            await self.free.wait()
        self.sent.append(message)


@pytest.fixture
def transport() -> Transport:
    return Transport()


async def open_outbox(transport: Transport, write_timeout_s: float = 5.0) -> Outbox:
    websocket = WebSocket({"type": "websocket"}, transport.receive, transport.send)  # type: ignore[arg-type]
    await websocket.accept()
    transport.sent.clear()
    return Outbox(websocket, write_timeout_s=write_timeout_s)


async def test_frames_leave_in_the_order_they_were_sent(transport: Transport) -> None:
    outbox = await open_outbox(transport)
    transport.free.clear()
    sends = [asyncio.create_task(outbox.send(str(number))) for number in range(5)]
    await asyncio.sleep(0)
    transport.free.set()
    await asyncio.gather(*sends)
    assert [message["text"] for message in transport.sent] == ["0", "1", "2", "3", "4"]


async def test_a_client_that_does_not_read_is_given_up_and_told_so(transport: Transport) -> None:
    outbox = await open_outbox(transport, write_timeout_s=0.01)
    transport.free.clear()
    with pytest.raises(ClientGoneError) as gone:
        await outbox.send("never read")
    assert gone.value.code is CloseCode.TRY_LATER
    with pytest.raises(ClientGoneError):
        await outbox.send("nor this")
    await outbox.close(CloseCode.TRY_LATER, "too slow")
    assert [(message["type"], message["code"]) for message in transport.sent] == [("websocket.close", 1013)]


async def test_every_frame_has_its_own_deadline(transport: Transport) -> None:
    outbox = await open_outbox(transport, write_timeout_s=0.05)
    loop = asyncio.get_running_loop()
    for _ in range(4):  # together longer than the deadline
        await outbox.send("read")
        await asyncio.sleep(0.02)
    transport.free.clear()
    began = loop.time()
    with pytest.raises(ClientGoneError):
        await outbox.send("never read")
    assert loop.time() - began >= 0.05


async def test_a_close_passes_a_stuck_frame(transport: Transport) -> None:
    outbox = await open_outbox(transport)
    transport.free.clear()
    stuck = asyncio.create_task(outbox.send("stuck"))
    await asyncio.sleep(0)
    await outbox.close(CloseCode.RESTART)
    assert [message["type"] for message in transport.sent] == ["websocket.close"]
    stuck.cancel()
    await asyncio.wait([stuck])


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed"), ConnectionResetError()])
async def test_a_client_that_left(transport: Transport, error: Exception) -> None:
    outbox = await open_outbox(transport)
    transport.error = error
    with pytest.raises(ClientGoneError) as gone:
        await outbox.send("hello")
    assert gone.value.code is None
    await outbox.close(CloseCode.INTERNAL)
    assert transport.sent == []


async def test_nothing_leaves_after_the_close(transport: Transport) -> None:
    outbox = await open_outbox(transport)
    await outbox.close(CloseCode.DONE)
    with pytest.raises(ClientGoneError):
        await outbox.send("late")
    await outbox.close(CloseCode.INTERNAL)
    assert [message["type"] for message in transport.sent] == ["websocket.close"]
    assert transport.sent[0]["code"] == 1000
