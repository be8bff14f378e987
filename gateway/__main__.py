"""The command line: `python -m gateway`, also installed as `voice-gateway`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Sequence

from loguru import logger

from gateway.agents import describe_agent
from gateway.app import create_app
from gateway.errors import SettingsError
from gateway.server import GatewayServer, listen, serve
from gateway.settings import Settings

__all__ = ["main"]


class _ToLoguru(logging.Handler):
    """Sends the standard library's log records, uvicorn's for one, the same way as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.opt(exception=record.exc_info).log(record.levelname, "{}", record.getMessage())


def _set_up_logging(level: str) -> None:
    logger.remove()
    logger.add(
        sys.stderr,
        level=level,
        format="<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> <level>{level: <7}</level> {message}",
        diagnose=False,  # a traceback must not print what users said
    )
    libraries = "DEBUG" if level == "TRACE" else max(level, "WARNING", key=logging.getLevelName)
    logging.basicConfig(handlers=[_ToLoguru()], level=libraries, force=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway until it is told to stop; returns the exit status."""
    try:
        settings = Settings.load(sys.argv[1:] if argv is None else argv)
        _set_up_logging(settings.log_level)
        app = create_app(settings)
        listener = listen(settings)
    except SettingsError as error:
        sys.stderr.write(f"voice-gateway: {error}\n")
        return 2
    host, port = listener.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    logger.info(
        "Voice-turn gateway on ws://{}/ws, page: http://{}/, agent: {}", address, address, describe_agent(settings)
    )
    # What was loaded stays: a full collection that looks at all of it stops every turn for tens of milliseconds.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    server = GatewayServer(app, settings)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        all_ended = runner.run(serve(server, listener))
        logger.info("stopped")
        status = 0 if server.started else 1
        if not all_ended:  # to close the loop would be to wait for ever
            sys.stderr.flush()
            os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
