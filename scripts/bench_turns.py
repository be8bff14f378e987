"""How many sessions one core serves: `scripts/bench turns [--sessions M]`.

The gateway runs on one core; a model and the clients, both as lean as can be, on the other. Each of M WebSocket
sessions asks again and again for answers of 200 tokens, which the model sends at 50 tokens/s. What is measured:

delay   from the model sending the last token of a chunk to the client having the chunk. A chunk that ends
        inside a reply waits for the token behind it, which is when it is known to be complete: `wait` is the
        part of the delay before that token was sent, so `delay - wait` is what the gateway takes
turn    from `start_turn` to `stream_end`, against the 4 s that the tokens take
late    how much later than planned the model sent its tokens: above a few ms this side is the limit
us      CPU time of the gateway's process for each token
starved how long the gateway, or this side, was ready and had to wait for its core: above a few percent other
        programs keep the machine busy, and only `us` means anything

Without --sessions: the largest M with p99 delay <= 100 ms and p99 turn <= 1.1x, by doubling, then by halves.
Then a reply of 2,000 tokens at full speed (time to the first chunk) and interrupts while half of M talk.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import heapq
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psutil
import uvloop

ROOT = Path(__file__).resolve().parent.parent
RATE = 50
TOKENS = 200
FLOOD_TOKENS = 2_000
IDEAL_S = TOKENS / RATE
MAX_DELAY_MS = 100.0
MAX_STRETCH = 1.1


def words(count: int) -> list[str]:
    """Tokens as a model cuts them: sentences of twelve words, a comma in each."""
    pieces = []
    for number in range(count):
        place = number % 12
        word = "This" if place == 0 else ("story", "goes", "on", "and", "tells", "what", "came")[number % 7]
        pieces.append(("" if number == 0 else " ") + word + {5: ",", 11: "."}.get(place, ""))
    return pieces


class Script:
    """A reply, ready to be written: one HTTP chunk for each token, and where each token begins in the text."""

    def __init__(self, count: int) -> None:
        tokens = words(count)
        self.frames = [_http_chunk(_delta({"content": token})) for token in tokens]
        end = [{**_delta({}, "stop")}, {**_delta({}), "choices": [], "usage": USAGE}]
        self.end = b"".join(map(_http_chunk, [*end, "[DONE]"])) + b"0\r\n\r\n"
        self.token_at: list[int] = []
        for number, token in enumerate(tokens):
            self.token_at += [number] * len(token)


USAGE = {"prompt_tokens": 20, "completion_tokens": TOKENS, "total_tokens": TOKENS + 20}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _delta(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz", "object": "chat.completion.chunk", "created": 1_760_000_000,
        "model": "fake-1", "service_tier": "default", "system_fingerprint": "fp_0123456789", "choices": [choice],
    }  # fmt: skip


def _http_chunk(payload: Any) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    data = f"data: {text}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass(eq=False)
class Answer:
    """One reply under way. `sent_at` has the time of each token."""

    model: ModelConnection
    script: Script
    started_at: float
    sent_at: list[float] = field(default_factory=list)
    closed_at: float | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)


class Model:
    """Speaks chat completions to any number of connections. One timer paces all answers."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}  # by the user's message, which names session and turn
        self.late_s: list[float] = []
        self._due: list[tuple[float, int, Answer]] = []
        self._count = 0
        self._paced = Script(TOKENS)
        self._flood = Script(FLOOD_TOKENS)

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, number, answer = heapq.heappop(self._due)
                if answer.closed_at is not None:
                    continue
                self.late_s.append(now - due)
                place = len(answer.sent_at)
                now = time.monotonic()
                answer.sent_at.append(now)
                frame = answer.script.frames[place]
                if place + 1 == len(answer.script.frames):
                    answer.model.finish(frame + answer.script.end)
                else:
                    answer.model.transport.write(frame)
                    heapq.heappush(self._due, (due + 1 / RATE, number, answer))
            await asyncio.sleep(0.001 if self._due else 0.005)

    def answer(self, connection: ModelConnection, body: bytes) -> Answer:
        """Begin to answer a request."""
        asked = msgspec.json.decode(body)["messages"][-1]["content"]
        flood = asked.startswith("flood")
        answer = self.answers[asked] = Answer(connection, self._flood if flood else self._paced, time.monotonic())
        connection.transport.write(HEAD + _http_chunk(_delta({"role": "assistant", "content": ""})))
        if flood:
            answer.sent_at = [time.monotonic()] * FLOOD_TOKENS
            connection.finish(b"".join(self._flood.frames) + self._flood.end)
        else:
            self._count += 1
            heapq.heappush(self._due, (answer.started_at, self._count, answer))
        return answer


