"""How the page looks and reads: sizes, contrast, languages, voices, what is remembered and shown again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from browser import Browser, Talking, talking
from doubles import ScriptedAgent
from playwright.async_api import expect
from serving import serving
from test_conversation_routes import say as store_turns
from test_store import assistant, end, start, user
from test_web import SENTENCES, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEAKING = "document.querySelectorAll('.speaking').length === 1"
ARABIC = "مرحبا بك. هذه جملة طويلة باللغة العربية. "
# The contrast of a border, or of a placeholder's text, with the ground it lies on.
CONTRAST = """([selector, pseudo, property]) => {
  const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const element = document.querySelector(selector);
  const color = light(getComputedStyle(element, pseudo)[property]);
  const ground = light(getComputedStyle(element).backgroundColor);
  return (Math.max(color, ground) + 0.05) / (Math.min(color, ground) + 0.05);
}"""


async def places(page: Talking) -> list[Any]:
    """Where the controls are, and where the conversation ends."""
    found: list[Any] = await page.page.evaluate(
        "['#talk-button', '#message', '#send', 'footer', '#talk'].map((selector) => {"
        " const {x, y, width, height} = document.querySelector(selector).getBoundingClientRect();"
        " return [selector, ...[x, y, width, height].map(Math.round)]; })"
    )
    return found


async def test_everything_is_in_reach_and_stays_in_place(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, size=(320, 568), cps=60) as page:
        last = page.page.locator(".examples button").last
        for width, height in [(320, 568), (844, 390), (390, 400), (390, 844), (1280, 800)]:
            await page.page.set_viewport_size({"width": width, "height": height})
            assert await page.page.evaluate("document.body.scrollHeight") <= height
            await last.scroll_into_view_if_needed()
            await last.click(trial=True)  # nothing covers it
            box = await page.page.locator("#message").bounding_box()
            assert box is not None
            assert box["width"] >= 200
        idle = await places(page)
        await page.page.click("#talk-button")
        await expect(page.page.locator("#talk-label")).to_have_text("Listening")
        assert (await places(page))[1:] == idle[1:]
        await page.page.click("#mute-button")
        for turn, (width, height) in enumerate([(1280, 800), (390, 844)], 1):
            await page.page.set_viewport_size({"width": width, "height": height})
            idle = await places(page)
            await page.say("Speak, please")
            await page.until(SPEAKING)
            assert await places(page) == idle
            await page.page.keyboard.press("Escape")
            await expect(page.page.locator(".cut")).to_have_count(turn)
            assert await places(page) == idle


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_contrasts_that_axe_does_not_check(browser: Browser, scheme: str) -> None:
    async with serving() as served, talking(browser, served.http_url, scheme=scheme) as page:
        await page.page.click("#show-voice")
        for selector in ("#message", "#voice-lang"):
            assert await page.page.evaluate(CONTRAST, [selector, None, "borderTopColor"]) >= 3
        assert await page.page.evaluate(CONTRAST, ["#message", "::placeholder", "color"]) >= 4.5


async def test_one_who_reads_back_is_left_alone(browser: Browser) -> None:
    async with (
        serving(ScriptedAgent(SENTENCES * 40)) as served,
        talking(browser, served.http_url, cps=500, size=(390, 600), touch=True) as page,
    ):
        said = "document.querySelectorAll('.said').length"
        top = "document.querySelector('#transcript').scrollTop"
        spoken_is_seen = """(() => {
          const [log, spoken] = ['#transcript', '.speaking']
            .map((at) => document.querySelector(at)?.getBoundingClientRect());
          return spoken && spoken.top >= log.top && spoken.bottom <= log.bottom;
        })()"""
        await expect(page.page.locator(".by-key")).to_be_hidden()
        await page.say("Speak, please")
        await expect(page.page.locator("#hint")).to_have_text("To interrupt, press the red button.")
        await page.until(f"{said} > 4 && {top} > 0 && {spoken_is_seen}")
        await page.page.locator("#transcript").hover()
        async with asyncio.timeout(10):
            while await page.page.evaluate(top):  # a chunk may come between the wheel and its effect
                await page.page.mouse.wheel(0, -5_000)
                await page.page.evaluate("new Promise(requestAnimationFrame)")
        now = await page.page.evaluate(said)
        await page.until(f"{said} > {now + 1}")
        assert await page.page.evaluate(top) == 0
        await page.page.evaluate("document.querySelector('.speaking').scrollIntoView({block: 'center'})")  # and back
        now = await page.page.evaluate(said)
        await page.until(f"{said} > {now + 2} && {spoken_is_seen}")
        await page.page.keyboard.press("Escape")
        cut = page.page.locator(".cut")
        await cut.wait_for()
        await expect(cut).to_be_in_viewport()


async def test_text_has_its_language_and_direction(browser: Browser) -> None:
    async with (
        serving(ScriptedAgent([ARABIC] * 2)) as served,
        talking(browser, served.http_url, cps=60, size=(390, 844)) as page,
    ):
        await page.page.click("#show-voice")
        await page.page.select_option("#voice-lang", "ar")
        await expect(page.page.locator("#voice-note")).to_contain_text("no voice for Arabic")
        await page.page.keyboard.press("Escape")
        await page.say(ARABIC)
        await page.until(SPEAKING)
        for text in (".you", ".answer"):
            shown = page.page.locator(text)
            assert await shown.evaluate("(made) => [made.lang, getComputedStyle(made).direction]") == ["ar", "rtl"]
        await page.page.keyboard.press("Escape")
        await page.page.wait_for_selector(".cut")
        assert await page.page.evaluate("getComputedStyle(document.querySelector('.answer')).direction") == "rtl"
        await page.page.click("#show-history")
        title = page.page.locator("#history-list .title")
        await expect(title).to_have_attribute("aria-current", "true")
        assert await title.evaluate("(made) => getComputedStyle(made).direction") == "rtl"


async def test_a_browser_without_voices_says_so_until_it_has_some(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, voices=False) as page:
        await page.page.evaluate("localStorage.setItem('voice-turn.voice', JSON.stringify({names: {en: 'Bert'}}))")
        await page.page.reload()
        await page.until_state("connected")
        hint = page.page.locator("#hint")
        await page.page.click("#show-voice")
        await page.page.fill("#voice-rate", "2")
        await page.page.keyboard.press("Escape")
        await expect(hint).not_to_contain_text("No voice")
        await page.say("Speak, please")
        await expect(hint).to_contain_text("No voice")
        await page.until_idle(1)
        await page.say("Speak, please")
        await page.until("document.querySelectorAll('.turn:last-child .said').length >= 2")
        await expect(hint).to_contain_text("To interrupt")  # it has been said, and is in the dialog for good
        await page.page.keyboard.press("Escape")
        await page.until_idle(2)
        await expect(hint).to_contain_text("Press Talk")
        await page.page.evaluate("__speech.bringVoices()")  # browsers may be late with them
        await page.say("Speak, please")
        await page.until("__speech.log.some(({what}) => what === 'speak')")
        (spoken,) = (await page.log("speak"))[:1]
        assert (spoken["voice"], spoken["rate"]) == ("Bert", 2)  # the voice was remembered although it was not there
        stored = json.loads(await page.page.evaluate("localStorage.getItem('voice-turn.voice')"))
        assert stored["names"] == {"en": "Bert"}


async def test_silent_in_mid_sentence_reads_the_rest(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=20) as page:
        await page.say("Speak, please")
        await page.until(SPEAKING)
        await page.page.click("#show-voice")
        await page.page.check("#voice-muted")
        assert len(await page.log("cancel")) == 1
        await page.until("__speech.log.some(({what, frame}) => what === 'send' && frame.event === 'chunk_spoken')")
        assert (len(await page.log("speak")), await page.log("end")) == (1, [])
        # A rate counts from the next utterance on, also where the voice has got to is estimated.
        heard = await page.page.evaluate("""async () => {
          const { Speaker } = await import("./speaker.js");
          const synth = { getVoices: () => [{ lang: "en" }], speak: (utterance) => utterance.onstart(), cancel() {} };
          const speaker = new Speaker({ onStart() {}, onSpoken() {}, onProblem() {}, synth });
          const { now } = performance;
          performance.now = () => 0;
          speaker.say({ text: "a ".repeat(50), lang: "en" });
          performance.now = () => 2000;
          speaker.rate = 2;
          const stopped = speaker.stop();
          performance.now = now;
          return stopped.chars;
        }""")
        assert 25 <= heard <= 30  # 15 characters a second


async def test_what_a_conversation_was_is_shown_as_it_was(browser: Browser) -> None:
    broken = ScriptedAgent(["Some words come here. ", RuntimeError("boom")])
    async with serving(broken) as served, talking(browser, served.http_url, cps=1000) as page:
        store = served.gateway.store
        await store_turns(served, "local", "long", 49)
        for turn_id, status in [("lost", "lost"), ("cut", "interrupted")]:
            await store.begin_turn("local", start(turn_id, "long"), user(f"{turn_id}?"))
            await store.finish_turn("local", end(turn_id, "long", status=status), [assistant("Heard.")])
        await page.say("Fail, please")
        await expect(page.page.locator(".turn .error")).to_have_count(1)
        titles = page.page.locator("#history-list .title")
        await page.page.click("#show-history")
        await page.page.get_by_label("Continue: Fail, please").click()
        await expect(page.page.locator(".turn .error")).to_contain_text("failed (agent_error)")
        await page.page.click("#show-history")
        await page.page.get_by_label("Continue: q0").click()
        await expect(page.page.locator(".turn")).to_have_count(50)
        await expect(page.page.locator("#transcript > .notes")).to_contain_text("last turns")
        await expect(page.page.locator(".turn .error")).to_have_count(1)
        await expect(page.page.locator(".cut")).to_have_count(1)
        await page.page.click("#show-history")
        await expect(titles).to_have_count(2)
        await expect(page.page.get_by_label("Continue: q0")).to_have_attribute("aria-current", "true")
        assert await page.page.locator("#history-list [aria-current]").count() == 1


async def test_a_conversation_that_is_deleted_is_over(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        await page.say("Speak, please")
        await page.until(SPEAKING)
        await page.page.evaluate("""() => {
          document.querySelector("#show-history").click();
          document.querySelector("#history").close();
          document.querySelector("#show-history").click();  // while the first answer is under way
        }""")
        remove = page.page.get_by_role("button", name="Delete")
        await remove.click()
        await expect(remove).to_have_text("Sure?")
        await page.page.focus("#new-conversation")
        await expect(remove).to_have_text("Delete")  # it is not asked for ever
        await expect(page.page.locator("#history-list li")).to_have_count(1)
        await remove.click()
        await remove.click()
        await expect(page.page.locator("#history-note")).to_have_text("Nothing has been said yet.")
        await expect(page.page.locator(".turn")).to_have_count(0)
        await expect(page.page.locator("#welcome")).to_be_visible()
        assert len(await page.log("cancel")) == 1
        await page.page.keyboard.press("Escape")
        await page.say("Anew")
        await page.until(SPEAKING)
        before, after = [entry["frame"]["conversation_id"] for entry in await page.log("frame", event="stream_start")]
        assert before != after


async def test_a_browser_that_keeps_nothing_for_pages(browser: Browser) -> None:
    async with (
        serving(ScriptedAgent([""]), api_keys={"k": "ann"}) as served,
        talking(browser, served.http_url, connect=False) as page,
    ):
        await page.page.add_init_script(
            "for (const area of ['localStorage', 'sessionStorage'])"
            " Object.defineProperty(window, area, {get() { throw new DOMException('denied', 'SecurityError'); }})"
        )
        await page.page.reload()
        await page.page.fill("#key-value", "k")
        await page.page.keyboard.press("Enter")
        await page.until_state("connected")
        await page.page.click("#show-voice")
        await page.page.fill("#voice-rate", "2")
        await page.page.keyboard.press("Escape")
        await page.say("Speak, please")
        await expect(page.page.locator(".turn .notes")).to_have_text("The answer was empty.")
        page.complaints.clear()  # of the handshake without a key
