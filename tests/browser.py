"""A real Chromium with the page in it, its speech replaced by stand-ins."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, async_playwright

FAKE_SPEECH = Path(__file__).with_name("fake_speech.js").read_text(encoding="utf-8")
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--enable-precise-memory-info",
    "--js-flags=--expose-gc",
]  # fmt: skip
REFUSED = "Failed to load resource"
"""What Chromium itself writes to its console about an answer of 401, and the like."""


def chromium() -> str:
    """Where Chromium is. Raises FileNotFoundError when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("Chromium is needed for the browser tests: apt-get install chromium (or your system's way)")


async def launch(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=chromium(), args=FLAGS, chromium_sandbox=False)


@asynccontextmanager
async def browsing() -> AsyncGenerator[Browser, None]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        try:
            yield browser
        finally:
            await browser.close()


class Talking:
    """The page, and what it did: `page.evaluate` for the rest."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def say(self, text: str) -> None:
        await self.page.fill("#message", text)
        await self.page.press("#message", "Enter")

    async def log(self, what: str, **fields: Any) -> list[dict[str, Any]]:
        """What was logged under this name, of frames those with such fields."""
        entries: list[dict[str, Any]] = await self.page.evaluate("__speech.log")
        return [
            entry
            for entry in entries
            if entry["what"] == what and fields.items() <= (entry.get("frame") or entry).items()
        ]

    async def texts(self, what: str) -> list[str]:
        return [entry["text"] for entry in await self.log(what)]

    async def until(self, condition: str, limit_s: float = 10.0) -> None:
        """Wait until this is true in the page, whose policy forbids to let it wait itself."""
        async with asyncio.timeout(limit_s):
            while not await self.page.evaluate(f"!!({condition})"):  # noqa: ASYNC110 - the state is in the page
                await asyncio.sleep(0.02)

    async def until_state(self, state: str) -> None:
        await self.until(f"document.querySelector('#state').dataset.state === {json.dumps(state)}")

    async def until_idle(self, turns: int, limit_s: float = 20.0) -> None:
        """Wait until so many turns have come to their end."""
        await self.until(
            f"__speech.log.filter(({{what, frame}}) => what === 'frame' && ['stream_end', 'turn_interrupted']"
            f".includes(frame.event)).length >= {turns}",
            limit_s,
        )


@asynccontextmanager
async def talking(
    browser: Browser, url: str, *, connect: bool = True, size: tuple[int, int] = (1280, 800), **fake: Any
) -> AsyncGenerator[Talking, None]:
    """The page of the gateway at `url`, connected; `fake`: options of the stand-ins. Fails on complaints."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=fake.pop("scheme", "light"), locale="en-GB",
        reduced_motion="reduce", accept_downloads=True, has_touch=fake.pop("touch", False),
    )  # fmt: skip
    try:
        await context.add_init_script(f"window.__fake = {json.dumps(fake)};\n{FAKE_SPEECH}")
        talking = Talking(await context.new_page())
        await talking.page.goto(url)
        if connect:
            await talking.until_state("connected")
        yield talking
        assert talking.complaints == []
    finally:
        await context.unroute_all(behavior="ignoreErrors")
        for page in context.pages:
            await page.unroute_all(behavior="ignoreErrors")  # a route that still answers may fail with the page
        await context.close()