class ModelConnection(asyncio.Protocol):
    """One connection of the gateway's HTTP client: requests, one after the other."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._buffer = b""
        self._answer: Answer | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
        if len(rest) >= length:
            self._buffer = rest[length:]
            self._answer = self._model.answer(self, rest[:length])

    def finish(self, data: bytes) -> None:
        self.transport.write(data)
        self._answer = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None:
            self._answer.closed_at = time.monotonic()
            self._answer.closed.set()


@dataclass(eq=False)
class Figures:
    """What clients measured."""

    delays_ms: list[float] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    stretches: list[float] = field(default_factory=list)
    first_chunks_ms: list[float] = field(default_factory=list)
    errors: int = 0


class Session(asyncio.Protocol):
    """A WebSocket client that reads no more of a frame than it must."""

    def __init__(self, name: str, model: Model, figures: Figures) -> None:
        self._name = name
        self._model = model
        self.figures = figures
        self._turn = 0
        self._message = ""
        self._asked_at = 0.0
        self._buffer = b""
        self._open = False
        self.transport: Any = None
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self.talking = asyncio.Event()
        self.again = False
        self.interrupted_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: voice-turn.v1\r\n"
            b"Sec-WebSocket-Key: %s\r\n\r\n" % key.encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.figures.errors += 1
        self.again = False
        self.ended.set()

    def send(self, frame: dict[str, Any]) -> None:
        """A text frame."""
        data = json.dumps(frame).encode()
        size = [0x80 | len(data)] if len(data) < 126 else [0xFE, *len(data).to_bytes(2, "big")]
        head = bytes([0x81, *size])
        self.transport.write(head + bytes(4) + data)  # masked with zeros

    def ask(self, kind: str = "talk", **fields: Any) -> None:
        """Start the next turn."""
        self._turn += 1
        self._message = f"{kind} {self._name} {self._turn}"
        self.ended.clear()
        self.talking.clear()
        self._asked_at = time.monotonic()
        self.send({"event": "start_turn", "message": self._message, "captions": False, **fields})

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        buffer = self._buffer + data if self._buffer else data
        if not self._open:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = buffer
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._open = True
            buffer = rest
        while len(buffer) >= 2:
            size, start = buffer[1], 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, start = int.from_bytes(buffer[2 : 2 + width]), 2 + width
            if len(buffer) < start + size:
                break
            self._take(buffer[0] & 15, buffer[start : start + size], now)
            buffer = buffer[start + size :]
        self._buffer = buffer

    def _take(self, opcode: int, frame: bytes, now: float) -> None:
        if opcode == 9:
            self.transport.write(bytes([0x8A, 0x80 | len(frame)]) + bytes(4) + frame)
        elif b'"event":"tts_ready_chunk"' in frame[:60]:
            self._chunk(msgspec.json.decode(frame), now)
        elif b'"event":"stream_end"' in frame[:60]:
            self.figures.stretches.append((now - self._asked_at) / IDEAL_S)
            self._model.answers.pop(self._message, None)
            self.ended.set()
            if self.again:
                self.ask()
        elif b'"event":"session"' in frame[:60]:
            self.ready.set()
        elif b'"event":"turn_interrupted"' in frame[:80]:
            self.interrupted_at = now
            self.ended.set()
        elif b'"event":"error"' in frame[:60]:
            self.figures.errors += 1
            self.ended.set()

    def _chunk(self, frame: dict[str, Any], now: float) -> None:
        answer = self._model.answers.get(self._message)
        if answer is None:
            return
        last = answer.script.token_at[frame["span"][1] - 1]
        sent = answer.sent_at
        self.figures.delays_ms.append((now - sent[last]) * 1000)
        following = min(last + 1, len(sent) - 1)
        self.figures.waits_ms.append((sent[following] - sent[last]) * 1000)
        if frame["index"] == 0:
            self.figures.first_chunks_ms.append((now - answer.started_at) * 1000)
        self.talking.set()


class Bench:
    """A gateway on one core, and this process on another."""

    def __init__(self, gateway: subprocess.Popen[bytes], port: int, model: Model) -> None:
        self.gateway = psutil.Process(gateway.pid)
        self.model = model
        self.figures = Figures()
        self.sessions: list[Session] = []
        self._port = port

    async def connect(self, count: int) -> None:
        """Have so many sessions."""
        fresh = []
        for number in range(len(self.sessions), count):
            _, session = await asyncio.get_running_loop().create_connection(
                lambda name=str(number): Session(name, self.model, self.figures), "127.0.0.1", self._port
            )
            fresh.append(session)
        for session in fresh:
            await session.ready.wait()
        self.sessions += fresh

    async def load(self, count: int, seconds: float) -> dict[str, float]:
        """So many sessions talk without a pause; what was measured once all do."""
        await self.connect(count)
        sessions = self.sessions[:count]
        await self.begin(sessions)
        figures, model = self.figures, self.model
        _clear(figures)
        model.late_s.clear()
        starved = self._starved_s()
        cpu, at, own = self._cpu_s(), time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        cpu, at, own = self._cpu_s() - cpu, time.monotonic() - at, time.process_time() - own
        tokens = len(model.late_s)
        result = {
            "sessions": count,
            "delay50": _share(figures.delays_ms, 0.5),
            "delay99": _share(figures.delays_ms, 0.99),
            "wait50": _share(figures.waits_ms, 0.5),
            "own99": _share([d - w for d, w in zip(figures.delays_ms, figures.waits_ms, strict=True)], 0.99),
            "turn99": _share(figures.stretches, 0.99),
            "late99": _share([1000 * late for late in model.late_s], 0.99),
            "us": cpu / max(tokens, 1) * 1e6,
            "gateway": cpu / at * 100,
            "load": own / at * 100,
            "starved": (self._starved_s() - starved) / at * 100,
            "errors": figures.errors,
        }
        await self.finish(sessions)
        return result

    async def begin(self, sessions: list[Session]) -> None:
        """All talk, one after the other within the time of a turn; returns when they had a turn."""
        random = Random(1)
        loop = asyncio.get_running_loop()
        for session in sessions:
            session.again = True
            loop.call_later(random.random() * IDEAL_S, session.ask)
        await asyncio.sleep(IDEAL_S * 1.5)

    async def finish(self, sessions: list[Session]) -> None:
        """Let all turns end."""
        for session in sessions:
            session.again = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                for session in sessions:
                    await session.ended.wait()

    async def flood(self, times: int) -> list[float]:
        """Milliseconds from the model sending 2,000 tokens to the first chunk."""
        (session,) = self.sessions[:1]
        _clear(self.figures)
        for _ in range(times):
            session.ask("flood")
            await session.ended.wait()
        return list(self.figures.first_chunks_ms)

    async def interrupts(self, others: int, times: int) -> tuple[list[float], list[float]]:
        """While others talk: milliseconds to `turn_interrupted`, and to the end of the model's stream."""
        await self.connect(others + 1)
        talkers, probe = self.sessions[1 : others + 1], self.sessions[0]
        if talkers:
            await self.begin(talkers)
        silences, closes = [], []
        random = Random(2)
        for _ in range(times):
            probe.ask()
            await probe.talking.wait()
            await asyncio.sleep(random.random() * 0.1)
            answer = self.model.answers.pop(probe._message)
            at = time.monotonic()
            probe.send({"event": "interrupt"})
            await probe.ended.wait()
            assert probe.interrupted_at is not None
            silences.append((probe.interrupted_at - at) * 1000)
            async with asyncio.timeout(5):
                await answer.closed.wait()
            assert answer.closed_at is not None
            closes.append((answer.closed_at - at) * 1000)
        await self.finish(talkers)
        return silences, closes

    def rss(self) -> int:
        return int(self.gateway.memory_info().rss)

    def _starved_s(self) -> float:
        # Linux tells, for a process's main thread, how long it was ready to run and did not.
        return max(_waited_s(pid) for pid in (self.gateway.pid, os.getpid()))

    def _cpu_s(self) -> float:
        times = self.gateway.cpu_times()
        return float(times.user + times.system)


