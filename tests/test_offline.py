"""OfflineAgent: what it understands, and that it behaves like any agent."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from pipeline.agent.arithmetic import calculate, format_number
from pipeline.agent.cities import find_zone
from pipeline.agent.offline import OfflineAgent
from pipeline.agent.service import Message
from pipeline.agent.tools import TOOL_MAP
from pipeline.events import AgentEvent, StreamEnd, StreamToken, ToolCall, ToolResult

NOW = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)


async def ask(question: str, *before: Message, tokens_per_second: float = 0) -> list[AgentEvent]:
    agent = OfflineAgent(tokens_per_second=tokens_per_second, clock=lambda: NOW)
    async with aclosing(agent.stream([*before, {"role": "user", "content": question}])) as stream:
        return [event async for event in stream]


def text(events: list[AgentEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, StreamToken))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What time is it in Tokyo?", "In **Tokyo** it is 05:30 now, on Sunday, November 22."),
        ("what time is it in new york right now", "In **New York** it is 15:30 now, on Saturday"),
        ("What time is it in Tokyo?", "That is 9 hours ahead of UTC."),
        ("What time is it in Delhi?", "That is 5.5 hours ahead of UTC."),
        ("What time is it in New York?", "That is 5 hours behind UTC."),
        ("What time is it in Reykjavik?", "That is the same as UTC."),
        ("Time in Atlantis?", "I don't know a place called Atlantis."),
        ("What's the time?", "It is 20:30 now"),
        ("What day is it today?", "Today is **Saturday**, November 21, 2026."),
        ("What is 15% of 80?", "15% of 80 is **12**."),
        ("How much is ten divided by three?", "Ten divided by three is about **3.3333**."),
        ("2+2", "2+2 is **4**."),
        ("What is 1/0?", "nothing can be divided by zero"),
        ("Count to 20", "11, 12, 13, 14, 15, 16, 17, 18, 19, 20."),
        ("count down from five", "5, 4, 3, 2, 1. Lift-off!"),
        ("Count from 8 to 10, please.", "Here we go. 8, 9, 10. Done!"),
        ("Count to 5000000", "That would take us all day."),
        ("Can you read to me?", "On the last rock before the open sea"),
        ("Tell me a story", "**The end.**"),
        ("Give me a list", "- **Answer first.**"),
        ("What can you do?", "- tell the time"),
        ("What is this gateway?", "**voice-turn gateway**"),
        ("Hello!", "It's good to hear you."),
        ("Thank you", "You're welcome!"),
        ("Show me a table", "| Tokyo | Japan | +9 |"),
        ("Say hello world", "hello world"),
        ("What is the meaning of life?", 'I heard you say "What is the meaning of life?".'),
        ("?!", "I did not hear anything."),
        ("", "I did not hear anything."),
    ],
)
async def test_answers(question: str, answer: str) -> None:
    assert answer in text(await ask(question))


async def test_history_is_repeated() -> None:
    before: list[Message] = [
        {"role": "user", "content": "I like trains."},
        {"role": "assistant", "content": "So do I."},
    ]
    assert 'You said: "I like trains."' in text(await ask("What did I say before?", *before))
    assert text(await ask("Say that again", *before)) == "So do I."


async def test_a_tool_is_used_in_events_between_the_words() -> None:
    events = await ask("What time is it in Paris?")
    kinds = [type(event) for event in events]
    call = kinds.index(ToolCall)
    assert text(events[:call]) == "Let me check that for you. "
    assert events[call] == ToolCall("call_1", "get_time", arguments='{"place": "Paris"}')
    result = events[call + 1]
    assert isinstance(result, ToolResult)
    assert (result.tool_call_id, result.name, result.status) == ("call_1", "get_time", "ok")
    assert '"zone":"Europe/Paris"' in result.output
    assert kinds[call + 2] is StreamToken
    assert kinds[-1] is StreamEnd
    events = await ask("What time is it in Atlantis?")
    assert [event.status for event in events if isinstance(event, ToolResult)] == ["error"]


async def test_tokens_are_small_and_the_same_each_time() -> None:
    events = await ask("Read to me")
    assert events == await ask("Read to me")
    tokens = [event.text for event in events if isinstance(event, StreamToken)]
    assert len(tokens) > 300
    assert max(map(len, tokens)) <= 7


async def test_the_rate_is_kept() -> None:
    started = time.monotonic()
    events = await ask("Thanks", tokens_per_second=200)
    tokens = sum(isinstance(event, StreamToken) for event in events)
    assert time.monotonic() - started >= tokens / 200


async def test_a_slow_reader_is_not_caught_up_with_a_burst() -> None:
    agent = OfflineAgent(tokens_per_second=20, clock=lambda: NOW)
    async with aclosing(agent.stream([{"role": "user", "content": "Thanks"}])) as stream:
        await anext(stream)
        await asyncio.sleep(0.2)  # four tokens' time
        await anext(stream)
        started = time.monotonic()
        await anext(stream)
        assert time.monotonic() - started > 0.03


async def test_it_can_be_cancelled_also_at_full_speed() -> None:
    task = asyncio.create_task(ask("Count to 1000"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("12.5 times 3", "37.5"),
        ("1,000 * 3", "3,000"),
        ("two plus two", "4"),
        ("twenty-five times four", "100"),
        ("3 million divided by 4", "750,000"),
        ("one thousand two hundred minus 1", "1,199"),
        ("2 to the power of 10", "1,024"),
        ("-2^2", "-4"),
        ("2^-1", "0.5"),
        ("7 squared", "49"),
        ("the square root of 144", "12"),
        ("√2", "1.4142"),
        ("half of 9", "4.5"),
        ("(1 + 2) * -3", "-9"),
        ("10-3", "7"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 30000", "3.33e-05"),
        ("-1 / 3", "-0.3333"),
        ("5 mod 3", "2"),
    ],
)
def test_arithmetic(expression: str, result: str) -> None:
    assert format_number(calculate(expression)) == result


@pytest.mark.parametrize(
    "expression",
    ["", "1 +", "foo", "(1", "1 2 +", "1/0", "0^-1", "9^9^9^9", "sqrt -1", "(-8)^0.5", "(" * 200, "1" * 201,
     "__import__('os')", "9^199*9^199*9^199"],
)  # fmt: skip
def test_arithmetic_refuses(expression: str) -> None:
    with pytest.raises(ValueError):
        calculate(expression)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york right now", "America/New_York"),
        ("são paulo", "America/Sao_Paulo"),
        ("the Netherlands", "Europe/Amsterdam"),
        ("San Francisco", "America/Los_Angeles"),
        ("Europe/Oslo", "Europe/Oslo"),
        ("Atlantis", None),
    ],
)
def test_places(place: str, zone: str | None) -> None:
    found = find_zone(place)
    assert (found and found[1]) == zone


def test_default_tools() -> None:
    assert TOOL_MAP["calculate"]("1/3") == {"result": "0.3333", "exact": "1/3"}
    assert TOOL_MAP["get_time"]("Tokyo")["zone"] == "Asia/Tokyo"
    assert TOOL_MAP["get_time"]()["time"]
