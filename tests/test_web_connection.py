"""The page, and client.js in other people's pages, when a connection or a turn cannot be had."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from browser import Browser, talking
from playwright.async_api import expect
from serving import serving
from test_web import agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENT = Path(__file__).resolve().parent.parent / "gateway" / "web" / "client.js"
STATES = """async ({url, key, until}) => {
  const { VoiceClient } = await import("./client.js");
  const told = [];
  return new Promise((resolve) => {
    const client = new VoiceClient({ url, key, onState(state, text) {
      told.push([state, text]);
      if (state !== until || (state === "connecting" && !text)) return;
      resolve([...told]);
      queueMicrotask(() => client.close());
    }});
    client.connect();
  });
}"""
# A gateway that takes no message with "big" in it, like a proxy with limits of its own.
NARROW = """async () => {
  const { VoiceClient } = await import("./client.js");
  const told = [];
  const session = { event: "session", session_id: "s", resume_token: "r", conversation_id: "c", recovered: false,
                    limits: { max_message_chars: 20, max_frame_bytes: 400 } };
  const Real = WebSocket;
  window.WebSocket = class {
    constructor() { setTimeout(() => this.onopen?.()); }
    close() {}
    send(text) {
      const frame = JSON.parse(text);
      told.push(frame.event === "start_turn" ? ["sent", frame.message] : ["sent", frame.event]);
      const answer = (frame) => setTimeout(() => this.onmessage?.({ data: JSON.stringify(frame) }));
      if (frame.event === "resume") session.recovered = true;
      if (frame.event === "ping" && frame.t) [session, { event: "pong" }].forEach(answer);
      if (frame.message === "big") setTimeout(() => this.onclose?.({ code: 1009, reason: "" }));
      if (frame.message === "last") answer({ event: "stream_start", seq: 1, turn_id: "t", ref: frame.ref });
    }
  };
  await new Promise((resolve) => {
    const client = new VoiceClient({ url: "ws", onEvent(turn, frame) {
      told.push([frame.event, frame.type ?? null]);
      if (turn.message === "x".repeat(21)) client.say("ok", { speech: { emotions: { word: "y".repeat(500) } } });
      if (turn.message === "ok") client.say("big");
      if (turn.message === "big") client.say("last");
      if (turn.message === "last") resolve();
    }, onState: (state) => told.push(["state", state]) });
    client.say("x".repeat(21));  // before the limits are known
    client.connect();
  });
  window.WebSocket = class { constructor() { throw new DOMException("insecure", "SecurityError"); } };
  new VoiceClient({ url: "ws", key: "k", onState: (state) => told.push(["state", state]) }).connect();
  window.WebSocket = Real;
  return told;
}"""


@asynccontextmanager
async def elsewhere() -> AsyncGenerator[str, None]:
    """Another origin, with an empty page and `client.js`."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/client.js":
            return web.Response(body=CLIENT.read_bytes(), content_type="text/javascript")
        return web.Response(text="<!doctype html><title>Mine</title>", content_type="text/html")

    server = web.ServerRunner(web.Server(answer))
    await server.setup()
    try:
        await web.TCPSite(server, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{server.addresses[0][1]}"
    finally:
        await server.cleanup()


async def test_other_pages_are_told_why_they_do_not_get_in(browser: Browser) -> None:
    async with (
        elsewhere() as origin,
        serving(agent(), api_keys={"k1": "ann", "k2": "bob"}, allowed_origins=(origin,), max_sessions=1) as served,
        serving(agent()) as strict,
        talking(browser, origin, connect=False) as page,
    ):

        async def states(url: str, key: str | None, until: str) -> list[list[str]]:
            told: list[list[str]] = await page.page.evaluate(STATES, {"url": url, "key": key, "until": until})
            assert told[0] == ["connecting", ""]
            return told[1:]

        assert await states(served.url, None, "unauthorized") == [["unauthorized", "The gateway wants a key."]]
        assert await states(served.url, "bad", "unauthorized") == [["unauthorized", "This key is not valid."]]
        assert await states(strict.url, None, "refused") == [["refused", "This origin is not allowed."]]
        async with served.client(additional_headers={"Authorization": "Bearer k1"}):
            full = "The gateway is full, try again later."
            assert await states(served.url, "k2", "connecting") == [["connecting", full]]
        assert await states("ws://127.0.0.1:9/ws", None, "connecting") == [
            ["connecting", "The gateway cannot be reached."]
        ]
        page.complaints.clear()  # of all that was refused


async def test_what_cannot_be_sent_fails_and_the_session_goes_on(browser: Browser) -> None:
    async with elsewhere() as origin, talking(browser, origin, connect=False) as page:
        told: list[list[Any]] = await page.page.evaluate(NARROW)
        assert told == [
            ["state", "connecting"],
            ["sent", "ping"],
            ["sent", "ack"],
            ["state", "connected"],
            ["error", "frame_too_large"],
            ["error", "frame_too_large"],
            ["sent", "big"],
            ["error", "frame_too_large"],
            ["state", "resuming"],
            ["sent", "resume"],
            ["sent", "ping"],
            ["sent", "ack"],
            ["sent", "last"],
            ["state", "recovered"],
            ["stream_start", None],
            ["state", "connecting"],
            ["state", "refused"],  # whatever the browser has against it, it is not the key
        ]


async def test_the_page_talks_where_other_origins_are_allowed_too(browser: Browser) -> None:
    async with (
        serving(agent(), allowed_origins=("http://localhost:5173",)) as served,
        talking(browser, served.http_url) as page,
    ):
        await page.page.fill("#message", "long " * 26_000)
        await page.page.press("#message", "Enter")
        await expect(page.page.locator(".turn .error")).to_contain_text("too long")
        await expect(page.page.locator("#message")).to_have_value("long " * 26_000)  # to be shortened
        await expect(page.page.locator("#talk-label")).to_have_text("Talk")
        await page.say("Speak, please")
        await page.until_idle(1)
        assert len(await page.log("connect")) == 1


async def test_a_conversation_that_goes_on_elsewhere_can_be_fetched_back(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        (session,) = [entry["frame"] for entry in await page.log("frame", event="session")]
        known = {name: session[name] for name in ("session_id", "resume_token")}
        await page.page.click("#talk-button")
        await expect(page.page.locator("#talk-label")).to_have_text("Listening")
        async with served.connect() as thief:
            await thief.send(json.dumps({"event": "resume", "last_seq": 0, **known}))
            await page.until_state("taken_over")
            trouble = page.page.locator("#trouble-text")
            await expect(trouble).to_be_visible()
            await expect(page.page.locator("#talk-label")).to_have_text("Talk")  # nobody listens any more
            await expect(page.page.locator("#hint")).to_be_empty()
            await page.say("Speak, please")
            await expect(page.page.locator(".turn .error")).to_contain_text("goes on elsewhere")
            await expect(page.page.locator("#talk-label")).to_have_text("Talk")  # nothing to interrupt
            await expect(trouble).to_be_visible()
            await page.page.click("#connect-again")
            await page.until_state("recovered")
            await expect(trouble).to_be_hidden()
            await page.say("Speak, please")
            await page.until_idle(1)


async def test_a_full_gateway_and_a_network_that_is_gone_are_told(browser: Browser) -> None:
    async with (
        serving(agent(), max_sessions=1, resume_window_s=0.01) as served,
        talking(browser, served.http_url) as first,
        talking(browser, served.http_url, connect=False) as page,
    ):
        trouble = page.page.locator("#trouble-text")
        await expect(trouble).to_contain_text("full", timeout=10_000)
        assert await page.page.evaluate("document.querySelector('#state').dataset.state") == "connecting"
        await first.page.close()
        await page.until_state("connected")
        await expect(trouble).to_be_hidden()
        await page.page.context.set_offline(True)
        await page.page.evaluate("__socket.close()")
        await page.say("Speak, please")
        await expect(page.page.locator("#hint")).to_contain_text("Not sent yet")
        await page.page.context.set_offline(False)
        await page.until_idle(1)
        page.complaints.clear()  # of the network


async def test_a_page_that_is_loaded_again_goes_on(browser: Browser) -> None:
    async with serving(agent()) as served, talking(browser, served.http_url) as page:
        await page.say("Before")
        await page.until_idle(1)
        (before,) = await page.log("frame", event="stream_start")
        await page.page.reload()
        await expect(page.page.locator(".you")).to_have_text("You: Before")
        await expect(page.page.locator("#welcome")).to_be_hidden()
        await page.until_state("connected")
        await page.say("After")
        await page.until_idle(1)
        (after,) = await page.log("frame", event="stream_start")
        assert after["frame"]["conversation_id"] == before["frame"]["conversation_id"]
        await page.page.click("#show-history")
        await page.page.click("#new-conversation")
        await page.page.reload()
        await page.until_state("connected")
        assert await page.page.locator(".you").count() == 0