def _waited_s(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return float("nan")


def _clear(figures: Figures) -> None:
    figures.delays_ms.clear()
    figures.waits_ms.clear()
    figures.stretches.clear()
    figures.first_chunks_ms.clear()


def _share(values: list[float], share: float) -> float:
    return sorted(values)[int((len(values) - 1) * share)] if values else float("nan")


def _keeps_limits(row: dict[str, float]) -> bool:
    return row["delay99"] <= MAX_DELAY_MS and row["turn99"] <= MAX_STRETCH and not row["errors"]


COLUMNS = (
    ("sessions", "{:8.0f}"), ("delay50", "{:8.1f}"), ("delay99", "{:8.1f}"), ("wait50", "{:8.1f}"),
    ("own99", "{:8.1f}"), ("turn99", "{:8.3f}"), ("late99", "{:8.1f}"), ("us", "{:8.1f}"),
    ("gateway", "{:8.0f}"), ("load", "{:8.0f}"), ("starved", "{:8.0f}"), ("errors", "{:8.0f}"),
)  # fmt: skip
UNITS = ("", "ms", "ms", "ms", "ms", "x", "ms", "cpu/tok", "% core", "% core", "%", "")


def _print_row(row: dict[str, float]) -> None:
    print("".join(form.format(row[name]) for name, form in COLUMNS), flush=True)


@contextlib.contextmanager
def _gateway(core: int, base_url: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A gateway in a process of its own; its port."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "--port", "0", "--agent", "openai", "--model", "fake", "--base-url",
             base_url, "--database", ":memory:", "--max-sessions", "20000", "--instructions", "Be brief."],
            cwd=ROOT, stderr=log, env={**os.environ, "OPENAI_API_KEY": "none"},
        )  # fmt: skip
        try:
            os.sched_setaffinity(process.pid, {core})
            yield process, _port_of(process, log)
        finally:
            process.terminate()
            process.wait()


