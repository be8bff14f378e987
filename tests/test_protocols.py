"""Rude peers: floods of small frames, half a handshake, agents that will not stop; always with a real process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest
from doubles import until, until_still
from serving import Client, serving
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from gateway import protocols

HERE = Path(__file__).resolve().parent
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@asynccontextmanager
async def process(kind: str, folder: Path, *flags: str) -> AsyncGenerator[tuple[psutil.Process, int, Path], None]:
    """A gateway process with one of the agents of `stubborn_gateway.py`, its port, and its counter."""
    told = folder / "port"
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "stubborn_gateway.py"), kind, str(told), *flags,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)}, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until(lambda: told.exists() and told.read_text(), limit_s=20)
        yield psutil.Process(child.pid), int(told.read_text()), folder / "port.pulled"
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def test_an_agent_that_will_not_stop_does_not_keep_the_process_alive(tmp_path: Path) -> None:
    async with process("stubborn", tmp_path, "--drain-timeout-s", "0.2") as (gateway, port, _):
        async with connect(f"ws://127.0.0.1:{port}/ws") as socket:
            client = Client(socket)
            await client.send("start_turn", message="go")
            await client.until("tts_ready_chunk")
            gateway.send_signal(signal.SIGTERM)
            assert await client.close_code() == 1012
        await until(lambda: not gateway.is_running() or gateway.status() == psutil.STATUS_ZOMBIE, limit_s=15)


async def test_a_hundred_thousand_tokens_and_a_client_that_stops_reading(tmp_path: Path) -> None:
    async with (
        process("flood", tmp_path, "--write-timeout-s", "60") as (gateway, port, pulled),
        connect(f"ws://127.0.0.1:{port}/ws", compression=None, max_queue=1) as socket,
    ):
        client = Client(socket)
        await client.frame()
        before = gateway.memory_info().rss
        socket.transport.pause_reading()
        await client.send("start_turn", message="go")
        await until(pulled.exists, limit_s=20)
        seen = await until_still(lambda: int(pulled.read_text() or "0"), pause_s=0.5)
        assert 0 < seen < 20_000
        assert gateway.memory_info().rss - before < 10 * 2**20
        socket.transport.abort()


async def handshake(address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address)
    writer.write((UPGRADE + "\r\n").encode())
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


FLOODS = {
    "pings": Frame(Opcode.PING, b""),
    "pongs": Frame(Opcode.PONG, b""),
    "fragments without end": Frame(Opcode.CONT, b"", fin=False),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_of_small_frames_is_cut_off_and_keeps_nobody_waiting(flood: str) -> None:
    async with serving() as gateway, gateway.client() as other:
        reader, writer = await handshake(gateway.address)
        if flood == "fragments without end":
            writer.write(Frame(Opcode.TEXT, b"{", fin=False).serialize(mask=True))
        writer.write(b"".join(FLOODS[flood].serialize(mask=True) for _ in range(20_000)))
        started = time.monotonic()
        await other.send("ping")
        while (await other.frame(limit_s=10))["event"] != "pong":
            pass
        assert time.monotonic() - started < 5
        with suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()
        assert (await other.turn("What is 1 plus 1?"))[-1]["event"] == "stream_end"


async def test_ordinary_pings_are_answered() -> None:
    async with serving() as gateway, gateway.client() as client:
        for _ in range(50):
            await (await client.socket.ping())


@pytest.mark.parametrize(
    "request_text",
    [UPGRADE + "Content-Length: 1\r\n\r\n", UPGRADE + "X-Long: " + "x" * 40_000 + "\r\n\r\n"],
    ids=["a body", "a long header"],
)
async def test_what_is_no_handshake_is_answered_and_does_not_disturb_the_stop(request_text: str) -> None:
    async with serving() as gateway:
        reader, writer = await asyncio.open_connection(*gateway.address)
        writer.write(request_text.encode())
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 4")
        writer.close()


@pytest.mark.parametrize("request_text", ["", "GET /ws HT", "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
async def test_half_a_request_is_not_waited_for(request_text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "HANDSHAKE_TIMEOUT_S", 0.2)
    async with serving() as gateway:
        reader, writer = await asyncio.open_connection(*gateway.address)
        writer.write(request_text.encode())
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("host", ["[::1", "127.0.0.1/evil.example", "127.0.0.1?x", "", "evil.example", "a b"])
async def test_an_odd_host_is_refused(host: str) -> None:
    async with serving() as gateway:
        reader, writer = await asyncio.open_connection(*gateway.address)
        writer.write(UPGRADE.replace("Host: 127.0.0.1", f"Host: {host}\r\nOrigin: http://{host}").encode() + b"\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read(4096)
        assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))
        writer.close()


async def test_frames_that_are_there_already_do_not_starve_the_others() -> None:
    async with serving() as gateway, gateway.client() as other:
        _, writer = await handshake(gateway.address)
        ack = Frame(Opcode.TEXT, b'{"event":"ack","seq":0}').serialize(mask=True)
        writer.write(ack * 50_000)
        started = time.monotonic()
        await other.send("ping")
        while (await other.frame(limit_s=10))["event"] != "pong":
            pass
        assert time.monotonic() - started < 2
        writer.transport.abort()
