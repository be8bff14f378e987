"""What a model gets to read of a long conversation."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.history import trim_history
from pipeline.agent.service import Message


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def calls(*ids: str) -> Message:
    return {"role": "assistant", "content": "", "tool_calls": [{"id": one, "type": "function"} for one in ids]}


def answer(call_id: str, text: str = "4") -> Message:
    return {"role": "tool", "content": text, "tool_call_id": call_id}


def size(messages: list[Message]) -> int:
    return sum(len(message["content"]) for message in messages)


def test_what_fits_stays_as_it_is() -> None:
    messages = [assistant("Hello."), user("one"), assistant("1"), user("two")]
    assert trim_history(messages, 4, size(messages)) == messages
    assert trim_history([], 1, 1) == []


def test_the_oldest_exchange_goes_first_and_whole() -> None:
    messages = [user("one"), assistant("1"), user("two"), assistant("2"), user("three")]
    assert trim_history(messages, 4, 100) == messages[2:]
    assert trim_history(messages, 3, 100) == messages[2:]
    assert trim_history(messages, 2, 100) == messages[4:]
    assert trim_history(messages, 100, size(messages) - 1) == messages[2:]


def test_the_last_message_of_the_user_always_stays() -> None:
    messages = [user("one"), assistant("1"), user("x" * 50), calls("a"), answer("a")]
    assert trim_history(messages, 1, 1) == messages[2:]


def test_calls_and_answers_stay_together_even_across_a_message_of_the_user() -> None:
    messages = [user("one"), calls("a", "b"), answer("a"), user("two"), answer("b"), user("three")]
    assert trim_history(messages, 6, 1000) == messages
    assert trim_history(messages, 4, 1000) == messages[5:]


def test_the_arguments_of_calls_count() -> None:
    messages = [user("one"), calls("a" * 500), answer("a" * 500), user("two")]
    assert trim_history(messages, 10, 400) == messages[3:]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Exchanges, some with tools; call ids repeat from turn to turn, as some servers have it."""
    text = st.text(max_size=6)
    messages: list[Message] = []
    for _ in range(draw(st.integers(0, 6))):
        messages.append(user(draw(text)))
        for _ in range(draw(st.integers(0, 2))):
            ids = draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1))
            messages += [calls(*ids), *(answer(one, draw(text)) for one in draw(st.permutations(ids)))]
        if draw(st.booleans()):
            messages.append(assistant(draw(text)))
    return messages


@settings(deadline=None)
@given(conversations(), st.integers(1, 12), st.integers(1, 200))
def test_it_is_an_end_that_keeps_the_limits_and_can_be_sent(
    messages: list[Message], max_messages: int, max_chars: int
) -> None:
    before = list(messages)
    trimmed = trim_history(messages, max_messages, max_chars)
    assert messages == before
    assert trimmed == messages[len(messages) - len(trimmed) :]
    if not messages:
        return
    last = max(at for at, message in enumerate(messages) if message["role"] == "user")
    assert len(trimmed) >= len(messages) - last
    assert trimmed[0]["role"] == "user"
    if len(trimmed) > len(messages) - last:
        assert len(trimmed) <= max_messages
        assert size(trimmed) <= max_chars
    open_calls: set[object] = set()
    for message in trimmed:
        if "tool_call_id" in message:
            assert message["tool_call_id"] in open_calls
        else:
            open_calls = {call["id"] for call in message.get("tool_calls", ())}


@settings(deadline=None)
@given(conversations(), st.integers(1, 12), st.integers(1, 200))
def test_nothing_is_left_out_that_fits(messages: list[Message], max_messages: int, max_chars: int) -> None:
    kept = len(trim_history(messages, max_messages, max_chars))
    begins = [at for at, message in enumerate(messages) if message["role"] == "user" and at < len(messages) - kept]
    if begins:
        one_more = messages[begins[-1] :]
        calls_size = sum(len(msgspec.json.encode(one.get("tool_calls"))) for one in one_more if "tool_calls" in one)
        assert len(one_more) > max_messages or size(one_more) + calls_size > max_chars
