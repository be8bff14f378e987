"""Which provider is asked, how often, and when it is left alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from fake_model import FakeModel, ModelRequest, Reply
from loguru import logger
from openai import AsyncOpenAI

from pipeline.agent.backoff import backoff_delays, retry_delay_s
from pipeline.agent.breaker import CircuitBreaker
from pipeline.agent.model_stream import ModelTimeouts
from pipeline.agent.run_config import Fallback, RunConfig
from pipeline.agent.run_processor import Run
from pipeline.agent.service import Message, correlation_id
from pipeline.errors import AgentError
from pipeline.events import StreamToken

USER: list[Message] = [{"role": "user", "content": "Hi!"}]


@pytest.fixture
async def fakes() -> AsyncIterator[tuple[FakeModel, FakeModel]]:
    async with FakeModel(Reply("First.")) as first, FakeModel(Reply("Second.")) as second:
        yield first, second
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def connect(fakes: tuple[FakeModel, FakeModel]) -> AsyncIterator[Callable[..., Run]]:
    runs: list[Run] = []

    def open_run(*, fallback: bool = True, **timeouts: float) -> Run:
        first, second = fakes
        config = RunConfig(
            model="one",
            timeouts=ModelTimeouts(**{"first_token_s": 5, "stall_s": 5, "first_chunk_s": 10, **timeouts}),
            fallbacks=(Fallback(second.url, "two"),) if fallback else (),
        )
        runs.append(Run.open(config, base_url=first.url))
        return runs[-1]

    yield open_run
    for run in runs:
        await run.aclose()


async def say(run: Run) -> str:
    async with aclosing(run.stream(USER)) as stream:
        return "".join([event.text async for event in stream if isinstance(event, StreamToken)])


async def fail(run: Run) -> AgentError:
    with pytest.raises(AgentError) as caught:
        await say(run)
    return caught.value


def asked(fakes: tuple[FakeModel, FakeModel]) -> tuple[int, int]:
    return len(fakes[0].requests), len(fakes[1].requests)


async def test_one_retry_helps(fakes: Any, connect: Any) -> None:
    fakes[0].plan(Reply(status=500))
    assert await say(connect()) == "First."
    assert asked(fakes) == (2, 0)


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("fault", ["error_event", "failed", "garbage", "cut", "reset"])
async def test_every_warning_names_the_turn(fakes: Any, api: Any, fault: str) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="WARNING", format="{message}")
    token = correlation_id.set("corr-7")
    run = Run.open(RunConfig(model="m", api=api), base_url=fakes[0].url)
    fakes[0].default = Reply(fault=fault)
    for _ in range(4):
        await fail(run)
    await run.aclose()
    correlation_id.reset(token)
    logger.remove(sink)
    assert any("is left alone" in line for line in lines)
    assert [line for line in lines if "corr-7" not in line] == []


@pytest.mark.parametrize(("status", "tries"), [(500, 2), (429, 2), (400, 1)])
async def test_a_client_of_the_callers_does_not_retry_on_its_own(fakes: Any, status: int, tries: int) -> None:
    fakes[0].default = Reply(status=status, headers={"retry-after": "2"})
    client = AsyncOpenAI(base_url=fakes[0].url, api_key="k")
    run = Run(client, RunConfig(model="m"))
    started = time.monotonic()
    await fail(run)
    assert time.monotonic() - started < 1.5
    assert asked(fakes) == (tries, 0)
    assert not client.is_closed()
    await run.aclose()
    assert client.is_closed()


@pytest.mark.parametrize("reply", [Reply(status=503), Reply(fault="reset"), Reply(status=429), Reply(fault="cut")])
async def test_then_the_next_provider_with_its_own_model(fakes: Any, connect: Any, reply: Reply) -> None:
    fakes[0].plan(reply, reply)
    assert await say(connect()) == "Second."
    assert asked(fakes) == (2, 1)
    assert fakes[1].requests[0].body["model"] == "two"


async def test_the_key_goes_only_to_the_server_that_it_is_for(
    fakes: tuple[FakeModel, FakeModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    first, second = fakes
    for fallback, key in (
        (Fallback(second.url, "two"), "none"),  # another port
        (Fallback(second.url, "two", "sk-other"), "sk-other"),
    ):
        run = Run.open(RunConfig(model="one", fallbacks=(fallback,)), base_url=first.url)
        first.plan(Reply(status=401))
        await say(run)
        assert first.requests[-1].headers["Authorization"] == "Bearer sk-secret"
        assert second.requests[-1].headers["Authorization"] == f"Bearer {key}"
        await run.aclose()


@pytest.mark.parametrize(
    ("first", "fallback", "is_same"),
    [
        ("https://api.example/v1", "https://api.example/v2", True),
        ("https://api.example/v1", "https://API.example:443/v1", True),
        ("https://api.example/v1", "https://api.openai.com/v1", True),
        ("https://api.example/v1", "http://api.example/v1", False),
        ("https://api.example/v1", "https://api.example:8443/v1", False),
        ("https://api.example/v1", "http://api.openai.com/v1", False),
        ("https://api.example/v1", "https://api.openai.com:8443/v1", False),
        ("http://127.0.0.1:1/v1", "http://localhost:1/v1", False),
    ],
)
async def test_the_same_server_is_scheme_host_and_port(
    first: str, fallback: str, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    run = Run.open(RunConfig(model="one", fallbacks=(Fallback(fallback, "two"),)), base_url=first)
    assert [provider.client.api_key for provider in run._providers] == ["sk-secret", "sk-secret" if is_same else "none"]
    await run.aclose()


async def test_what_cannot_get_better_is_not_tried_again(fakes: Any, connect: Any) -> None:
    fakes[0].plan(Reply(status=401))
    assert await say(connect()) == "Second."
    assert asked(fakes) == (1, 1)
    fakes[0].plan(Reply(status=400))
    assert (await fail(connect(fallback=False))).retryable is False
    assert asked(fakes) == (2, 1)


@pytest.mark.parametrize("status", [400, 422])
async def test_an_older_server_is_asked_without_what_it_does_not_know(fakes: Any, connect: Any, status: int) -> None:
    def old(request: ModelRequest) -> Reply:
        told = b'{"error": {"message": "Unknown parameter: \'stream_options\'.", "param": "stream_options"}}'
        return Reply(status=status, error_body=told) if "stream_options" in request.body else Reply("Fine.")

    fakes[0].default = old
    run = connect()
    assert [await say(run), await say(run)] == ["Fine.", "Fine."]
    assert asked(fakes) == (3, 0)
    assert ["stream_options" in request.body for request in fakes[0].requests] == [True, False, False]


@pytest.mark.parametrize(
    "told",
    [
        {"error": {"message": "Bad.", "param": "stream_options"}},
        {"error": "stream_options: unknown"},
        {"message": "stream_options: unknown"},
        {"detail": "stream_options: unknown"},
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Not permitted"}]},
        "stream_options: unknown",
    ],
    ids=str,
)
async def test_every_way_to_say_that_it_is_not_known(fakes: Any, connect: Any, told: object) -> None:
    body = told.encode() if isinstance(told, str) else json.dumps(told).encode()
    fakes[0].plan(Reply(status=400, error_body=body))
    assert await say(connect()) == "First."
    assert ["stream_options" in request.body for request in fakes[0].requests] == [True, False]


async def test_what_did_not_help_is_not_left_out_for_all_others(fakes: Any, connect: Any) -> None:
    run = connect(fallback=False)
    bad = Reply(status=400, error_body=b'{"error": {"message": "Bad tool, in a request with stream_options."}}')
    fakes[0].plan(bad, bad)
    await fail(run)
    assert asked(fakes) == (2, 0)
    assert await say(run) == "First."
    assert "stream_options" in fakes[0].requests[-1].body


async def test_a_request_that_an_error_repeats_names_nothing(fakes: Any, connect: Any) -> None:
    run = connect(fallback=False)

    def echo(request: ModelRequest) -> Reply:
        told = {"message": "Bad tool.", "input": request.body, "detail": [{"loc": ["body"], "input": request.body}]}
        return Reply(status=400, error_body=json.dumps({"error": told}).encode())

    fakes[0].default = echo
    await fail(run)
    assert asked(fakes) == (1, 0)


async def test_a_server_that_refuses_whatever_it_is_asked(fakes: Any, connect: Any) -> None:
    fakes[0].default = Reply(status=400, error_body=b"no stream_options, nor anything else")
    assert await say(connect()) == "Second."
    assert asked(fakes) == (2, 1)


async def test_the_last_failure_is_told(fakes: Any, connect: Any) -> None:
    fakes[0].plan(*[Reply(status=500)] * 2)
    fakes[1].plan(*[Reply(status=429)] * 2)
    assert (await fail(connect())).code == "agent_rate_limited"
    assert asked(fakes) == (2, 2)


async def test_after_the_first_token_there_is_no_second_try(fakes: Any, connect: Any) -> None:
    fakes[0].plan(Reply("One two", fault="cut", at=1))
    assert (await fail(connect())).code == "agent_error"
    assert asked(fakes) == (1, 0)


async def test_a_silent_provider_is_not_asked_again_when_there_is_another(fakes: Any, connect: Any) -> None:
    fakes[0].plan(Reply(fault="silent"))
    assert await say(connect(first_token_s=0.4)) == "Second."
    assert asked(fakes) == (1, 1)


async def test_alone_it_is(fakes: Any, connect: Any) -> None:
    fakes[0].plan(Reply(fault="silent"))
    assert await say(connect(fallback=False, first_token_s=0.4)) == "First."
    assert asked(fakes) == (2, 0)


async def test_all_together_have_a_limit_for_the_first_words(fakes: Any, connect: Any) -> None:
    for fake in fakes:
        fake.default = Reply(fault="silent")
    assert (await fail(connect(first_chunk_s=0.3))).code == "agent_timeout"
    assert asked(fakes) == (1, 0)


async def test_thinking_is_life_but_not_words(fakes: Any, connect: Any) -> None:
    fakes[0].default = Reply("Hm.", reasoning=["so", "so", "so"], fault="comments")
    run = connect(fallback=False, first_token_s=0.3, stall_s=5, first_chunk_s=0.5)
    assert (await fail(run)).code == "agent_timeout"
    assert asked(fakes) == (1, 0)


async def test_retry_after_is_honoured_up_to_half_a_second(fakes: Any, connect: Any) -> None:
    fakes[0].plan(Reply(status=429, headers={"Retry-After": "0.3"}))
    await say(connect())
    first, second = fakes[0].requests
    assert 0.3 <= second.started_at - first.started_at < 0.5
    fakes[0].plan(Reply(status=429, headers={"retry-after-ms": "60000"}))
    await say(connect())
    third, fourth = fakes[0].requests[2:]
    assert 0.5 <= fourth.started_at - third.started_at < 0.7


async def test_a_provider_that_keeps_failing_is_left_alone(fakes: Any, connect: Any) -> None:
    run = connect()
    fakes[0].default = Reply(status=500)
    for _ in range(4):
        assert await say(run) == "Second."
    assert asked(fakes) == (5, 4)
    alone = connect(fallback=False)
    for _ in range(3):
        await fail(alone)
    assert "not available" in str(await fail(alone))
    assert asked(fakes) == (10, 4)


async def test_an_interrupt_is_not_held_against_a_provider(fakes: Any, connect: Any) -> None:
    run = connect(fallback=False)
    fakes[0].default = Reply(fault="silent")
    for number in range(6):
        task = asyncio.create_task(say(run))
        await fakes[0].request(number)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    fakes[0].default = Reply("Fine.")
    assert await say(run) == "Fine."


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_breaker_opens_after_five_in_a_row_and_probes_after_ten_seconds() -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock=clock)
    settle(breaker, *[False] * 4, True, *[False] * 4)
    assert breaker.acquire()
    settle(breaker, False)
    assert not breaker.acquire()
    clock.now = 9.9
    assert not breaker.acquire()
    clock.now = 10.0
    assert breaker.acquire()  # the probe
    assert not breaker.acquire()
    settle(breaker, False)
    assert not breaker.acquire()
    clock.now = 20.0
    assert breaker.acquire()
    settle(breaker, None)  # it showed nothing: the next one probes
    assert breaker.acquire()
    settle(breaker, True)
    assert breaker.acquire()
    assert breaker.acquire()


def test_breaker_opens_when_half_of_the_last_twenty_failed() -> None:
    breaker = CircuitBreaker()
    settle(breaker, *[False, True] * 9, True)
    assert breaker.acquire()
    settle(breaker, False)
    assert not breaker.acquire()


def settle(breaker: CircuitBreaker, *verdicts: bool | None) -> None:
    for verdict in verdicts:
        with breaker.trial() as trial:
            trial.verdict = verdict


def test_backoff() -> None:
    assert list(backoff_delays(1)) == []
    assert list(backoff_delays(5, rng=lambda: 1.0)) == [0.1, 0.2, 0.4, 0.5]
    assert list(backoff_delays(3, rng=lambda: 0.0)) == [0.05, 0.1]
    assert retry_delay_s(0.1, None) == 0.1
    assert retry_delay_s(0.1, 0.3) == 0.3
    assert retry_delay_s(0.1, 60) == 0.5
