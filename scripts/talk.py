#!/usr/bin/env python3
"""A voice client for the terminal: you type what you would say, and hear (or read) the answer.

Type a line and press Enter to say it. While the gateway speaks, Enter interrupts it; what you type before
that Enter is said at once (barge-in). Ctrl-D or /quit leaves.

    scripts/talk.py                                   talk
    scripts/talk.py --once "What time is it?"         one question, then exit; 0 when it was answered
    scripts/talk.py --once "Hi" --json                the raw frames, one a line
    scripts/talk.py --conversation ID                 go on with a conversation

Speaks with `espeak-ng` or `say` where one is installed (not with --mute), and tells the gateway what was
heard. A lost connection is resumed. The key, where the gateway wants one, comes from GATEWAY_KEY or --key.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

_PYTHON = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"
try:
    from gateway.client import (
        Chunk,
        Completed,
        Failed,
        GatewayUnavailableError,
        Interrupted,
        Notice,
        ToolCall,
        Turn,
        VoiceClient,
    )
except ModuleNotFoundError:
    if Path(sys.executable).parent == _PYTHON.parent or not _PYTHON.exists():
        sys.exit("The Python package `gateway` is missing: run scripts/serve once, which installs it.")
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])

_CHARS_PER_SECOND = 15  # how fast a voice speaks, where only the time is known


class Voice:
    """Speaks chunks aloud, one at a time, and knows how far it has got."""

    def __init__(self, *, mute: bool) -> None:
        self._command = None if mute else shutil.which("espeak-ng") or shutil.which("say")
        self._process: asyncio.subprocess.Process | None = None
        self._chunk: Chunk | None = None
        self._began_s = 0.0

    @property
    def is_mute(self) -> bool:
        """Whether chunks are only shown."""
        return self._command is None

    async def speak(self, chunk: Chunk) -> bool:
        """Speak a chunk; False when it was stopped before its end."""
        assert self._command is not None
        self._chunk, self._began_s = chunk, time.monotonic()
        process = await asyncio.create_subprocess_exec(self._command, stdin=asyncio.subprocess.PIPE)
        try:
            if self._chunk is chunk:  # else it was stopped before it began
                self._process = process
                await process.communicate(chunk.text.encode())
            return self._chunk is chunk
        finally:
            if self._chunk is chunk:
                self._chunk = None
            if process.returncode is None:
                process.kill()
                await process.wait()

    def stop(self) -> tuple[int, int] | None:
        """Silence, now: the chunk that was being spoken, and about how many of its characters were heard."""
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            return None
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        chars = int((time.monotonic() - self._began_s) * _CHARS_PER_SECOND)
        return chunk.index, min(chars, len(chunk.text))


class Talk:
    """What is said and shown in one conversation."""

    def __init__(self, client: VoiceClient, voice: Voice, *, raw: bool) -> None:
        self._client = client
        self._voice = voice
        self._raw = raw

    async def once(self, message: str, left: asyncio.Future[int]) -> None:
        """Say one thing; `left` is set when it was answered."""
        turn = await self._client.say(message, captions=self._raw)
        await self._tell(turn)
        if not left.done():
            left.set_result(int(not isinstance(turn.outcome, Completed)))

    async def converse(self, left: asyncio.Future[int]) -> None:
        """Say what is typed; `left` is set at the end of the input."""
        lines = await _typed_lines()
        print("Say something (Enter while it speaks interrupts, Ctrl-D leaves).", flush=True)
        async with asyncio.TaskGroup() as group:
            while line := (await lines.readline()).decode(errors="replace"):
                message = line.strip()
                if message == "/quit":
                    break
                # Also before something new is said: the gateway then knows what was heard of the answer.
                await self._client.interrupt(heard=self._voice.stop())
                if message:
                    group.create_task(self._tell(await self._client.say(message, captions=self._raw)))
            await self._client.interrupt(heard=self._voice.stop())
            if not left.done():
                left.set_result(0)

    async def _tell(self, turn: Turn) -> None:
        """Show, and speak, an answer as it comes."""
        async for event in turn.events():
            if isinstance(event, ToolCall):
                self._show(f"  [{event.name}]")
            elif isinstance(event, Chunk):
                self._show(f"  {event.text}")
                if not self._voice.is_mute and await self._voice.speak(event):
                    await turn.spoken(event)
        outcome = await turn.finished()
        if isinstance(outcome, Interrupted):
            self._show(f"  -- interrupted, {outcome.unheard_chars} characters unheard --")
        elif isinstance(outcome, Failed):
            print(f"{outcome.type}: {outcome.error}", file=sys.stderr)

    def _show(self, line: str) -> None:
        if not self._raw:
            print(line, flush=True)


async def _typed_lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _run(options: argparse.Namespace) -> int:
    left: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def notice(notice: Notice) -> None:
        print(f"{notice.type}: {notice.text}", file=sys.stderr)
        if notice.type == "connection_failed" and not left.done():
            left.set_result(1)

    voice = Voice(mute=options.mute or options.json)
    client = VoiceClient(
        options.url,
        key=options.key,
        playback=not voice.is_mute,
        conversation_id=options.conversation,
        on_notice=notice,
        on_frame=(lambda frame: print(frame, flush=True)) if options.json else None,
    )
    async with client:
        talk = Talk(client, voice, raw=options.json)
        talking = asyncio.ensure_future(talk.once(options.once, left) if options.once else talk.converse(left))
        try:
            ends: list[asyncio.Future[Any]] = [talking, left]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not left.done():
                talking.result()  # it broke
            return left.result()
        finally:
            voice.stop()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


def main() -> int:
    """Run the client; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--url", default="ws://127.0.0.1:8080/ws", help="the gateway (default: %(default)s)")
    parser.add_argument("--key", default=os.environ.get("GATEWAY_KEY"), help="API key (default: GATEWAY_KEY)")
    parser.add_argument("--conversation", metavar="ID", help="go on with this conversation")
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
    except GatewayUnavailableError as error:
        if error.code is None:
            print(f"No gateway answers at {options.url} ({error}); start one with scripts/serve.", file=sys.stderr)
        else:
            print(f"{options.url}: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
