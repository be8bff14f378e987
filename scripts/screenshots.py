"""The pictures of the README: the real page, talking with the real gateway, in Chromium with a stand-in for a voice."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from loguru import logger

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import Browser, Talking, browsing, talking  # noqa: E402 - after the path
from serving import serving  # noqa: E402


async def _interrupted_story(page: Talking) -> None:
    await page.say("Tell me a story")
    await page.until("document.querySelectorAll('.turn:last-child .said').length >= 3")
    spoke_at = "__speech.log.filter(({what}) => what === 'speak').at(-1).at"
    await page.until(f"performance.now() - {spoke_at} > 450")  # in the middle of a sentence
    await page.page.keyboard.press("Escape")
    await page.until_idle(1)


async def _speaks(page: Talking) -> None:
    await page.page.evaluate("__speech.options.cps = 40")
    await page.say("What is 15% of 80?")
    await page.until("document.querySelector('.turn:last-child .speaking')?.textContent.includes('15%')")
    await page.page.evaluate("document.activeElement.blur()")  # no ring that draws the eye


async def _talk(browser: Browser, url: str, into: Path) -> None:
    """A conversation on a desktop, and what its turns did."""
    async with talking(browser, url, size=(1280, 884), cps=100) as page:
        await _interrupted_story(page)
        await page.page.click("#show-timeline")
        await page.page.locator(".turn-row").first.click()
        await page.page.wait_for_selector(".waterfall")
        await _speaks(page)
        await page.page.screenshot(path=into / "talk.png")


async def _phone(browser: Browser, url: str, into: Path) -> None:
    """The same on a phone, in the dark."""
    async with talking(browser, url, size=(412, 915), scheme="dark", touch=True, cps=100) as page:
        await _interrupted_story(page)
        await _speaks(page)
        await page.page.screenshot(path=into / "phone.png")


async def take(into: Path) -> None:
    """All pictures, into this folder."""
    async with serving(tokens_per_second=80.0) as served, browsing() as browser:
        await _talk(browser, served.http_url, into)
        await _phone(browser, served.http_url, into)


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the README's pictures anew.")
    parser.add_argument("--into", type=Path, default=ROOT / "gateway" / "pictures", help="folder for the pictures")
    into = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    logger.remove()
    asyncio.run(take(into))


if __name__ == "__main__":
    main()
