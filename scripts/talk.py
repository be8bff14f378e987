#!/usr/bin/env python3
"""A voice client for the terminal: you type what you would say, and hear (or read) the answer.

Type a line and press Enter to say it. While the gateway speaks, Enter interrupts it; what you type before
that Enter is said at once (barge-in). Ctrl-D or /quit leaves.

    scripts/talk.py                                   talk
    scripts/talk.py --once "What time is it?"         one question, then exit; 0 when it was answered
    scripts/talk.py --once "Hi" --json                the raw frames, one a line

Speaks with `espeak-ng` or `say` where one is installed (not with --mute). The key, where the gateway wants
one, comes from GATEWAY_KEY or --key.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

_PYTHON = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
try:
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
except ModuleNotFoundError:
    if Path(sys.executable).parent == _PYTHON.parent or not _PYTHON.exists():
        sys.exit("The Python package `websockets` is missing: run scripts/serve once, which installs it.")
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])


class Voice:
    """Speaks one chunk after the other, where the machine has a voice; else keeps silent."""

    def __init__(self, *, mute: bool) -> None:
        self._command = None if mute else shutil.which("espeak-ng") or shutil.which("say")
        self._chunks: asyncio.Queue[str] = asyncio.Queue()
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Speak what is queued, for ever."""
        while True:
            text = await self._chunks.get()
            if self._command is not None:
                self._process = await asyncio.create_subprocess_exec(self._command, text)
                await self._process.wait()
                self._process = None
            self._chunks.task_done()

    def say(self, text: str) -> None:
        """Queue a chunk."""
        self._chunks.put_nowait(text)

    def stop(self) -> None:
        """Silence, now."""
        while not self._chunks.empty():
            self._chunks.get_nowait()
            self._chunks.task_done()
        if self._process is not None:
            self._process.terminate()

    async def finished(self) -> None:
        """Returns when all that was queued has been spoken."""
        await self._chunks.join()


class Talk:
    """One conversation on one connection."""

    def __init__(self, socket: ClientConnection, voice: Voice, *, raw: bool) -> None:
        self._socket = socket
        self._voice = voice
        self._raw = raw
        self._live: str | None = None
        self.ended = asyncio.Event()
        self.failed = False

    async def say(self, message: str) -> None:
        """Begin a turn; what still speaks is silenced, and its turn interrupted by the gateway."""
        self._voice.stop()
        self.ended.clear()
        await self._send(event="start_turn", message=message, captions=self._raw)

    async def interrupt(self) -> None:
        """Silence: the voice first, then the turn, if one is live."""
        self._voice.stop()
        if self._live is not None:
            await self._send(event="interrupt", turn_id=self._live)

    async def listen(self) -> None:
        """Show, and speak, what the gateway says until it closes."""
        async for text in self._socket:
            frame = json.loads(text)
            if self._raw:
                print(text if isinstance(text, str) else text.decode(), flush=True)
            self._take(frame)

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["event"]:
            case "stream_start":
                self._live = frame["turn_id"]
            case "tts_ready_chunk" if frame["turn_id"] == self._live:
                self._show(f"  {frame['text']}")
                self._voice.say(frame["text"])
            case "tool_call":
                self._show(f"  [{frame['name']}]")
            case "turn_interrupted":
                self._voice.stop()
                self._show(f"  -- interrupted, {frame['unheard_chars']} characters unheard --")
                self._end(frame)
            case "stream_end":
                self._end(frame)
            case "error":
                print(f"{frame['type']}: {frame['error']}", file=sys.stderr)
                self.failed = True
                if frame.get("turn_id") is not None or self._live is None:
                    self._end(frame)

    def _end(self, frame: dict[str, Any]) -> None:
        if frame.get("turn_id") in (None, self._live):
            self._live = None
            self.ended.set()

    def _show(self, line: str) -> None:
        if not self._raw:
            print(line, flush=True)

    async def _send(self, **frame: object) -> None:
        await self._socket.send(json.dumps({key: value for key, value in frame.items() if value is not None}))


async def _typed_lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _converse(talk: Talk) -> None:
    lines = await _typed_lines()
    print("Say something (Enter while it speaks interrupts, Ctrl-D leaves).")
    while line := (await lines.readline()).decode(errors="replace"):
        message = line.strip()
        if message == "/quit":
            return
        if message:
            await talk.say(message)
        else:
            await talk.interrupt()


async def _once(talk: Talk, voice: Voice, message: str) -> None:
    await talk.say(message)
    await talk.ended.wait()
    await voice.finished()


async def _run(options: argparse.Namespace) -> int:
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    voice = Voice(mute=options.mute or options.json)
    async with connect(
        options.url, subprotocols=["voice-turn.v1"], additional_headers=headers, compression=None
    ) as socket:
        talk = Talk(socket, voice, raw=options.json)
        talking = _once(talk, voice, options.once) if options.once else _converse(talk)
        tasks = [asyncio.ensure_future(work) for work in (talking, talk.listen(), voice.run())]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        voice.stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in done:
            task.result()
        if tasks[0] not in done:
            print(f"The gateway closed the connection: {socket.close_code} {socket.close_reason}", file=sys.stderr)
            return 1
        return int(talk.failed and bool(options.once))


def main() -> int:
    """Run the client; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--url", default="ws://127.0.0.1:8080/ws", help="the gateway (default: %(default)s)")
    parser.add_argument("--key", default=os.environ.get("GATEWAY_KEY"), help="API key (default: GATEWAY_KEY)")
    parser.add_argument("--once", metavar="TEXT", help="say this, print the answer, exit")
    parser.add_argument("--json", action="store_true", help="print the raw frames")
    parser.add_argument("--mute", action="store_true", help="do not speak")
    options = parser.parse_args()
    if options.once is not None and not options.once.strip():
        parser.error("--once needs something to say")
    try:
        return asyncio.run(_run(options))
    except KeyboardInterrupt:
        return 130
    except InvalidStatus as error:
        print(f"The gateway refused the connection: {error}", file=sys.stderr)
    except ConnectionClosed as error:
        print(f"The gateway closed the connection: {error}", file=sys.stderr)
    except (OSError, WebSocketException) as error:
        print(f"No gateway answers at {options.url} ({error}); start one with scripts/serve.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
