"""The browser voice client in a real Chromium, against a real gateway; only ear and mouth are stand-ins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser import REFUSED, Browser, Talking, talking
from doubles import ScriptedAgent
from playwright.async_api import expect
from serving import serving
from test_conversation_routes import ask

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCES = [f"This is the sentence number {word} of the answer. " for word in ("one", "two", "three", "four", "five")]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def agent() -> ScriptedAgent:
    """Five sentences a turn, in pieces."""
    return ScriptedAgent([piece for text in SENTENCES for piece in (text[:9], text[9:20], text[20:])])


async def spoken_reports(page: Talking) -> list[int]:
    return [entry["frame"]["index"] for entry in await page.log("send", event="chunk_spoken")]


async def chunks(page: Talking) -> list[tuple[int, str]]:
    frames = [entry["frame"] for entry in await page.log("frame", event="tts_ready_chunk")]
    return [(frame["index"], frame["text"]) for frame in frames]


async def test_the_files_come_with_a_strict_policy_and_only_once() -> None:
    async with serving() as served:
        page = await ask(served, "/")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        script = await ask(served, "/client.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        for reply in (page, script):
            assert reply.headers["content-security-policy"] == POLICY
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["referrer-policy"] == "no-referrer"
        again = await ask(served, "/client.js", **{"If-None-Match": script.headers["etag"]})
        assert (again.status, again.text) == (304, "")
        assert (await ask(served, "/../settings.py")).status == 404


async def test_a_whole_conversation(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        outside: list[str] = []
        page.page.on("request", lambda request: outside.append(request.url))
        await page.say("Speak, please")
        await page.until_idle(1)
        (end,) = await page.log("frame", event="stream_end")
        told = await chunks(page)
        assert [index for index, _ in told] == list(range(len(told)))
        assert await page.texts("speak") == [text for _, text in told] == await page.texts("end")
        assert await spoken_reports(page) == list(range(len(told)))
        answer = page.page.locator(".answer .said")
        await expect(answer).to_have_text(end["frame"]["text"], use_inner_text=False)
        await expect(page.page.locator(".you")).to_have_text("You: Speak, please")
        await page.say("And again")
        await page.until_idle(2)
        assert await page.page.locator(".turn").count() == 2
        assert [url for url in outside if not url.startswith(served.http_url)] == []


async def test_the_first_chunk_is_spoken_within_20_ms(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        waits = []
        for turn in range(1, 6):
            await page.say("Speak, please")
            await page.until_idle(turn)
            came = [entry for entry in await page.log("frame", event="tts_ready_chunk") if not entry["frame"]["index"]]
            spoke = [entry for entry in await page.log("speak") if entry["at"] >= came[-1]["at"]]
            waits.append(spoke[0]["at"] - came[-1]["at"])
        print("first chunk to speak():", [round(wait, 1) for wait in waits], "ms")  # noqa: T201 - with -s
        assert sorted(waits)[len(waits) // 2] <= 20


async def test_escape_silences_before_the_gateway_answers(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        await page.page.evaluate(
            "addEventListener('keydown', ({key}) => __speech.log.push({what: 'key', key, at: performance.now()}), true)"
        )
        await page.say("Speak, please")
        await page.until("__speech.log.filter(({what}) => what === 'end').length === 1")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        await page.page.keyboard.press("Escape")
        await expect(page.page.locator(".cut")).to_have_text("interrupted here")
        key = next(entry for entry in await page.log("key") if entry["key"] == "Escape")
        cancel = (await page.log("cancel"))[0]
        (told,) = await page.log("send", event="interrupt")
        (answered,) = await page.log("frame", event="turn_interrupted")
        print(f"key to cancel(): {cancel['at'] - key['at']:.1f} ms")  # noqa: T201 - with -s
        assert cancel["at"] - key["at"] <= 10
        assert key["at"] <= cancel["at"] <= told["at"] < answered["at"]
        assert told["frame"]["reason"] == answered["frame"]["reason"] == "user"
        assert told["frame"]["heard"]["index"] == 1
        heard = answered["frame"]["heard_text"]
        assert heard.startswith(SENTENCES[0].strip())
        reply = "".join(SENTENCES)
        shown = await page.page.locator(".answer .said").text_content() or ""
        assert (shown, reply.startswith(shown)) == (heard, True)
        unheard = await page.page.locator(".unheard").text_content() or ""
        assert unheard
        assert reply.startswith(shown + unheard)
        assert await page.log("pause") == []
        await page.page.evaluate("__speech.options.cps = 1000")
        await page.say("Go on")  # and the next turn is as ever
        await page.until_idle(2, 30)


async def test_a_user_who_talks_is_listened_to(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=40) as page:
        await page.page.click("#talk-button")
        await page.until("__speech.recognition.current")
        assert (await page.log("listen"))[0]["lang"] == "en-GB"
        await page.page.evaluate("__speech.recognition.say('Speak, ple', false)")
        await expect(page.page.locator(".partial")).to_have_text("Speak, ple")
        await page.page.evaluate("__speech.recognition.say('Speak, please')")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        assert await page.page.locator(".partial").count() == 0
        # Our own voice, out of the loudspeaker and into the microphone, is no barge-in …
        await page.page.evaluate("__speech.recognition.say('this is the sentence', false)")
        assert await page.log("cancel") == []
        await page.page.evaluate("__speech.recognition.say('the sentence number one of the answer')")
        # … but the user's is, from the first word on, before the sentence is complete.
        await page.page.evaluate("__speech.recognition.say('No wait', false)")
        assert len(await page.log("cancel")) == 1
        await page.page.wait_for_selector(".cut")
        (interrupted,) = await page.log("frame", event="turn_interrupted")
        assert interrupted["frame"]["reason"] == "barge_in"
        await page.page.evaluate("__speech.recognition.say('No wait, count')")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        assert [entry["frame"]["message"] for entry in await page.log("send", event="start_turn")] == [
            "Speak, please",
            "No wait, count",
        ]
        await page.page.evaluate("__speech.recognition.current.stop()")  # browsers give up in a pause: go on
        await page.until("__speech.log.filter(({what}) => what === 'listen').length === 2")
        await page.page.keyboard.press("Escape")
        await page.until_idle(2)


@pytest.mark.parametrize("error", ["not-allowed", "audio-capture", "network"])
async def test_a_microphone_that_fails_is_explained(browser: Browser, error: str) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await page.page.click("#talk-button")
        await page.page.evaluate(f"__speech.recognition.current.fail('{error}')")
        await expect(page.page.locator("#problem")).to_be_visible()
        await expect(page.page.locator("#talk-label")).to_have_text("Talk")
        assert len(await page.page.inner_text("#problem")) > 40


async def test_what_is_only_our_own_voice(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        for heard, at_end, is_echo in [
            ("the next train", False, True),
            ("The NEXT train!", False, True),
            ("", False, True),
            ("the train", False, False),
            ("train", False, True),
            ("train", True, False),
            ("the next train", True, True),
            ("Rome", True, True),
            ("rain", False, False),
            ("stop", False, False),
            ("next stop", False, True),
            # Recognisers write numbers as the reply does, or in their own way.
            ("leaves at 12:30", False, True),
            ("at 30. Next stop", False, True),
            ("12 or 30", False, False),
            ("leaves at 11", False, False),
            ("12", True, False),
        ]:
            spoken = "Your train: the next train leaves at half past twelve. Next stop: Rome."
            written = "Your train: the next train leaves at 12:30. Next stop: Rome."
            call = f"isEcho({json.dumps(heard)}, {json.dumps(spoken)}, {json.dumps(written)}, {json.dumps(at_end)})"
            assert await page.page.evaluate(f"import('./echo.js').then(({{isEcho}}) => {call})") is is_echo


async def test_without_speech_recognition_one_types(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, microphone=None) as page:
        await expect(page.page.locator("#hint")).to_contain_text("cannot listen")
        button = page.page.locator("#talk-button")
        await expect(button).to_be_disabled()  # and yet it stays, so that nothing moves when it has something to do
        place = await page.page.locator("#message").bounding_box()
        await page.say("Speak, please")
        await expect(button).to_be_enabled()
        assert await page.page.locator("#message").bounding_box() == place
        await button.focus()
        await page.page.keyboard.press("Enter")
        await page.page.wait_for_selector(".cut")
        await expect(button).to_be_disabled()
        await expect(button).to_be_focused()
        await page.page.keyboard.press("Enter")
        assert await page.log("listen") == []


async def test_a_dropped_connection_loses_and_doubles_nothing(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=150) as page:
        for drops in range(1, 4):
            await page.say("Speak, please")
            ended = len(SENTENCES) * (drops - 1)
            await page.until(f"__speech.log.filter(({{what}}) => what === 'end').length > {ended}")
            await page.page.evaluate("__socket.close()")
            await page.until_state("recovered")
            await page.until_idle(drops)
        told = await chunks(page)
        texts = [text.strip() for text in SENTENCES]
        assert [text for _, text in told] == texts * 3
        assert await page.texts("speak") == texts * 3 == await page.texts("end")
        assert await page.page.locator(".turn").count() == 3
        sessions = [entry["frame"]["session_id"] for entry in await page.log("frame", event="session")]
        assert len(sessions) == 4
        assert len(set(sessions)) == 1


async def test_a_connection_that_is_dead_is_noticed(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, connect=False) as page:
        await page.page.clock.install()
        await page.page.reload()
        await page.until_state("connected")
        await page.page.evaluate("__socket.send = () => {}")  # what is sent gets nowhere, nothing comes
        await page.page.clock.fast_forward(5_100)
        await page.page.clock.fast_forward(5_100)
        await page.until("['resuming', 'recovered'].includes(document.querySelector('#state').dataset.state)")
        await page.page.clock.fast_forward(1_000)
        await page.until_state("recovered")


async def test_a_gateway_with_keys_asks_for_one(browser: Browser) -> None:
    keys = {"k1": "ann", "k2": "bob"}
    async with serving(agent(), api_keys=keys) as served, talking(browser, served.http_url, connect=False) as page:
        await expect(page.page.locator("#key")).to_be_visible()
        assert "kept until" in await page.page.inner_text("#key-note")
        await page.page.fill("#key-value", "wrong")
        await page.page.keyboard.press("Enter")
        await expect(page.page.locator("#key-wrong")).to_have_text("This key is not valid.")
        await expect(page.page.locator("#key-value")).to_have_attribute("aria-invalid", "true")
        await page.page.fill("#key-value", "two words")
        await page.page.keyboard.press("Enter")
        await expect(page.page.locator("#key-wrong")).to_contain_text("cannot send this key")
        await page.page.fill("#key-value", "k2")
        await page.page.keyboard.press("Enter")
        await page.until_state("connected")
        await expect(page.page.locator("#key")).to_be_hidden()
        await page.say("Speak, please")
        await page.until_idle(1)
        (connection,) = [c for c in await page.log("connect") if "bearer.k2" in c["protocols"]]
        assert connection["protocols"] == ["voice-turn.v1", "bearer.k2"]
        assert "k2" not in await page.page.evaluate("JSON.stringify(localStorage) + location.href")
        await page.page.click("#show-history")
        await expect(page.page.locator("#history-list li")).to_have_count(1)
        await page.page.reload()  # within the tab, the key is remembered
        await page.until_state("connected")
        page.complaints = [text for text in page.complaints if REFUSED not in text and "WebSocket" not in text]


async def test_a_restart_of_the_gateway_goes_on_with_the_conversation(browser: Browser, tmp_path: Path) -> None:
    database = str(tmp_path / "conversations.db")
    async with serving(agent(), database=database) as served:
        port = served.address[1]
        async with talking(browser, served.http_url) as page:
            await page.say("Before")
            await page.until_idle(1)
            served.server.should_exit = True
            await page.until_state("resuming")
            await page.say("Meanwhile")  # said without a connection, sent when there is one
            async with serving(agent(), database=database, port=port):
                await page.until_state("new_session")
                await page.until_idle(2)
                starts = [entry["frame"] for entry in await page.log("frame", event="stream_start")]
                assert len({start["conversation_id"] for start in starts}) == 1
                assert await page.page.locator(".turn").count() == 2
                assert (await page.texts("speak"))[len(SENTENCES) :] == [text.strip() for text in SENTENCES]
                conversation = await ask(served, f"/conversations/{starts[0]['conversation_id']}")
                assert [turn["status"] for turn in conversation.json["turns"]] == ["completed", "completed"]
            page.complaints = [text for text in page.complaints if "ERR_CONNECTION_REFUSED" not in text]


async def test_a_turn_that_a_restart_killed_is_told_as_lost(browser: Browser) -> None:
    async with serving(agent()) as served:
        port = served.address[1]
        async with talking(browser, served.http_url, cps=40) as page:
            await page.say("Speak, please")
            await page.until("document.querySelectorAll('.speaking').length === 1")
            served.server.should_exit = True
            await page.until_state("resuming")
            async with serving(agent(), port=port):
                await page.until_state("new_session")
                await expect(page.page.locator(".error")).to_contain_text("no longer knows")
                await page.say("Again")
                await page.until("document.querySelectorAll('.speaking').length === 1")
            # While the gateway stops, it refuses; then nobody is there.
            page.complaints = [text for text in page.complaints if not re.search(r"net::ERR_|status of 503", text)]


async def test_without_voices_it_reads_along(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, voices=False) as page:
        await page.page.click("#show-voice")
        await expect(page.page.locator("#voice-note")).to_contain_text("no voices")
        await page.page.select_option("#voice-lang", "en")
        await page.page.fill("#voice-rate", "2")
        await page.page.keyboard.press("Escape")
        await page.say("Speak, please")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        await expect(page.page.locator("#announce")).to_have_text(SENTENCES[0].strip())
        await page.until("__speech.log.some(({what, frame}) => what === 'send' && frame.event === 'chunk_spoken')")
        await page.page.keyboard.press("Escape")
        await page.page.wait_for_selector(".cut")
        assert await page.log("speak") == []
        (stop,) = await page.log("send", event="interrupt")
        assert stop["frame"]["heard"]["index"] == 1
        assert "here" in await page.page.inner_text(".cut")


async def test_an_utterance_that_never_ends_is_left_behind(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, connect=False) as page:
        await page.page.clock.install()
        await page.page.reload()
        await page.until_state("connected")
        await page.page.evaluate("__speech.options.stuck = true")
        await page.say("Speak, please")
        await page.until("__speech.log.some(({what}) => what === 'speak')")
        assert await spoken_reports(page) == []
        await page.page.evaluate("__speech.options.stuck = false")
        await page.page.clock.fast_forward(20_000)
        await page.until("__speech.log.filter(({what}) => what === 'speak').length >= 2")
        assert (await spoken_reports(page))[0] == 0
        await page.until_idle(1)


async def test_an_estimated_position_is_marked_so_and_counts_as_the_gateway_does(browser: Browser) -> None:
    reply = "😀😀 Quite a lot of words come here, 😀 one after the other. And the second sentence comes after it, too."
    # Code points and UTF-16 units differ behind each emoji, in the reply and, with names for emoji, in the chunk.
    async with (
        serving(ScriptedAgent([reply])) as served,
        talking(browser, served.http_url, cps=10, boundaries=False) as page,
    ):
        await page.say("Speak, please")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        await page.until("performance.now() - __speech.log.find(({what}) => what === 'speak').at > 1500")
        await page.page.keyboard.press("Escape")
        await expect(page.page.locator(".cut")).to_have_text("interrupted about here")
        (stop,) = await page.log("send", event="interrupt")
        spoken = (await page.texts("speak"))[0]
        heard = spoken[: stop["frame"]["heard"]["chars"]].split()
        assert heard == spoken.split()[: len(heard)]
        shown = await page.page.locator(".answer .said").text_content() or ""
        (answered,) = await page.log("frame", event="turn_interrupted")
        assert shown == answered["frame"]["heard_text"]
        assert shown.startswith("😀😀 Quite")


async def test_conversations_are_listed_continued_exported_and_deleted(browser: Browser, tmp_path: Path) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await page.say("The first conversation")
        await page.until_idle(1)
        first = (await page.log("frame", event="stream_start"))[0]["frame"]["conversation_id"]
        await page.page.click("#show-history")
        await page.page.click("#new-conversation")
        assert await page.page.locator(".turn").count() == 0
        await page.say("The second conversation")
        await page.until_idle(2)
        await page.page.click("#show-history")
        entries = page.page.locator("#history-list li")
        await expect(entries).to_have_count(2)
        async with page.page.expect_download() as download:
            await entries.nth(1).get_by_text("Export").click()
        await (await download.value).save_as(tmp_path / "exported.jsonl")
        exported = (tmp_path / "exported.jsonl").read_text(encoding="utf-8")
        assert json.loads(exported.splitlines()[0])["messages"][0]["content"] == "The first conversation"
        remove = entries.nth(0).get_by_text("Delete")
        await remove.click()
        await entries.nth(0).get_by_text("Sure?").click()
        await expect(entries).to_have_count(1)
        await entries.nth(0).get_by_text("The first conversation").click()
        await expect(page.page.locator(".you")).to_have_text("You: The first conversation")
        await page.say("More of it")
        await page.until_idle(3)
        starts: list[dict[str, Any]] = [entry["frame"] for entry in await page.log("frame", event="stream_start")]
        assert [start["conversation_id"] == first for start in starts] == [True, False, True]


async def test_older_conversations_are_a_button_away(browser: Browser) -> None:
    async with serving(ScriptedAgent(["Hello."])) as served:
        async with served.client() as client:
            for number in range(25):
                await client.turn(f"Number {number}", conversation_id=f"c{number}")
        async with talking(browser, served.http_url) as page:
            await page.page.click("#show-history")
            entries = page.page.locator("#history-list li")
            await expect(entries).to_have_count(20)
            await page.page.click("#more-history")
            await expect(entries).to_have_count(25)
            await expect(page.page.locator("#more-history")).to_be_hidden()
            await expect(entries.nth(24)).to_contain_text("Number 0")


async def test_voice_and_speed_are_remembered(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await page.page.click("#show-voice")
        await page.page.select_option("#voice-name", "Bert")
        await page.page.fill("#voice-rate", "1.5")
        await page.page.reload()
        await page.until_state("connected")
        await page.say("Speak, please")
        await page.until_idle(1)
        spoken = await page.log("speak")
        assert {(entry["voice"], entry["rate"]) for entry in spoken} == {("Bert", 1.5)}


async def test_a_voice_speaks_its_language_only(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await page.page.click("#show-voice")
        label, voices = page.page.locator("#voice-name-label"), page.page.locator("#voice-name")
        # No voice is offered that would not be used: answers are taken to be in the browser's language at first.
        await expect(label).to_have_text("Voice for English")
        await expect(voices.locator("option")).to_have_text(["The browser’s best", "Alma (en-GB)", "Bert (en-US)"])
        await voices.select_option("Bert")
        await page.page.keyboard.press("Escape")
        await page.say("Speak, please")
        await page.until_idle(1)
        await page.page.click("#show-voice")
        await page.page.select_option("#voice-lang", "de")
        await expect(label).to_have_text("Voice for German")
        await expect(voices.locator("option")).to_have_text(["The browser’s best", "Carla (de-DE)"])
        await page.page.keyboard.press("Escape")
        await page.say("Speak, please")
        await page.until_idle(2)
        (_, german) = await page.log("send", event="start_turn")
        assert german["frame"]["lang"] == "de"
        spoke = [entry["voice"] for entry in await page.log("speak")]
        assert spoke == ["Bert"] * len(SENTENCES) + ["Carla"] * (len(spoke) - len(SENTENCES))
        assert spoke[-1] == "Carla"
        await page.page.click("#show-voice")
        await page.page.select_option("#voice-lang", "")
        await expect(label).to_have_text("Voice for German")  # that of the last answer
        await page.page.select_option("#voice-lang", "en")
        await expect(voices).to_have_value("Bert")


async def test_a_voice_is_chosen_for_the_language_that_is_shown(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=20) as page:
        await page.say("Speak, please")
        await page.until("document.querySelectorAll('.speaking').length === 1")
        await page.page.click("#show-voice")
        chunk = {"event": "tts_ready_chunk", "index": 99, "span": [0, 0], "text": "Hallo.", "lang": "de", "seq": 999}
        turn_id = (await page.log("frame", event="stream_start"))[0]["frame"]["turn_id"]
        data = json.dumps(json.dumps(chunk | {"turn_id": turn_id}))
        await page.page.evaluate(f"__socket.dispatchEvent(new MessageEvent('message', {{data: {data}}}))")
        await expect(page.page.locator(".filler")).to_have_count(1)
        await page.page.select_option("#voice-name", "Bert")
        stored = json.loads(await page.page.evaluate("localStorage.getItem('voice-turn.voice')"))
        assert stored["names"] == {"en": "Bert"}
        await expect(page.page.locator("#voice-name-label")).to_have_text("Voice for English")


async def test_after_200_turns_the_page_has_not_grown(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url, cps=1e6, quiet=True) as page:

        async def talk(turns: int) -> tuple[int, int]:
            for _ in range(turns):
                await page.page.evaluate(
                    """() => new Promise((resolve) => {
                      document.addEventListener("turn-over", resolve, {once: true});
                      document.querySelector("#message").value = "Speak, please";
                      document.querySelector("#composer").requestSubmit();
                    })"""
                )
            await page.page.evaluate("__speech.log.length = 0")
            nodes, heap = await page.page.evaluate(
                "(gc(), [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize])"
            )
            return nodes, heap

        nodes, heap = await talk(100)
        nodes_after, heap_after = await talk(100)
        print(f"nodes {nodes} -> {nodes_after}, heap {heap} -> {heap_after} bytes")  # noqa: T201 - with -s
        assert nodes_after == nodes
        assert heap_after < heap + 500_000