def _port_of(process: subprocess.Popen[bytes], log: Any) -> int:
    for _ in range(600):
        text = os.pread(log.fileno(), 65536, 0).decode()
        if found := re.search(r"ws://127\.0\.0\.1:(\d+)/ws", text):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit(f"The gateway did not start:\n{text}")


async def _measure(arguments: argparse.Namespace, cores: list[int]) -> None:
    model = Model()
    server = await asyncio.get_running_loop().create_server(lambda: ModelConnection(model), "127.0.0.1", 0)
    pacing = asyncio.create_task(model.run())
    with _gateway(cores[1], f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1") as (process, port):
        bench = Bench(process, port, model)
        await bench.load(1, 1.0)  # warm
        base, base_sessions = bench.rss(), len(bench.sessions)
        print("".join(f"{name:>8}" for name, _ in COLUMNS))
        print("".join(f"{unit:>8}" for unit in UNITS))
        best = await _search(arguments, bench)
        per_session = (bench.rss() - base) / max(1, len(bench.sessions) - base_sessions) / 1024
        if not arguments.sessions:
            print(f"\nlargest within the limits: {best} sessions")
        print(f"memory: {base / 2**20:.0f} MiB, and {per_session:.0f} KiB a session that has talked")
        if not arguments.load_only:
            floods = await bench.flood(20)
            p50, worst = _share(floods, 0.5), max(floods)
            print(f"flood of {FLOOD_TOKENS} tokens, first chunk: p50 {p50:.1f} ms, max {worst:.1f} ms", flush=True)
            for others in sorted({0, best // 2, best}):
                silences, closes = await bench.interrupts(others, 20)
                print(
                    f"interrupt while {others:4} others talk, to silence: p50 {_share(silences, 0.5):.1f} ms, "
                    f"max {max(silences):.1f} ms; to the model's close: p50 {_share(closes, 0.5):.1f} ms, "
                    f"max {max(closes):.1f} ms",
                    flush=True,
                )
        for session in bench.sessions:
            session.transport.abort()
    pacing.cancel()
    await asyncio.wait([pacing])
    server.close()


async def _search(arguments: argparse.Namespace, bench: Bench) -> int:
    """The largest number of sessions that keeps the limits."""
    if arguments.sessions:
        row = await bench.load(arguments.sessions, arguments.seconds)
        _print_row(row)
        return int(arguments.sessions)

    async def keeps(count: int) -> bool:
        row = await bench.load(count, arguments.seconds)
        _print_row(row)
        return _keeps_limits(row)

    good, bad = 0, 0
    count = 50
    while not bad:
        if await keeps(count):
            good, count = count, count * 2
        else:
            bad = count
    while bad - good > max(10, good // 20):
        middle = (good + bad) // 2
        if await keeps(middle):
            good = middle
        else:
            bad = middle
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=0, metavar="M", help="measure this number only")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each point is measured (default: 8)")
    parser.add_argument("--load-only", action="store_true", help="no flood, no interrupts")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("this needs two cores: one for the gateway alone")
    os.sched_setaffinity(0, {cores[0]})
    uvloop.run(_measure(arguments, cores))


if __name__ == "__main__":
    main()
