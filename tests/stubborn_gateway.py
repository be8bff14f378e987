"""A gateway process with an agent of the tests: `python stubborn_gateway.py stubborn|flood PORT-FILE`.

The port is written to the file once the gateway listens; how often the agent was pulled follows in PORT-FILE.pulled.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from gateway import __main__ as command_line
from gateway.app import create_app
from gateway.settings import Settings
from pipeline.agent.service import Message
from pipeline.events import AgentEvent, StreamToken


class Stubborn:
    """Never ends, and takes no notice of being cancelled."""

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        yield StreamToken("I will not stop. ")
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue


class Flood:
    """Says a hundred thousand words as fast as they are taken."""

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        for number in range(100_000):
            if number % 100 == 0:
                count(number)
            yield StreamToken("word " if (number + 1) % 10 else "stop. ")
        count(100_000)


def count(number: int) -> None:
    Path(sys.argv[2] + ".pulled").write_text(str(number))


def main() -> int:
    agent = {"stubborn": Stubborn, "flood": Flood}[sys.argv[1]]()
    command_line.create_app = lambda settings: create_app(settings, agent)  # type: ignore[assignment]
    listen = command_line.listen

    def listen_and_tell(settings: Settings) -> object:
        listener = listen(settings)
        Path(sys.argv[2]).write_text(str(listener.getsockname()[1]))
        return listener

    command_line.listen = listen_and_tell  # type: ignore[assignment]
    return command_line.main(["--port", "0", "--database", ":memory:", *sys.argv[3:]])


if __name__ == "__main__":
    sys.exit(main())
