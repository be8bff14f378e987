"""The turn timeline in a real Chromium."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import Browser, talking
from doubles import ScriptedAgent
from playwright.async_api import expect
from serving import serving
from test_conversation_routes import ask

from pipeline.events import ToolCall, ToolResult

pytestmark = pytest.mark.asyncio(loop_scope="session")


def agent() -> ScriptedAgent:
    return ScriptedAgent(
        [
            ToolCall("c1", "get_time"),
            ToolResult("c1", "get_time", "ok"),
            "The first sentence is a long one. ",
            "The second sentence is as long. ",
            "The third sentence is never heard. ",
        ]
    )


async def test_an_interrupted_turn_as_a_waterfall_and_a_table(browser: Browser, tmp_path: Path) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=80) as page:
        await page.page.click("#show-timeline")
        await expect(page.page.locator(".timeline-note")).to_contain_text("No turn yet")
        await page.say("Speak, please")
        await page.until("__speech.log.some(({what}) => what === 'end')")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        await page.page.keyboard.press("Escape")
        row = page.page.locator(".turn-row")
        await expect(row).to_have_count(1)
        await expect(row).to_contain_text("interrupted")
        await row.click()
        await expect(row).to_have_attribute("aria-expanded", "true")
        (listed,) = (await ask(served, "/turns")).json["turns"]
        turn = (await ask(served, f"/turns/{listed['turn_id']}")).json
        assert [chunk["spoken_ms"] is not None for chunk in turn["chunks"]] == [True, False, False]
        lanes = page.page.locator(".waterfall .row .lane-name")
        await expect(lanes).to_have_text(["Time", "Tokens", "get_time", *(chunk["text"] for chunk in turn["chunks"])])
        assert await page.page.locator(".waterfall .spoken[title]").count() == 1
        cells = await page.page.locator(".tables table:last-child tbody td").all_text_contents()
        names = ("written_ms", "ready_ms", "sent_ms", "spoken_ms")
        assert cells == ["–" if c[name] is None else str(c[name]) for c in turn["chunks"] for name in names]
        events = await page.page.locator(".tables table:first-child tbody tr").all_text_contents()
        assert f"Interrupt asked for{turn['interrupt_ms']}" in events
        assert f"Ended: interrupted, user{turn['ended_ms']}" in events
        await expect(page.page.locator(".summary dt")).to_have_text(
            ["First token", "First chunk", "Interrupt to silence"]
        )
        await expect(page.page.locator(".summary dd").nth(2)).to_have_text(f"p50 {turn['first_chunk_ms'] or '< 1'} ms")
        for name, kept in (("Export as JSON", turn), ("Export all as JSON", [turn])):
            async with page.page.expect_download() as download:
                await page.page.get_by_role("button", name=name).click()
            await (await download.value).save_as(tmp_path / "turn.json")
            assert json.loads((tmp_path / "turn.json").read_text(encoding="utf-8")) == kept
        await page.page.evaluate("__speech.options.cps = 2000")
        await page.say("And again")
        await expect(row).to_have_count(2)  # it follows, newest first
        await expect(row.nth(0)).to_contain_text("And again")
        await expect(row.nth(1)).to_have_attribute("aria-expanded", "true")


async def test_a_timeline_that_is_off_says_so(browser: Browser) -> None:
    async with serving(agent(), timeline=0) as served, talking(browser, served.http_url) as page:
        await page.page.click("#show-timeline")
        await expect(page.page.locator(".timeline-note")).to_contain_text("--timeline 0")


async def test_percentiles(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        asked = "import('./timeline.js').then(({percentile: p}) => [p([], .5), p([7], .95), p([4, 1, 3, 2], .5)])"
        assert await page.page.evaluate(asked) == [None, 7, 2]
        many = "import('./timeline.js').then(({percentile: p}) => p(Array.from({length: 100}, (_, i) => i + 1), .95))"
        assert await page.page.evaluate(many) == 95
