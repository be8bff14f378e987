"""Both wires against a real HTTP server: every form of a stream, every fault, and who closes it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, closing
from typing import Any

import msgspec
import pytest
from fake_model import FakeModel, Reply
from loguru import logger

from pipeline.agent import model_stream
from pipeline.agent.chat import ChatWire
from pipeline.agent.model_stream import ModelTimeouts, make_client
from pipeline.agent.provider import Provider, respond
from pipeline.agent.responses import ResponsesWire
from pipeline.agent.service import AgentService, Message
from pipeline.agent.waits import Waits
from pipeline.agent.wire import ModelEnd, Prompt
from pipeline.errors import AgentError
from pipeline.events import AgentEvent, StreamEnd, StreamToken, Usage

USER: list[Message] = [{"role": "user", "content": "Hi!"}]
API = ["chat", "responses"]


class BareModel:
    """One response per turn, without a second try, as an agent."""

    def __init__(self, url: str | None, api: str, *, api_key: str | None = "sk-test", **timeouts: float) -> None:
        self.client = make_client(base_url=url, api_key=api_key)
        wire = ChatWire() if api == "chat" else ResponsesWire()
        self._providers = [Provider(self.client, wire, "m")]
        self._timeouts = ModelTimeouts(**{"first_token_s": 5, "stall_s": 5, **timeouts})

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        prompt = Prompt("Be brief.", messages)
        with closing(Waits()) as waits:
            generator = respond(self._providers, prompt, self._timeouts, waits, tries=1)
            async with aclosing(generator) as batches:
                async for batch in batches:
                    for event in batch:
                        if isinstance(event, StreamToken):
                            yield event
                        elif isinstance(event, ModelEnd):
                            yield StreamEnd(usage=event.usage or msgspec.UNSET)


@pytest.fixture
async def fake() -> AsyncIterator[FakeModel]:
    async with FakeModel() as server:
        yield server
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture(params=API)
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def connect(fake: FakeModel, api: str) -> AsyncIterator[Callable[..., BareModel]]:
    models: list[BareModel] = []

    def open_model(url: str = fake.url, **timeouts: float) -> BareModel:
        models.append(BareModel(url, api, **timeouts))
        return models[-1]

    yield open_model
    for model in models:
        await model.client.close()


@pytest.fixture
def agent(connect: Callable[..., BareModel]) -> BareModel:
    return connect()


async def collect(agent: AgentService, messages: list[Message] = USER) -> list[AgentEvent]:
    async with aclosing(agent.stream(messages)) as stream:
        return [event async for event in stream]


async def say(agent: AgentService) -> str:
    return "".join(event.text for event in await collect(agent) if isinstance(event, StreamToken))


async def failure(agent: AgentService) -> tuple[str, AgentError]:
    """What was said before the agent failed, and how it failed."""
    said = ""

    async def run() -> None:
        nonlocal said
        async with aclosing(agent.stream(USER)) as stream:
            async for event in stream:
                said += event.text if isinstance(event, StreamToken) else ""

    with pytest.raises(AgentError) as caught:
        await run()
    assert "secret" not in str(caught.value)
    return said, caught.value


async def test_tokens_then_end_with_usage(fake: FakeModel, agent: BareModel) -> None:
    fake.plan(Reply("One two three."))
    events = await collect(agent)
    assert events == [
        StreamToken("One"),
        StreamToken(" two"),
        StreamToken(" three."),
        StreamEnd(usage=Usage(11, 3)),
    ]


async def test_request(fake: FakeModel, agent: BareModel, api: str) -> None:
    await collect(agent)
    request = fake.requests[0]
    body = request.body
    assert (body["model"], body["stream"]) == ("m", True)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer sk-test"
    if api == "chat":
        assert request.path == "/v1/chat/completions"
        assert body["messages"] == [{"role": "system", "content": "Be brief."}, *USER]
        assert body["stream_options"] == {"include_usage": True}
    else:
        assert request.path == "/v1/responses"
        assert body["instructions"] == "Be brief."
        assert body["input"] == [{"type": "message", **USER[0]}]
        assert body["store"] is False


async def test_the_short_way_to_the_bytes_is_there(
    fake: FakeModel, agent: BareModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = []
    packets = model_stream._packets

    def spy(stream: Any) -> Any:
        ways.append(packets(stream))
        return ways[-1]

    monkeypatch.setattr(model_stream, "_packets", spy)
    fake.plan(Reply("One."), Reply("Two.", gzip=True))
    assert (await say(agent), await say(agent)) == ("One.", "Two.")
    assert isinstance(ways[0], model_stream._AiohttpPackets)
    assert not isinstance(ways[1], model_stream._AiohttpPackets)


async def test_address_from_the_environment(fake: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", fake.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    agent = BareModel(None, "chat", api_key=None)
    assert await say(agent) == "Hello there. How are you?"
    await agent.client.close()


async def test_the_fake_speaks_as_the_sdk_expects(fake: FakeModel, agent: BareModel, api: str) -> None:
    fake.plan(Reply("One two.", calls=[("call_1", "look", '{"at": 5}')], reasoning=["hm"]))
    if api == "chat":
        stream = await agent.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi!"}], stream=True
        )
        chunks = [chunk async for chunk in stream]
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        text = "".join(delta.content or "" for delta in deltas)
        calls = [call.function for delta in deltas for call in delta.tool_calls or [] if call.function]
        arguments = "".join(call.arguments or "" for call in calls)
        assert chunks[-1].usage is not None
    else:
        events = [event async for event in await agent.client.responses.create(model="m", input="Hi!", stream=True)]
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        arguments = "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta")
        assert events[-1].type == "response.completed"
        assert events[-1].response.usage is not None
    assert (text, arguments) == ("One two.", '{"at": 5}')


def test_neither_key_nor_address_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        make_client()


@pytest.mark.parametrize("key", ["sk-topsecret…", "sk-topsecret\n", "sk-top\x00secret", "sk-top secret", "  "])
def test_a_key_that_no_header_can_carry_is_refused_at_once(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^api_key: expected a key of printable ASCII") as caught:
        make_client(base_url="http://127.0.0.1:1/v1", api_key=key)
    assert "secret" not in str(caught.value)
    if "\x00" not in key:  # which no variable can hold
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(ValueError, match=r"^OPENAI_API_KEY: expected a key of printable ASCII") as caught:
            make_client()
        assert "secret" not in str(caught.value)


async def test_a_failed_request_is_logged_without_what_is_in_it(fake: FakeModel, agent: BareModel) -> None:
    agent.client.api_key = "sk-topsecret…"
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="TRACE")
    _, error = await failure(agent)
    logger.remove(sink)
    assert error.code == "agent_error"
    assert "UnicodeEncodeError" in "".join(lines)
    assert "secret" not in "".join(lines)


async def test_one_connection_serves_many_turns(fake: FakeModel, agent: BareModel) -> None:
    for _ in range(3):
        await say(agent)
    assert len({request.peer for request in fake.requests}) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"gzip": True},
        {"newline": "\r\n"},
        {"newline": "\r"},
        {"newline": "\r\n", "packet_bytes": 1},
        {"ascii": False, "packet_bytes": 1},
        {"ascii": False, "packet_bytes": 7},
        {"end_marker": False},
        {"choices": 3},
        {"reasoning": ["Let me ", "think."]},
        {"refusal": True},
        {"finish": "length"},
    ],
    ids=str,
)
async def test_every_form_of_the_stream_is_read(fake: FakeModel, agent: BareModel, form: dict[str, Any]) -> None:
    text = "Grüße, 世界! 😀 Fine."
    fake.plan(Reply(text, **form))
    assert await say(agent) == text


async def test_surrogates_are_joined_or_replaced(fake: FakeModel, agent: BareModel) -> None:
    fake.plan(Reply(["a \ud83d", "\ude00 b", " \udc00 c", " \ud83d", " d"]))
    assert await say(agent) == "a 😀 b � c � d"


@pytest.mark.parametrize(
    ("reply", "said", "code", "retryable"),
    [
        (Reply(fault="reset"), "", "agent_error", True),
        (Reply(fault="html"), "", "agent_error", True),
        (Reply("a b c", fault="cut", at=2), "a b", "agent_error", True),
        (Reply("a b c", fault="eof", at=2), "a b", "agent_error", True),
        (Reply("a b c", fault="garbage", at=1), "a", "agent_error", True),
        (Reply("a b c", fault="wrong_type", at=1), "a", "agent_error", True),
        (Reply("a b c", fault="error_event", at=1), "a", "agent_error", True),
        (Reply("a b c", fault="failed", at=1), "a", "agent_error", True),
        (Reply("a b c", fault="huge_line", at=1), "a", "agent_error", False),
        (Reply("", finish="content_filter"), "", "agent_error", False),
        (Reply(status=400), "", "agent_error", False),
        (Reply(status=401), "", "agent_error", False),
        (Reply(status=500), "", "agent_error", True),
        (Reply(status=504), "", "agent_timeout", True),
        (Reply(status=429, headers={"Retry-After": "2"}), "", "agent_rate_limited", True),
        (
            Reply(status=429, error_body=b'{"error": {"code": "insufficient_quota"}}'),
            "",
            "agent_rate_limited",
            False,
        ),
    ],
    ids=lambda value: f"{value.fault or value.status}" if isinstance(value, Reply) else None,
)
async def test_faults_are_coded_and_keep_what_was_said(
    fake: FakeModel, agent: BareModel, reply: Reply, said: str, code: str, retryable: bool
) -> None:
    fake.plan(reply)
    got, error = await failure(agent)
    assert (got, error.code, error.retryable) == (said, code, retryable)
    assert await say(agent) == "Hello there. How are you?"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "server_error", "message": "secret provider text"}, "agent_error"),
        ({"code": 502, "message": "secret provider text"}, "agent_error"),
        ({"message": "secret provider text"}, "agent_error"),
        ("secret provider text", "agent_error"),
        ({"code": "rate_limit_exceeded"}, "agent_rate_limited"),
        ({"code": 429}, "agent_rate_limited"),
    ],
    ids=str,
)
def test_an_error_inside_the_stream_is_known_and_logged(api: str, error: Any, code: str) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="DEBUG", format="{level} {message}")
    decoder = (ChatWire() if api == "chat" else ResponsesWire()).decoder()
    shapes: list[dict[str, Any]] = [{"error": error}]
    if api == "responses":
        shapes.append({"type": "error", "error": error})
        if isinstance(error, dict):
            shapes += [{"type": "error", **error}, {"type": "response.failed", "response": {"error": error}}]
    try:
        for shape in shapes:
            lines.clear()
            with pytest.raises(AgentError) as caught:
                decoder.feed(json.dumps(shape).encode())
            assert (caught.value.code, caught.value.retryable) == (code, True)
            assert "secret" not in str(caught.value)
            assert "reported an error" in lines[0]
            assert "secret" not in lines[0]
            if "secret" in str(error):
                assert lines[1].startswith("DEBUG")
                assert "secret provider text" in lines[1]
    finally:
        logger.remove(sink)


def test_a_field_for_errors_without_one_is_no_error() -> None:
    chunk = {"error": None, "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    assert ChatWire().decoder().feed(json.dumps(chunk).encode()) == StreamToken("Hi")


async def test_a_refused_connection(fake: FakeModel, connect: Callable[..., BareModel]) -> None:
    async with FakeModel() as gone:
        agent = connect(gone.url)
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="WARNING")
    _, error = await failure(agent)
    logger.remove(sink)
    assert (error.code, error.retryable) == ("agent_error", True)
    assert "ConnectionRefusedError" in "".join(lines)


@pytest.mark.parametrize("fault", ["silent", "stall", "comments"])
async def test_no_first_token_is_a_timeout(fake: FakeModel, connect: Callable[..., BareModel], fault: Any) -> None:
    agent = connect(first_token_s=0.3)
    fake.plan(Reply(fault=fault))
    said, error = await failure(agent)
    assert (said, error.code, error.retryable) == ("", "agent_timeout", True)
    await asyncio.wait_for(fake.requests[0].ended.wait(), 1)
    assert fake.requests[0].closed_by_client


@pytest.mark.parametrize("fault", ["stall", "comments"])
async def test_a_stall_is_a_timeout(fake: FakeModel, connect: Callable[..., BareModel], fault: Any) -> None:
    agent = connect(stall_s=0.2)
    fake.plan(Reply("a b c", fault=fault, at=2))
    said, error = await failure(agent)
    assert (said, error.code) == ("a b", "agent_timeout")


async def test_a_slow_reader_is_no_stall(fake: FakeModel, connect: Callable[..., BareModel]) -> None:
    agent = connect(stall_s=0.03)
    async with aclosing(agent.stream(USER)) as stream:
        async for _ in stream:
            await asyncio.sleep(0.05)


async def test_aclose_closes_the_http_stream(fake: FakeModel, agent: BareModel) -> None:
    fake.plan(Reply("a b c", fault="stall", at=1))
    async with aclosing(agent.stream(USER)) as stream:
        assert await anext(stream) == StreamToken("a")
    closed_at = time.monotonic()
    await asyncio.wait_for(fake.requests[0].ended.wait(), 1)
    assert fake.requests[0].closed_by_client
    assert fake.requests[0].ended_at - closed_at < 0.1


@pytest.mark.parametrize("fault", ["silent", "stall"])
async def test_cancelling_closes_the_http_stream(fake: FakeModel, agent: BareModel, fault: Any) -> None:
    fake.plan(Reply("a b c", fault=fault, at=1))
    task = asyncio.create_task(collect(agent))
    request = await fake.request(0)
    if fault == "stall":
        await request.sent.wait()
    cancelled_at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(request.ended.wait(), 1)
    assert request.closed_by_client
    assert request.ended_at - cancelled_at < 0.1


async def test_a_lone_surrogate_in_the_history_is_sent_as_a_replacement(fake: FakeModel, agent: BareModel) -> None:
    await collect(agent, [{"role": "user", "content": "a\ud800b"}])
    body = fake.requests[0].body
    assert (body.get("messages") or body["input"])[-1]["content"] == "a�b"


async def test_a_flood_comes_in_small_batches(fake: FakeModel, api: str) -> None:
    fake.plan(Reply([f" word{number}" for number in range(2_000)]))
    client = make_client(base_url=fake.url)
    provider = Provider(client, ChatWire() if api == "chat" else ResponsesWire(), "m")
    sizes = []
    with closing(Waits()) as waits:
        async with aclosing(respond([provider], Prompt("", USER), ModelTimeouts(), waits)) as batches:
            async for batch in batches:
                sizes.append(len(batch))
                await fake.requests[0].ended.wait()  # all of it has arrived
    await client.close()
    assert sum(sizes) == 2_001
    assert max(sizes) < 200
