"""The turn timeline in a real Chromium."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Talking, talking
from doubles import ScriptedAgent
from playwright.async_api import Route, expect
from serving import Served, serving
from test_chat_routes import Talker
from test_chat_routes import talking as over_http
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
    async with serving(agent()) as served, talking(browser, served.http_url, cps=30) as page:
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
        lanes = page.page.locator(".lanes .lane-name")
        await expect(lanes).to_have_text(["Tokens", "get_time", *(chunk["text"] for chunk in turn["chunks"])])
        assert await page.page.locator(".lanes .spoken").count() == 1
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


async def turn_elsewhere(served: Served, message: str) -> None:
    """A turn of the same user in another client."""
    async with served.client() as client:
        await client.turn(message)


SOON_MS = 15_000
"""So long a busy machine may take to ask anew by itself, every two seconds, and to show the answer."""
REFRESH = "document.dispatchEvent(new CustomEvent('turn-over'))"
HAS_FOCUS = "document.activeElement === window.__focused"


async def focus(page: Talking, selector: str) -> None:
    await page.page.focus(selector)
    await page.page.evaluate("window.__focused = document.activeElement")


async def test_focus_and_what_is_open_survive_new_turns(browser: Browser) -> None:
    async with serving(agent(), timeline=3) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await page.page.click("#show-timeline")
        row = page.page.locator(".turn-row")
        await row.click()
        await expect(page.page.locator(".lanes")).to_be_visible()
        await focus(page, ".lanes")
        await page.page.keyboard.press("End")
        await turn_elsewhere(served, "Two")
        await page.page.evaluate(REFRESH)
        await expect(row).to_have_count(2)
        assert await page.page.evaluate(HAS_FOCUS)
        chosen = page.page.locator(".lanes [aria-selected=true]")
        await expect(chosen).to_contain_text("The third sentence")
        await focus(page, "li:last-child .turn-row")
        await turn_elsewhere(served, "Three")
        await page.page.evaluate(REFRESH)
        await expect(row).to_have_count(3)
        assert await page.page.evaluate(HAS_FOCUS)
        await expect(row.last).to_have_attribute("aria-expanded", "true")
        await turn_elsewhere(served, "Four")  # the first one is forgotten now
        await page.page.evaluate(REFRESH)
        await expect(row).to_contain_text(["Four", "Three", "Two"])
        await expect(page.page.locator(".detail")).to_have_count(0)
        await expect(page.page.locator(".turn-row:focus")).to_contain_text("Two")


async def test_a_slow_answer_does_not_undo_a_later_one(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await page.page.click("#show-timeline")
        row = page.page.locator(".turn-row")
        await expect(row).to_have_count(1)
        await page.page.evaluate(
            "window.__removed = [];"
            "new MutationObserver((all) => all.forEach(({removedNodes}) => window.__removed.push(...removedNodes)))"
            ".observe(document.querySelector('.turns'), {childList: true})"
        )
        late, asked = asyncio.Event(), 0

        async def hold_the_first(route: Route) -> None:
            nonlocal asked
            asked += 1
            response = await route.fetch()
            if asked == 1:
                await late.wait()
            await route.fulfill(response=response)

        await page.page.route("**/turns", hold_the_first)
        async with page.page.expect_request("**/turns"):
            await page.page.evaluate(REFRESH)
        await turn_elsewhere(served, "Two")
        await page.page.evaluate(REFRESH)
        await expect(row).to_have_count(2)
        async with page.page.expect_request("**/turns"):  # the next one is asked when there is no other
            late.set()
        await expect(row).to_have_count(2)
        assert await page.page.evaluate("window.__removed.length") == 0


async def test_a_live_turn_is_followed_also_one_over_http(browser: Browser) -> None:
    more, rest = asyncio.Event(), asyncio.Event()
    script = [
        "The first sentence is a long one. ",
        more.wait,
        "The second sentence is as long. ",
        rest.wait,
        "The end.",
    ]
    async with over_http(ScriptedAgent(script)) as talker, talking(browser, talker.gateway.http_url) as page:
        await page.page.click("#show-timeline")
        asking = asyncio.create_task(hello(talker))
        row = page.page.locator(".turn-row")
        await expect(row).to_contain_text("under way", timeout=SOON_MS)  # without a click
        assert await page.page.locator(".mini .live").count() == 1
        await row.click()
        lanes = page.page.locator(".lanes .row")
        await expect(lanes).to_have_count(2, timeout=SOON_MS)
        await focus(page, ".lanes")
        await page.page.keyboard.press("End")
        more.set()
        await expect(lanes).to_have_count(3, timeout=SOON_MS)
        await expect(row).to_contain_text("under way")
        rest.set()
        await asking
        await expect(row).to_contain_text("completed", timeout=SOON_MS)
        await expect(lanes).to_have_count(4, timeout=SOON_MS)
        await expect(page.page.locator(".lanes .end")).to_have_count(4)
        await expect(page.page.locator(".lanes [aria-selected=true]")).to_contain_text("The first sentence")
        assert await page.page.locator(".mini .live").count() == 0
        assert await page.page.evaluate(HAS_FOCUS)


async def hello(talker: Talker) -> None:
    await talker.say(await talker.start(), "Hello")


async def test_times_are_told_by_keyboard_and_by_pointing_anywhere_on_a_lane(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await page.page.click("#show-timeline")
        await page.page.locator(".turn-row").click()
        told = page.page.locator(".told")
        await expect(told).to_contain_text("The whole turn")
        (listed,) = (await ask(served, "/turns")).json["turns"]
        turn = (await ask(served, f"/turns/{listed['turn_id']}")).json
        title = await page.page.locator(".turn-row").get_attribute("title")
        assert title == (
            f"first token {turn['first_token_ms']} ms, first chunk {turn['first_chunk_ms']} ms, "
            f"completed {turn['ended_ms']} ms"
        )
        await expect(told).to_contain_text(title)
        chunk = turn["chunks"][0]
        times = f"written {chunk['written_ms']} ms, ready {chunk['ready_ms']} ms, sent {chunk['sent_ms']} ms, spoken –"
        lane = page.page.locator(".lanes .row").nth(2)
        size = await lane.bounding_box()
        assert size is not None
        await lane.hover(position={"x": size["width"] / 2, "y": 2})  # where no bar is
        await expect(told).to_have_text(chunk["text"] + times)
        await page.page.hover("#timeline-title")
        await expect(told).to_contain_text("The whole turn")
        await page.page.locator(".turn-row").focus()
        for key in ("Tab", "ArrowDown", "ArrowDown"):
            await page.page.keyboard.press(key)
        await expect(told).to_have_text(chunk["text"] + times)
        active = "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
        assert await page.page.evaluate(f"{active}.getAttribute('aria-label')") == f"{chunk['text']}: {times}"
        await page.page.keyboard.press("Home")
        await expect(told).to_contain_text(f"{turn['tokens']}, at most")


INVENTED: dict[str, Any] = {
    "turn_id": "t", "text": "Hi", "status": "interrupted", "reason": "user", "tokens": 3, "first_token_ms": 100,
    "last_token_ms": 300, "first_chunk_ms": 200, "interrupt_ms": 1400, "silent_ms": 1500, "ended_ms": 1500,
    "density": {"bin_ms": 20, "counts": [0, 0, 0, 0, 0, 1, 2]},
    "tools": [{"tool_call_id": "c", "name": "look", "called_ms": 10, "answered_ms": 20, "status": "ok"}],
    "chunks": [
        {"index": 0, "text": "a" * 200, "chars": 200,
         "written_ms": 100, "ready_ms": 200, "sent_ms": 200, "spoken_ms": 900},
        {"index": 1, "text": "https://x" * 20, "chars": 180,
         "written_ms": 90, "ready_ms": 300, "sent_ms": 300, "spoken_ms": None},
    ],
}  # fmt: skip
"""A turn in which everything happens."""


async def invented(page: Talking, **changes: Any) -> None:
    """Let the gateway tell of this turn, and open it."""
    turn = INVENTED | changes

    async def tell(route: Route) -> None:
        is_list = route.request.url.endswith("/turns")
        await route.fulfill(
            json={"turns": [turn, turn | {"turn_id": "u", "ended_ms": None}], "kept": 50} if is_list else turn
        )

    await page.page.route("**/turns**", tell)
    await page.page.click("#show-timeline")
    await page.page.locator(".turn-row").first.click()
    await expect(page.page.locator(".lanes")).to_be_visible()


CONTRAST = """(() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ground = light(getComputedStyle(document.querySelector('#timeline')).backgroundColor);
  return [...document.querySelectorAll('.legend i')].map((swatch) => {
    const style = getComputedStyle(swatch);
    const solid = style.backgroundColor === 'rgba(0, 0, 0, 0)' ? null : style.backgroundColor;
    const striped = style.backgroundImage.match(/rgb\\([^)]*\\)/)?.[0] ?? style.borderTopColor;
    const mark = light(solid ?? striped);
    return [swatch.className, Math.max(mark, ground) / Math.min(mark, ground)];
  });
})()"""


@pytest.mark.parametrize("size", [(320, 568), (390, 844), (1280, 800)])
async def test_a_turn_fits_and_its_marks_can_be_seen(browser: Browser, size: tuple[int, int]) -> None:
    talker = ScriptedAgent(["This is a sentence of a long answer. "] * 40)
    async with serving(talker) as served, talking(browser, served.http_url, size=size, cps=5000) as page:
        for number in range(3):
            await page.say("Speak, please")
            await page.until_idle(number + 1)
        assert await page.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        await invented(page)
        for box in ("#timeline", ".tables"):
            width = f"((box) => [box.scrollWidth, box.clientWidth])(document.querySelector('{box}'))"
            scrolled, shown = await page.page.evaluate(width)
            assert scrolled <= shown
        ticks = page.page.locator(".tick")
        assert await ticks.all_text_contents() == ["0", "500", "1000", "1500"]
        reaches = (
            "[...document.querySelectorAll('.tick')].map((tick) => "
            "{ const range = new Range(); range.selectNodeContents(tick); return range.getBoundingClientRect(); })"
        )
        labels = await page.page.evaluate(f"{reaches}.map(({{left, right}}) => [left, right])")
        assert all(left > before for (_, before), (left, _) in pairwise(labels))
        assert labels[-1][1] < size[0]
        explained = set(await page.page.evaluate("[...document.querySelectorAll('.legend i')].map((i) => i.className)"))
        marks = await page.page.evaluate(
            "[...document.querySelectorAll('.lane:has(span:not(.tick)) > span')].map((i) => i.className)"
        )
        assert set(marks) == explained
        for scheme in ("light", "dark"):
            await page.page.emulate_media(color_scheme=scheme)
            faint = [told for told in await page.page.evaluate(CONTRAST) if told[1] < 3]  # WCAG 1.4.11
            assert faint == []


AXES = {
    1: ["Milliseconds", "0", "1"],
    49: ["Milliseconds", "0", "10", "20", "30", "40"],
    1500: ["Milliseconds", "0", "500", "1000", "1500"],
    2000: ["Seconds", "0", "0.5", "1", "1.5", "2"],
    437_291: ["Seconds", "0", "100", "200", "300", "400"],
}


async def test_the_axis_has_few_round_numbers(browser: Browser) -> None:
    turns = [INVENTED | {"ended_ms": total, "chunks": []} for total in AXES]
    axes = (
        "(turns) => import('./waterfall.js').then(({Waterfall}) => turns.map((turn) => {"
        "  const made = new Waterfall();"
        "  made.show(turn);"
        "  return [...made.element.querySelectorAll('.axis .lane-name, .tick')].map((one) => one.textContent);"
        "}))"
    )
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        assert await page.page.evaluate(axes, turns) == list(AXES.values())


async def shown_parts(page: Talking) -> list[str]:
    """What is there to see of the timeline."""
    return await page.page.locator("#timeline-body > *:visible").all_text_contents()


async def test_a_timeline_that_is_off_says_so_and_no_more(browser: Browser) -> None:
    async with serving(agent(), timeline=0) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await page.page.click("#show-timeline")
        note = page.page.locator(".timeline-note")
        await expect(note).to_contain_text("The timeline is off")
        await expect(note).to_contain_text("--timeline 0")
        assert await shown_parts(page) == [await note.text_content()]


async def test_a_gateway_that_cannot_be_asked_is_said_and_asked_again(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await page.page.route("**/turns", lambda route: route.abort())
        await page.page.click("#show-timeline")
        await expect(page.page.locator(".timeline-note")).to_have_text("The gateway cannot be reached.")
        assert await shown_parts(page) == ["The gateway cannot be reached."]
        await page.page.unroute("**/turns")
        await expect(page.page.locator(".turn-row")).to_have_count(1, timeout=SOON_MS)
        await expect(page.page.locator(".timeline-note")).to_contain_text("Newest first")
        page.complaints.clear()  # Chromium's own, about the request that failed


async def test_a_turn_that_could_not_be_asked_about_is_asked_about_again(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await page.page.click("#show-timeline")
        await expect(page.page.locator(".turn-row")).to_have_count(1, timeout=SOON_MS)
        await page.page.route("**/turns/*", lambda route: route.abort())
        await page.page.click(".turn-row")
        await expect(page.page.locator(".timeline-note")).to_have_text("The gateway cannot be reached.")
        await page.page.unroute("**/turns/*")
        await expect(page.page.locator(".detail")).to_be_visible(timeout=SOON_MS)
        await expect(page.page.locator(".timeline-note")).to_contain_text("Newest first")
        page.complaints.clear()  # Chromium's own, about the requests that failed


async def test_a_turn_that_is_forgotten_meanwhile_is_not_exported(browser: Browser, tmp_path: Path) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await turn_elsewhere(served, "One")
        await turn_elsewhere(served, "Two")
        await page.page.click("#show-timeline")
        await expect(page.page.locator(".turn-row")).to_have_count(2, timeout=SOON_MS)
        forgotten = (await ask(served, "/turns")).json["turns"][0]["turn_id"]
        gone = {"event": "error", "type": "turn_not_found", "error": "There is no such turn."}
        await page.page.route(f"**/turns/{forgotten}", lambda route: route.fulfill(status=404, json=gone))
        async with page.page.expect_download() as download:
            await page.page.get_by_role("button", name="Export all as JSON").click()
        await (await download.value).save_as(tmp_path / "turns.json")
        exported = json.loads((tmp_path / "turns.json").read_text(encoding="utf-8"))
        assert [turn["text"] for turn in exported] == ["One"]
        page.complaints.clear()  # Chromium's own, about the turn that is gone


async def test_esc_closes_a_timeline_that_covers_the_conversation(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, size=(390, 844)) as page:
        await page.page.click("#show-timeline")
        await expect(page.page.locator("#timeline-title")).to_be_focused()
        await page.page.keyboard.press("Escape")
        await expect(page.page.locator("#timeline")).to_be_hidden()
        await expect(page.page.locator("#show-timeline")).to_be_focused()
        await page.page.set_viewport_size({"width": 1280, "height": 800})
        await page.page.click("#show-timeline")
        await expect(page.page.locator("#timeline-title")).to_be_focused()
        await page.page.keyboard.press("Escape")  # beside it, it stays
        await expect(page.page.locator("#timeline")).to_be_visible()


async def test_percentiles(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        asked = "import('./timeline.js').then(({percentile: p}) => [p([], .5), p([7], .95), p([4, 1, 3, 2], .5)])"
        assert await page.page.evaluate(asked) == [None, 7, 2]
        many = "import('./timeline.js').then(({percentile: p}) => p(Array.from({length: 100}, (_, i) => i + 1), .95))"
        assert await page.page.evaluate(many) == 95
