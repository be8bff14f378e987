"""The page by the rules of axe-core, and by keyboard alone."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from browser import Browser, Talking, talking
from doubles import ScriptedAgent
from playwright.async_api import expect
from serving import serving

from pipeline.events import ToolCall, ToolResult

pytestmark = pytest.mark.asyncio(loop_scope="session")


def agent() -> ScriptedAgent:
    script = [ToolCall("c1", "get_time"), ToolResult("c1", "get_time", "ok"), "A **first** sentence is here. "]
    return ScriptedAgent([*script, *("And one more sentence comes here. " for _ in range(12))])


async def violations(page: Talking) -> list[str]:
    results = await Axe().run(page.page)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


PHONE, DESKTOP = (390, 844), (1280, 800)


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")])
async def test_no_violation_in_any_state(browser: Browser, size: tuple[int, int], scheme: str) -> None:
    async with (
        serving(agent()) as served,
        talking(browser, served.http_url, size=size, scheme=scheme, cps=60) as page,
    ):
        assert await violations(page) == []
        await page.page.click("#talk-button")
        await page.page.evaluate("__speech.recognition.say('Speak, ple', false)")
        assert await violations(page) == []
        await page.page.evaluate("__speech.recognition.say('Speak, please')")
        await page.until("document.querySelectorAll('.said').length")
        assert await violations(page) == []
        await page.page.keyboard.press("Escape")
        await page.page.wait_for_selector(".cut")
        await page.page.evaluate("__speech.recognition.current.fail('not-allowed')")
        assert await violations(page) == []
        for button in ("#show-history", "#show-voice"):
            await page.page.click(button)
            assert await violations(page) == []
            await page.page.keyboard.press("Escape")
        await page.page.click("#show-timeline")
        await page.page.locator(".turn-row").click()
        await page.page.wait_for_selector(".tables")
        assert await violations(page) == []
        width = await page.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]  # nothing sticks out


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
async def test_no_violation_when_things_are_missing(browser: Browser, size: tuple[int, int], scheme: str) -> None:
    async with (
        serving(agent()) as served,
        talking(browser, served.http_url, size=size, scheme=scheme, voices=False, microphone=None) as page,
    ):
        await page.page.set_viewport_size({"width": size[0], "height": 400})
        assert await violations(page) == []
        await page.say("Speak, please")
        await expect(page.page.locator("#hint")).to_contain_text("No voice")
        assert await violations(page) == []
        await page.page.keyboard.press("Escape")
        await page.page.wait_for_selector(".cut")
        await page.say("long " * 2_000)
        await page.page.wait_for_selector(".turn .error")
        await page.page.set_viewport_size({"width": size[0], "height": size[1]})
        await page.page.context.set_offline(True)
        await page.page.evaluate("__socket.close()")
        await expect(page.page.locator("#trouble-text")).to_be_visible()
        assert await violations(page) == []
        page.complaints.clear()  # of the network


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_key_prompt_too(browser: Browser, scheme: str) -> None:
    async with (
        serving(agent(), api_keys={"k": "ann"}) as served,
        talking(browser, served.http_url, connect=False, scheme=scheme, size=PHONE) as page,
    ):
        await expect(page.page.locator("#key")).to_be_visible()
        assert await violations(page) == []
        await page.page.fill("#key-value", "wrong")
        await page.page.keyboard.press("Enter")
        await expect(page.page.locator("#key-wrong")).to_be_visible()
        assert await violations(page) == []
        page.complaints.clear()  # of the refused handshake


async def test_everything_by_keyboard_alone(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=60) as page:
        keyboard = page.page.keyboard
        reached = []
        for _ in range(8):
            await keyboard.press("Tab")
            reached.append(await page.page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        assert reached[:3] == ["show-history", "show-voice", "show-timeline"]
        assert reached[-2:] == ["talk-button", "message"]
        await keyboard.type("Speak, please")
        await keyboard.press("Enter")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        await keyboard.press("Shift+Tab")
        assert await page.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Interrupt"
        await keyboard.press("Enter")
        await page.page.wait_for_selector(".cut")
        await expect(page.page.locator("#announce")).to_have_text("Interrupted.")
        assert await page.page.evaluate("document.activeElement.id") == "talk-button"  # focus is not lost
        await page.page.focus("#show-history")
        await keyboard.press("Enter")
        await expect(page.page.locator("#history")).to_be_visible()
        await keyboard.press("Escape")
        assert await page.page.evaluate("document.activeElement.id") == "show-history"
