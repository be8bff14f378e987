"""The gateway as a process, and the terminal client that talks to it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from doubles import until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ROOT = Path(__file__).resolve().parent.parent
TALK = ROOT / "scripts" / "talk.py"


class Process:
    """A running gateway."""

    def __init__(self, process: asyncio.subprocess.Process, start_line: str) -> None:
        self.process = process
        self.start_line = start_line
        found = re.search(r"ws://(\S+):(\d+)/ws", start_line)
        assert found, start_line
        self.url = found[0]
        self.address = (found[1], int(found[2]))

    async def stop(self, limit_s: float) -> int:
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(limit_s):
            return await self.process.wait()

    async def log(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()


def environment(**extra: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GATEWAY_", "OPENAI_"))}
    return kept | {"GATEWAY_DATABASE": ":memory:"} | extra


async def gateway_process(*flags: str, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *flags,
        cwd=ROOT, env=environment(**env), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


@asynccontextmanager
async def running(*flags: str, limit_s: float = 20, **env: str) -> AsyncGenerator[Process, None]:
    process = await gateway_process("--port", "0", *flags, **env)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(limit_s):
            yield Process(process, (await process.stderr.readline()).decode())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def talk(*flags: str, typed: bytes | None = None, **env: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(TALK), *flags,
        env=environment(**env), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate(typed)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("flags", "env", "names"),
    [
        (["--port", "eighty"], {}, "--port"),
        ([], {"GATEWAY_AGENT": "parrot"}, "GATEWAY_AGENT"),
        (["--host", "0.0.0.0"], {}, "GATEWAY_API_KEYS"),
        (["--host", "no.such.host.invalid"], {"GATEWAY_API_KEYS": "k:u"}, "--host"),
        (["--agent", "openai"], {}, "OPENAI_API_KEY"),
        (["--database", "/dev/null/conversations.db"], {}, "--database"),
        (["--database", str(ROOT / "README.md")], {}, "--database"),
        ([], {"GATEWAY_DATABASE": "", "XDG_DATA_HOME": "/dev/null"}, "--database"),
    ],
)
async def test_a_bad_setting_stops_the_start_with_one_line(flags: list[str], env: dict[str, str], names: str) -> None:
    process = await gateway_process(*flags, **env)
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    lines = err.decode().splitlines()
    assert (process.returncode, len(lines), out) == (2, 1, b"")
    assert names in lines[0]


async def test_a_port_that_is_taken_is_named() -> None:
    async with running("--agent", "offline") as gateway:
        port = gateway.url.split(":")[-1].removesuffix("/ws")
        process = await gateway_process("--port", port)
        _, err = await process.communicate()
        assert process.returncode == 2
        assert port in err.decode()


@pytest.mark.parametrize(
    ("flags", "env", "says"),
    [
        ([], {}, "offline"),
        ([], {"OPENAI_API_KEY": "sk-test"}, "openai"),
        (["--base-url", "http://127.0.0.1:1/v1", "--model", "tiny"], {}, "tiny at http://127.0.0.1:1/v1"),
        (["--agent", "offline"], {"OPENAI_API_KEY": "sk-test"}, "offline"),
    ],
)
async def test_the_start_line_says_who_answers(flags: list[str], env: dict[str, str], says: str) -> None:
    async with running(*flags, **env) as gateway:
        assert says in gateway.start_line
        assert "sk-test" not in gateway.start_line


async def test_an_idle_gateway_stops_at_once_and_cleanly() -> None:
    async with running() as gateway:
        async with connect(gateway.url) as socket:
            await socket.recv()
            assert await gateway.stop(5) == 0
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert "Traceback" not in await gateway.log()


async def test_a_live_turn_may_end_before_the_stop() -> None:
    async with running("--tokens-per-second", "200") as gateway, connect(gateway.url) as socket:
        await socket.send(json.dumps({"event": "start_turn", "message": "Count to 10"}))
        while json.loads(await socket.recv())["event"] != "stream_token":
            pass
        stopping = asyncio.create_task(gateway.stop(15))
        frame = {"event": ""}
        while frame["event"] != "stream_end":
            frame = json.loads(await socket.recv())
        assert await stopping == 0


async def test_a_second_signal_does_not_wait_for_the_turn() -> None:
    async with running("--tokens-per-second", "2") as gateway, connect(gateway.url) as socket:
        await socket.send(json.dumps({"event": "start_turn", "message": "Count to 50"}))
        while json.loads(await socket.recv())["event"] != "stream_token":
            pass
        gateway.process.send_signal(signal.SIGTERM)
        with pytest.raises(InvalidStatus) as refused:
            while True:  # until it has begun to stop
                async with connect(gateway.url):
                    pass
        assert refused.value.response.status_code == 503
        assert await gateway.stop(8) == 0
        assert "Traceback" not in await gateway.log()


async def test_the_log_has_one_line_a_turn_and_nothing_the_user_said() -> None:
    async with running() as gateway:
        status, _, _ = await talk("--once", "My secret is zanzibar", "--mute", "--url", gateway.url)
        assert status == 0
        await gateway.stop(5)
        log = await gateway.log()
        turns = [line for line in log.splitlines() if " turn " in line]
        assert len(turns) == 1
        for part in ("completed", "first_token_ms=", "first_chunk_ms=", "total_ms=", "chunks=", "correlation_id="):
            assert part in turns[0]
        assert "zanzibar" not in log


async def test_talk_once() -> None:
    async with running() as gateway:
        status, out, err = await talk("--once", "What time is it in Tokyo?", "--mute", "--url", gateway.url)
        assert (status, err) == (0, "")
        assert "Tokyo" in out
        status, out, _ = await talk("--once", "Count to 3", "--json", "--url", gateway.url)
        assert status == 0
        events = [json.loads(line)["event"] for line in out.splitlines()]
        assert events[0] == "session"
        assert events[-1] == "stream_end"
        assert "tts_ready_chunk" in events


async def test_talk_takes_lines_and_enter_interrupts() -> None:
    async with running("--tokens-per-second", "20") as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(TALK), "--mute", "--url", gateway.url,
            env=environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdin.write(b"Count to 40\n")
        first = (await process.stdout.readline()).decode()
        assert first.strip()
        process.stdin.write(b"\n")
        while "interrupted" not in (line := (await process.stdout.readline()).decode()):
            assert line, "talk.py ended"
        process.stdin.write(b"/quit\n")
        assert await process.wait() == 0


async def test_talk_says_why_it_cannot() -> None:
    status, _, err = await talk("--once", "hi", "--url", "ws://127.0.0.1:9/ws")
    assert (status, len(err.splitlines())) == (1, 1)
    async with running(GATEWAY_API_KEYS="s3cret:ann") as gateway:
        status, _, err = await talk("--once", "hi", "--url", gateway.url)
        assert status == 1
        assert "401" in err
        status, out, _ = await talk("--once", "hi", "--mute", "--url", gateway.url, GATEWAY_KEY="s3cret")
        assert status == 0
        assert out.strip()


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A directory with an `espeak-ng` that writes down what it begins to speak, and takes its time."""
    command = tmp_path / "espeak-ng"
    command.write_text('#!/bin/sh\ncat >> "$0.heard"; echo >> "$0.heard"\nexec sleep "$VOICE_S"\n')
    command.chmod(0o755)
    return tmp_path


