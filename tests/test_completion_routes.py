"""`/v1/chat/completions` on a real socket, with the official SDK as the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import openai
import pytest
from doubles import ScriptedAgent, until, words
from fake_model import FakeModel, Reply
from openai import AsyncOpenAI
from serving import Served, serving
from test_chat_routes import FAULTS, run

from gateway.agents import agent_name
from gateway.settings import Settings
from gateway.wire.completions import MAX_MESSAGES
from pipeline.agent.run_config import RunConfig
from pipeline.agent.run_processor import Run
from pipeline.agent.service import correlation_id
from pipeline.events import StreamEnd, StreamToken, ToolCall, ToolResult, Usage

HELLO: Any = [{"role": "user", "content": "hi"}]
ANSWER = ["Hello the", "re. It is **2", "0** km. ", "Bye.", StreamEnd(usage=Usage(7, 4))]


@asynccontextmanager
async def brain(*agent: Any, key: str = "any", **settings: Any) -> AsyncGenerator[tuple[AsyncOpenAI, Served], None]:
    async with serving(*agent, **settings) as gateway:
        url = f"{gateway.http_url}/v1"
        async with AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=10) as client:
            yield client, gateway
            await until(lambda: not gateway.gateway.http_turns.count)


async def raw(gateway: Served, body: Any, query: str = "") -> list[Any]:
    """The payloads of a stream, byte for byte as SSE."""
    async with talking_to(gateway) as http, http.post("/v1/chat/completions" + query, json=body) as response:
        text = await response.text()
    assert text.endswith("\n\n")
    blocks = text.removesuffix("\n\n").split("\n\n")
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    payloads = [block.removeprefix("data: ") for block in blocks]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


@asynccontextmanager
async def talking_to(gateway: Served) -> AsyncGenerator[Any, None]:
    async with aiohttp.ClientSession(gateway.http_url) as http:
        yield http


async def test_a_whole_answer() -> None:
    agent = ScriptedAgent(ANSWER)
    async with brain(agent) as (client, gateway):
        messages: Any = [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Hello "}, {"type": "text", "text": "you"}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "7"},
        ]  # fmt: skip
        completion = await client.chat.completions.create(
            model="whatever", messages=messages, temperature=0.5, max_tokens=5, user="u", tools=[], seed=1
        )
        assert completion.choices[0].message.content == "Hello there. It is **20** km. Bye."
        assert (completion.choices[0].message.role, completion.choices[0].finish_reason) == ("assistant", "stop")
        assert completion.usage is not None
        assert (completion.usage.prompt_tokens, completion.usage.total_tokens) == (7, 11)
        assert completion.model == gateway.gateway.agent_name
        assert completion.id.startswith("chatcmpl-")
        assert agent.seen == [[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello you"},
            {"role": "assistant", "content": "", "tool_calls": messages[2]["tool_calls"]},
            {"role": "tool", "content": "7", "tool_call_id": "c1"},
        ]]  # fmt: skip
        page = await gateway.gateway.store.conversations("local", limit=5)
        assert page.conversations == []  # nothing is kept


async def test_a_stream() -> None:
    async with brain(ScriptedAgent(ANSWER)) as (client, _):
        stream = await client.chat.completions.create(
            model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.content for chunk in chunks[1:-2]] == ANSWER[:4]
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * 5 + ["stop"]
    assert chunks[-1].choices == []
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * 6
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 4


@pytest.mark.parametrize(("query", "field"), [("?speech=true", {}), ("", {"speech": True})])
async def test_speech_comes_in_whole_speakable_chunks(query: str, field: dict[str, Any]) -> None:
    spoken = ["Hello there. ", "It is twenty kilometers. Bye. "]
    async with brain(ScriptedAgent(ANSWER)) as (client, gateway):
        payloads = await raw(gateway, {"messages": HELLO, "stream": True, **field}, query)
        assert payloads[-1] == "[DONE]"
        assert "usage" not in payloads[0]
        assert [payload["choices"][0]["delta"].get("content") for payload in payloads[:-1]] == ["", *spoken, None]
        whole = await client.chat.completions.create(
            model="m", messages=HELLO, extra_body=field, extra_query={"speech": "1"} if query else {}
        )
        assert whole.choices[0].message.content == "".join(spoken).strip()


async def test_what_bridges_a_silence_is_no_part_of_a_whole_answer() -> None:
    async with brain(ScriptedAgent([StreamToken("One moment. ", filler=True), "Seven."])) as (client, gateway):
        payloads = await raw(gateway, {"messages": HELLO, "stream": True, "speech": True})
        deltas = [payload["choices"][0]["delta"].get("content") for payload in payloads[:-1]]
        assert deltas == ["", "One moment. ", "Seven. ", None]
        whole = await client.chat.completions.create(model="m", messages=HELLO, extra_body={"speech": True})
        assert whole.choices[0].message.content == "Seven."


async def test_an_answer_without_a_word() -> None:
    async with brain(ScriptedAgent([])) as (client, gateway):
        whole = await client.chat.completions.create(model="m", messages=HELLO)
        assert (whole.choices[0].message.content, whole.usage) == ("", None)
        payloads = await raw(gateway, {"messages": HELLO, "stream": True, "stream_options": {"include_usage": True}})
        assert [payload["choices"][0]["finish_reason"] for payload in payloads[:-1]] == [None, "stop"]


async def test_tools_are_the_agents_own() -> None:
    script = [ToolCall("c1", "look"), ToolResult("c1", "look", "ok"), "Seven."]
    async with brain(ScriptedAgent(script)) as (client, _):
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        deltas = [chunk.choices[0].delta async for chunk in stream]
    assert "".join(delta.content or "" for delta in deltas) == "Seven."
    assert all(delta.tool_calls is None for delta in deltas)


async def test_models() -> None:
    assert agent_name(Settings(agent="openai", model="m1")) == "m1"
    async with brain() as (client, gateway):
        assert [model.id async for model in client.models.list()] == [gateway.gateway.agent_name] == ["offline"]
        assert (await client.models.retrieve("offline")).owned_by == "voice-turn-gateway"
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("other")
        assert caught.value.response.json()["type"] == "not_found"


async def test_a_model_behind_the_gateway() -> None:
    async with FakeModel() as model:
        agent = run(model)
        async with brain(agent) as (client, _):
            stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            assert text == "Hello there. How are you?"
            assert model.requests[0].body["messages"][-1] == HELLO[0]
        await agent.aclose()


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_why_the_model_stopped_is_passed_on(api: Any) -> None:
    cases = [
        (Reply("One two"), "One two", "stop"),
        (Reply("One two", finish="length"), "One two", "length"),
        (Reply("One two", finish="content_filter"), "One two", "content_filter"),
        (Reply("I will not.", refusal=True), "I will not.", "stop"),
    ]
    async with FakeModel() as model:
        agent = Run.open(RunConfig(model="m", api=api), base_url=model.url)
        async with brain(agent) as (client, gateway):
            for reply, text, reason in cases:
                model.plan(reply, reply, reply)
                whole = await client.chat.completions.create(model="m", messages=HELLO)
                assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (text, reason)
                stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
                chunks = [chunk.choices[0] async for chunk in stream]
                assert "".join(chunk.delta.content or "" for chunk in chunks) == text
                assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [reason]
                async with gateway.client() as voice:
                    end = (await voice.turn("hi"))[-1]
                assert end.get("cut", "stop") == reason
        await agent.aclose()


async def test_closing_the_response_closes_the_model() -> None:
    async with FakeModel(Reply(list(words(2000)), piece_delay_s=0.02)) as model:
        agent = run(model)
        async with brain(agent) as (client, gateway):
            for query in ({}, {"speech": "true"}):
                stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True, extra_query=query)
                async for chunk in stream:
                    if chunk.choices[0].delta.content:
                        break
                request = model.requests[-1]
                loop = asyncio.get_running_loop()
                closed_at = loop.time()
                await stream.close()
                await until(request.ended.is_set)
                assert loop.time() - closed_at < 0.1
                assert request.closed_by_client
                await until(lambda: not gateway.gateway.http_turns.count)
            asking = asyncio.create_task(client.chat.completions.create(model="m", messages=HELLO))
            request = await model.request(2)
            await request.sent.wait()
            asking.cancel()
            await asyncio.wait([asking])
            await until(request.ended.is_set)
        await agent.aclose()


async def test_a_client_that_leaves_before_the_first_word() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent([never.wait])
    async with brain(agent) as (client, _):
        for stream in (True, False):
            asking = asyncio.create_task(
                client.chat.completions.create(model="m", messages=HELLO, stream=stream)  # type: ignore[call-overload]
            )
            await until(lambda: agent.opened > agent.closed)
            asking.cancel()
            await asyncio.wait([asking])
            await until(lambda: agent.opened == agent.closed)


async def test_a_slow_reader_holds_the_agent() -> None:
    agent = ScriptedAgent(words(10**9))
    async with brain(agent, write_timeout_s=30) as (client, _):
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        await anext(aiter(stream))
        last = -1
        async with asyncio.timeout(20):
            while agent.pulled != last:  # until it stands still
                last = agent.pulled
                await asyncio.sleep(0.2)
        assert not agent.closed
        await stream.close()
        await until(lambda: agent.closed)


@pytest.mark.parametrize(("reply", "status", "code"), FAULTS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_raises_what_the_sdk_has_for_it(reply: Reply, status: int, code: str, stream: bool) -> None:
    async with FakeModel(reply) as model:
        agent = run(model)
        async with brain(agent) as (client, _):
            headers = {"X-Request-ID": "req-7"}
            with pytest.raises(openai.APIError) as caught:
                answer: Any = await client.chat.completions.create(
                    model="m", messages=HELLO, stream=stream, extra_headers=headers
                )  # type: ignore[call-overload]
                async for _ in answer:
                    pass
            error = caught.value
            if stream and reply.at:  # words were sent already: the stream itself says so
                assert not isinstance(error, openai.APIStatusError)
                assert isinstance(error.body, str)
            else:
                assert isinstance(error, openai.InternalServerError)
                assert error.status_code == status
                body = error.response.json()
                assert (body["event"], body["type"], body["correlation_id"]) == ("error", code, "req-7")
                assert error.body == body["error"]
                assert error.response.headers["x-correlation-id"] == "req-7"
        await until(lambda: not model.open_requests)
        await agent.aclose()


async def test_an_error_in_the_stream_is_the_last_of_it() -> None:
    async with brain(ScriptedAgent(["Hello.", RuntimeError("secret")])) as (_, gateway):
        payloads = await raw(gateway, {"messages": HELLO, "stream": True})
    assert (payloads[-1]["event"], payloads[-1]["type"]) == ("error", "agent_error")
    assert "secret" not in json.dumps(payloads)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": HELLO * (MAX_MESSAGES + 1)}, "messages"),
        ({"messages": [{"role": "user"}], "stream": "yes"}, "stream"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": 5}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0].content"),
        ({"messages": HELLO, "n": 2}, "n:"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": 5}]}]}, "function"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": 5}]}]}, "tool_calls[0].function"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}]}, "arguments"),
        ({"messages": [{"role": "assistant", "tool_calls": [5]}]}, "tool_calls"),
    ],
)
async def test_bad_input_is_named(body: Any, names: str) -> None:
    async with brain(ScriptedAgent(["no"])) as (client, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.post("/chat/completions", cast_to=object, body=body)
    told = caught.value.response.json()
    assert (told["event"], told["type"]) == ("error", "bad_request")
    assert names in told["error"]


async def test_who_may_not_and_how_much() -> None:
    async with brain(ScriptedAgent(["no"]), api_keys={"k": "ann"}, key="wrong") as (client, _):
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="m", messages=HELLO)
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()
    async with brain(ScriptedAgent(["yes"]), api_keys={"k": "ann"}, key="k", max_body_bytes=1024) as (client, _):
        await client.chat.completions.create(model="m", messages=HELLO)
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(
                model="m", messages=HELLO, extra_headers={"Origin": "http://x.example"}
            )
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x" * 2000}])
        assert caught.value.status_code == 413
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="m", messages=HELLO, extra_query={"speech": "maybe"})


async def test_a_stop_cuts_what_does_not_end() -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["Hello.", never.wait])
    async with brain(agent, drain_timeout_s=0.1) as (client, gateway):
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        chunks = aiter(stream)
        await anext(chunks)
        draining = asyncio.create_task(gateway.gateway.drain())
        with pytest.raises(openai.APIError, match="during streaming"):
            async for _ in chunks:
                pass
        await draining
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(model="m", messages=HELLO)
        assert caught.value.status_code == 503


async def test_the_agent_knows_the_correlation_id() -> None:
    seen: list[str] = []

    class Agent:
        async def stream(self, messages: Any) -> AsyncGenerator[StreamToken, None]:
            seen.append(correlation_id.get())
            yield StreamToken("Yes.")

    async with brain(Agent()) as (client, _):
        for stream in (True, False):
            headers = {"X-Request-ID": f"id-{stream}"}
            response = await client.chat.completions.with_raw_response.create(
                model="m", messages=HELLO, stream=stream, extra_headers=headers
            )  # type: ignore[call-overload]
            assert response.headers["x-correlation-id"] == f"id-{stream}"
            await response.http_response.aread()
    assert seen == ["id-True", "id-False"]
