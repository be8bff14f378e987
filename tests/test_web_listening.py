"""What the page makes of what it hears: the user, its own voice, noise; and the microphone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser import Browser, Talking, talking
from doubles import ScriptedAgent
from playwright.async_api import expect
from serving import serving
from test_web import agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEAKING = "document.querySelectorAll('.speaking').length === 1"


async def hear(page: Talking, text: str, *, final: bool = True) -> None:
    await page.page.evaluate(f"__speech.recognition.say({json.dumps(text)}, {json.dumps(final)})")


async def messages(page: Talking) -> list[Any]:
    return [entry["frame"]["message"] for entry in await page.log("send", event="start_turn")]


async def test_the_last_words_of_an_answer_are_not_the_users(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        partial = page.page.locator(".partial")
        await page.page.click("#talk-button")
        await hear(page, "Speak, please")
        await page.until(SPEAKING)
        await page.page.keyboard.press("Escape")
        await hear(page, "this is the sentence number")  # recognised late, when all is silent
        await expect(page.page.locator(".cut")).to_have_count(1)
        assert await messages(page) == ["Speak, please"]
        await page.say("Again")
        await page.until(SPEAKING)
        await hear(page, "this is the sent ants", final=False)  # not understood well: it must count as a barge-in …
        await expect(partial).to_have_text("this is the sent ants")
        await hear(page, "this is the sentence")  # … until it is understood
        await expect(partial).to_have_count(0)
        await expect(page.page.locator(".cut")).to_have_count(2)
        assert await messages(page) == ["Speak, please", "Again"]
        await hear(page, "this is what I wanted to say")
        await page.until("document.querySelectorAll('.turn').length === 3")


async def test_an_echo_is_known_however_its_numbers_are_written(browser: Browser) -> None:
    async with serving() as served, talking(browser, served.http_url, cps=15) as page:
        await page.page.click("#talk-button")
        await hear(page, "What is 15% of 80?")
        await page.until("__speech.log.some(({what, text}) => what === 'speak' && text.includes('fifteen percent'))")
        await page.until("document.querySelector('.speaking')?.textContent.includes('15%')")
        for heard in ("15% of 80", "15 percent of 80 is", "fifteen percent of 80 is 12"):
            await hear(page, heard, final=False)
        await hear(page, "15% of 80 is 12")
        assert await page.log("cancel") == []
        await hear(page, "15% of 90", final=False)
        assert len(await page.log("cancel")) == 1
        assert await messages(page) == ["What is 15% of 80?"]


@pytest.mark.parametrize(
    ("reply", "echo"), [("Hello there!", "hello there"), ("It is at the railway station.", "railway station")]
)
async def test_a_short_echo_that_comes_late_is_not_the_user(browser: Browser, reply: str, echo: str) -> None:
    async with serving(ScriptedAgent([reply])) as served, talking(browser, served.http_url, cps=60) as page:
        await page.page.click("#talk-button")
        await hear(page, "Speak, please")
        await page.page.evaluate(
            "(echo) => document.addEventListener('turn-over', () => __speech.recognition.say(echo))", echo
        )
        await expect(page.page.locator(".dropped")).to_have_text(f"{echo} (taken for an echo: say it again)")
        assert await messages(page) == ["Speak, please"]
        await hear(page, "something else")
        await expect(page.page.locator(".dropped")).to_have_count(0)
        assert await messages(page) == ["Speak, please", "something else"]


async def test_an_answer_in_the_words_of_the_question_is_the_users(browser: Browser) -> None:
    question = ScriptedAgent(["Do you want tea or coffee with milk?"])
    async with serving(question) as served, talking(browser, served.http_url, cps=60) as page:
        await page.page.click("#talk-button")
        await hear(page, "Speak, please")
        await page.until("document.querySelector('.speaking')")
        await hear(page, "tea or", final=False)
        await page.until_idle(1)
        ended_at = "__speech.log.findLast(({what}) => what === 'end').at"
        await page.until(f"performance.now() - {ended_at} > 1000")
        await hear(page, "tea or")  # begun while we spoke, final only now
        assert await messages(page) == ["Speak, please"]
        await hear(page, "coffee with milk")
        assert await messages(page) == ["Speak, please", "coffee with milk"]


async def test_what_is_a_noise_depends_on_the_language(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=3000) as page:
        await page.page.click("#talk-button")
        await hear(page, "Um.")
        await page.page.click("#show-voice")
        await page.page.select_option("#voice-lang", "pt")
        await page.page.keyboard.press("Escape")
        await page.until("__speech.recognition.current.lang === 'pt'")
        await hear(page, "Hm, hm")
        await hear(page, "Um.")  # one
        assert await messages(page) == ["Um."]


async def test_what_comes_to_nothing_leaves_nothing(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        partial = page.page.locator(".partial")
        await page.page.click("#talk-button")
        await expect(page.page.locator("#talk-label")).to_have_text("Listening")
        await hear(page, "some wor", final=False)
        await expect(partial).to_have_count(1)
        await page.page.evaluate("__speech.recognition.current.fail('no-speech')")
        await page.until("__speech.log.filter(({what}) => what === 'listen').length === 2")
        await expect(partial).to_have_count(0)
        await hear(page, "other wor", final=False)
        await page.say("Speak, please")
        await expect(partial).to_have_count(0)
        await page.until(SPEAKING)
        for noise in ("uh", "Hmm, hm", "w"):  # no word, not yet a word
            await hear(page, noise, final=False)
        await hear(page, "Um.")
        assert await page.log("cancel") == []
        # Two results that are final at once are one message.
        await page.page.evaluate("__speech.recognition.hear(['No wait,', true], [' what time is it?', true])")
        assert await messages(page) == ["Speak, please", "No wait, what time is it?"]


async def test_what_is_said_in_one_breath_is_one_message(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        partial = page.page.locator(".partial")
        await page.page.click("#talk-button")
        await page.page.evaluate("__speech.recognition.hear(['Tell me', true], [' a sto', false])")
        await expect(partial).to_have_text("Tell me a sto")
        assert await messages(page) == []
        await hear(page, "a story")
        assert await messages(page) == ["Tell me a story"]
        await page.until(SPEAKING)
        await page.page.evaluate("__speech.recognition.hear(['No wait', true], [' wh', false])")
        await expect(page.page.locator(".cut")).to_have_count(1)
        await page.page.evaluate("__speech.recognition.current.stop()")  # and no more of it comes
        await page.until("document.querySelectorAll('.turn').length === 2")
        assert await messages(page) == ["Tell me a story", "No wait"]
        await expect(partial).to_have_count(0)


async def test_recognition_that_does_not_start_again_is_explained(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        label = page.page.locator("#talk-label")
        await page.page.click("#talk-button")
        await expect(label).to_have_text("Listening")
        await page.page.evaluate(
            "(() => { const { current } = __speech.recognition;"
            " current.start = () => { throw new Error('no'); }; current.stop(); })()"
        )
        await expect(page.page.locator("#problem")).to_contain_text("does not start: no")
        await expect(label).to_have_text("Talk")


async def test_after_esc_one_click_turns_the_microphone_on(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        await page.say("Speak, please")
        await page.until(SPEAKING)
        await page.page.keyboard.press("Escape")
        await page.page.click("#talk-button")
        await expect(page.page.locator("#talk-label")).to_have_text("Listening")


async def test_the_microphone_is_asked_for_and_turned_off(browser: Browser) -> None:
    async with (
        serving(agent()) as served,
        talking(browser, served.http_url, cps=40, microphone="asks") as page,
    ):
        label, button = page.page.locator("#talk-label"), page.page.locator("#talk-button")
        await button.click()
        await expect(label).to_have_text("Waiting …")
        await expect(page.page.locator("#hint")).to_contain_text("Allow")
        await page.page.evaluate("__speech.recognition.allow()")
        await expect(label).to_have_text("Listening")
        await page.page.click("#show-voice")
        await page.page.select_option("#voice-lang", "de")  # what is spoken from now on
        await page.page.keyboard.press("Escape")
        assert [entry["lang"] for entry in await page.log("listen")] == ["en-GB", "de"]
        await expect(label).to_have_text("Listening")
        await page.say("Speak, please")
        await page.until(SPEAKING)
        await page.page.click("#mute-button")  # and the answer goes on
        await expect(page.page.locator("#mute-button")).to_be_hidden()
        await expect(button).to_be_focused()
        await expect(label).to_have_text("Interrupt")
        assert await page.log("cancel") == []
        await button.dblclick()  # in a hurry
        await page.page.wait_for_selector(".cut")
        await expect(label).to_have_text("Talk")
        await page.until("performance.now() - __speech.log.findLast(({what}) => what === 'cancel').at > 600")
        await button.click()
        await expect(label).to_have_text("Listening")
        assert len(await page.log("listen")) == 3