async def test_talk_speaks_and_reports_what_was_spoken(voice: Path) -> None:
    async with running("--tokens-per-second", "0") as gateway:
        status, out, err = await talk(
            "--once", "Count to 3", "--url", gateway.url, PATH=f"{voice}:{os.environ['PATH']}", VOICE_S="0.01"
        )
        assert (status, err) == (0, "")
        assert [line.strip() for line in out.splitlines()] == (voice / "espeak-ng.heard").read_text().splitlines()


async def test_talk_stops_speaking_when_the_user_breaks_in(voice: Path) -> None:
    async with running("--tokens-per-second", "0") as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(TALK), "--url", gateway.url,
            env=environment(PATH=f"{voice}:{os.environ['PATH']}", VOICE_S="60"),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdin.write(b"Count to 40\n")
        assert (await process.stdout.readline()).strip()
        await until(lambda: (voice / "espeak-ng.heard").exists())
        process.stdin.write(b"Count to 30\n")  # barges in
        lines = [await process.stdout.readline(), await process.stdout.readline()]
        assert [b"-- interrupted" in line for line in lines].count(True) == 1
        process.stdin.write(b"/quit\n")
        async with asyncio.timeout(5):  # the voice is stopped, however long it would have gone on
            assert await process.wait() == 0


async def test_talk_goes_on_after_the_gateway_was_restarted() -> None:
    async with running("--tokens-per-second", "0") as gateway:
        port = gateway.url.split(":")[-1].removesuffix("/ws")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(TALK), "--mute", "--url", gateway.url, "--conversation", "ours",
            env=environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        await process.stdout.readline()
        assert await gateway.stop(10) == 0
        assert b"connection_lost" in await process.stderr.readline()
        process.stdin.write(b"Count to 3\n")
        async with running("--tokens-per-second", "0", "--port", port):
            assert b"session_lost" in await process.stderr.readline()
            assert (await process.stdout.readline()).strip()
            process.stdin.close()  # Ctrl-D
            assert await process.wait() == 0


# Memory, measured on the gateway's own process


async def test_a_client_that_stops_reading_costs_little_memory() -> None:
    async with running("--tokens-per-second", "0", "--write-timeout-s", "30") as gateway:
        process = psutil.Process(gateway.process.pid)
        async with connect(gateway.url, compression=None, max_queue=1) as warm:
            await warm.send(json.dumps({"event": "start_turn", "message": "Count to 50"}))
            while json.loads(await warm.recv())["event"] != "stream_end":
                pass
        async with connect(gateway.url, compression=None, max_queue=1) as socket:
            before = process.memory_info().rss
            socket.transport.pause_reading()
            for _ in range(50):
                await socket.send(json.dumps({"event": "start_turn", "message": "Read the text aloud"}))
            cpu = -1.0
            while cpu != (now := sum(process.cpu_times()[:2])):  # until it rests
                cpu = now
                await asyncio.sleep(0.3)
            assert process.memory_info().rss - before < 10 * 2**20
            socket.transport.abort()


async def test_idle_connections_are_cheap() -> None:
    async with running() as gateway:
        process = psutil.Process(gateway.process.pid)

        async def open_many(count: int) -> list[object]:
            sockets = [await connect(gateway.url, compression=None).__aenter__() for _ in range(count)]
            for socket in sockets:
                await socket.recv()
            return list(sockets)

        warm = await open_many(50)
        before = process.memory_info().rss
        many = await open_many(500)
        each = (process.memory_info().rss - before) / len(many)
        assert each < 60 * 1024
        for socket in (*warm, *many):
            socket.transport.abort()  # type: ignore[attr-defined]
