"""The event contract of the turn engine, line by line, also with full queues and a reader that stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import pairwise
from random import Random

import pytest
from doubles import ScriptedAgent, StubbornAgent, collect, until, until_still, words
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import AgentError, TurnError
from pipeline.events import (
    AgentEvent,
    Error,
    ReplyComplete,
    StreamEnd,
    StreamStart,
    StreamToken,
    ToolCall,
    ToolResult,
    TTSReadyChunk,
    TurnEvent,
    TurnInterrupted,
    Usage,
)
from pipeline.message_processor import INTERRUPT_WAIT_TIMEOUT, Heard, MessageProcessor, TurnStatus

TERMINAL = (StreamEnd, Error, TurnInterrupted)


@pytest.fixture(params=[1, 3, 100], ids=lambda size: f"queues of {size}")
def queue_maxsize(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
async def processor(queue_maxsize: int) -> AsyncGenerator[MessageProcessor, None]:
    processor = MessageProcessor(connection_id="c1", user_id="u1", queue_maxsize=queue_maxsize)
    yield processor
    await processor.close()
    assert not processor.tasks


async def start(processor: MessageProcessor, agent: ScriptedAgent | StubbornAgent, **options: object) -> str:
    return await processor.start_turn(
        conversation_id="conv",
        user_input="hello",
        agent_stream=agent.stream([]),
        **options,  # type: ignore[arg-type]
    )


def check_contract(events: list[TurnEvent], turn_id: str) -> None:
    assert isinstance(events[0], StreamStart)
    assert {event.turn_id for event in events} == {turn_id}
    assert [isinstance(event, TERMINAL) for event in events].count(True) == 1
    assert isinstance(events[-1], TERMINAL)
    chunks = [event for event in events if isinstance(event, TTSReadyChunk)]
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    ends = [offset for chunk in chunks for offset in chunk.span]
    assert ends == sorted(ends)


# 1 – stream_start first, one turn_id


async def test_a_turn_from_start_to_end(processor: MessageProcessor) -> None:
    agent = ScriptedAgent(["Hello there. ", "How are", " you today?", StreamEnd(usage=Usage(3, 7))])
    turn_id = await start(processor, agent, ref="r1")
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    first, last = events[0], events[-1]
    assert first == StreamStart(turn_id, "conv", "r1")
    assert isinstance(last, StreamEnd)
    assert last.text == "Hello there. How are you today?"
    assert last.usage == Usage(3, 7)
    assert last.timing is not None
    assert last.timing.first_token_ms is not None
    assert processor.turn(turn_id).status is TurnStatus.COMPLETED
    await until(lambda: agent.closed == 1)


async def test_captions_are_the_raw_tokens_and_can_be_turned_off(processor: MessageProcessor) -> None:
    tokens = ["**Hello** ", "there. ", "Bye."]
    turn_id = await start(processor, ScriptedAgent(tokens))
    events = await collect(processor, turn_id)
    assert [event.text for event in events if isinstance(event, StreamToken)] == tokens
    turn_id = await start(processor, ScriptedAgent(tokens), captions=False)
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    assert not [event for event in events if isinstance(event, StreamToken)]


async def test_tool_events_keep_their_place_and_free_what_was_said_before(processor: MessageProcessor) -> None:
    gate = asyncio.Event()
    agent = ScriptedAgent(
        [
            "Let me check that for you.",
            ToolCall("call-1", "clock"),
            gate.wait,
            ToolResult("call-1", "clock", "ok"),
            " It is noon.",
        ]
    )
    turn_id = await start(processor, agent, captions=False)
    seen: list[TurnEvent] = []
    async with aclosing(processor.stream_events(turn_id)) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, ToolCall):
                gate.set()  # the tool had not answered, and what was said before it was out already
    kinds = [type(event) for event in seen]
    assert kinds == [StreamStart, TTSReadyChunk, ToolCall, ToolResult, TTSReadyChunk, StreamEnd]
    assert seen[2] == ToolCall("call-1", "clock", turn_id)


# 3 – exactly one terminal event, last


@pytest.mark.parametrize(
    ("script", "terminal"),
    [
        ([], StreamEnd),
        (["Text. "], StreamEnd),
        ([StreamStart(), "Text. ", StreamEnd()], StreamEnd),
        ([StreamEnd(), "After the end. "], StreamEnd),
        ([StreamEnd(), RuntimeError("after the end")], StreamEnd),
        ([RuntimeError("secret")], Error),
        (["Some text. And more", RuntimeError("secret")], Error),
        ([AgentError("Too slow.", code="agent_timeout", retryable=True)], Error),
        (["Text. ", asyncio.CancelledError()], Error),
        (["Text. ", 42], Error),
        (["Text. ", StreamToken(None)], Error),  # type: ignore[arg-type]
        (["Text. ", StreamToken(b"bytes")], Error),  # type: ignore[arg-type]
        (["Text. ", ToolCall("1", None)], Error),  # type: ignore[arg-type]
        (["Text. ", GeneratorExit()], Error),
        (["Text. ", KeyboardInterrupt()], Error),
        (["Text. ", SystemExit(3)], Error),
        (["Text. ", BaseException()], Error),
    ],
)
async def test_every_way_an_agent_ends(
    processor: MessageProcessor, script: list[AgentEvent | str | BaseException], terminal: type[TurnEvent]
) -> None:
    agent = ScriptedAgent(script)
    turn_id = await start(processor, agent)
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    assert isinstance(events[-1], terminal)
    assert processor.live_turn is None
    await until(lambda: agent.closed == 1)


async def test_an_error_flushes_what_was_speakable_and_says_nothing_foreign(processor: MessageProcessor) -> None:
    turn_id = await start(processor, ScriptedAgent(["It is sunny. And then", ValueError("password=hunter2")]))
    events = await collect(processor, turn_id)
    spoken = " ".join(event.text for event in events if isinstance(event, TTSReadyChunk))
    assert spoken == "It is sunny. And then"
    error = events[-1]
    assert isinstance(error, Error)
    assert (error.type, error.turn_id) == ("agent_error", turn_id)
    assert "hunter2" not in error.error
    assert error.correlation_id == processor.turn(turn_id).correlation_id
    assert processor.turn(turn_id).status is TurnStatus.FAILED


async def test_a_coded_error_keeps_its_code(processor: MessageProcessor) -> None:
    failure = AgentError("The model is busy.", code="agent_rate_limited", retryable=True)
    turn_id = await start(processor, ScriptedAgent([failure]))
    error = (await collect(processor, turn_id))[-1]
    assert isinstance(error, Error)
    assert (error.type, error.error, error.retryable) == ("agent_rate_limited", "The model is busy.", True)


async def test_stream_end_waits_behind_every_chunk_for_a_slow_reader(processor: MessageProcessor) -> None:
    agent = ScriptedAgent(words(400))
    turn_id = await start(processor, agent, captions=False)
    seen: list[TurnEvent] = []
    async with aclosing(processor.stream_events(turn_id)) as events:
        async for event in events:
            seen.append(event)
            for _ in range(20):  # the engine may run far ahead of this reader
                await asyncio.sleep(0)
    check_contract(seen, turn_id)
    assert sum(event.text.count("word") for event in seen if isinstance(event, TTSReadyChunk)) == 360


# 4 – nothing after the interrupt


async def interrupt_while_unread(processor: MessageProcessor, agent: ScriptedAgent, queue_maxsize: int) -> str:
    """Start a turn whose reader stops after `stream_start`; interrupt when its queues are full."""
    turn_id = await start(processor, agent)
    turn = processor.turn(turn_id)
    await until(turn.event_queue.full)
    await until(turn.token_queue.full)
    async with asyncio.timeout(0.2):
        assert await processor.interrupt_turn(turn_id, "user") is True
    return turn_id


async def test_an_interrupt_with_full_queues(processor: MessageProcessor, queue_maxsize: int) -> None:
    agent = ScriptedAgent(words(10_000))
    turn_id = await interrupt_while_unread(processor, agent, queue_maxsize)
    assert agent.closed == 1
    assert not processor.tasks
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    assert [type(event) for event in events] == [StreamStart, TurnInterrupted]
    assert agent.pulled <= 2 * queue_maxsize + 3


async def test_a_reader_that_stopped_slows_the_agent(processor: MessageProcessor, queue_maxsize: int) -> None:
    agent = ScriptedAgent(words(100_000))
    turn_id = await start(processor, agent)
    turn = processor.turn(turn_id)
    await until(lambda: turn.event_queue.full() and turn.token_queue.full())
    assert await until_still(lambda: agent.pulled) <= 2 * queue_maxsize + 3


async def test_interrupts_at_random_moments(processor: MessageProcessor) -> None:
    random = Random(7)
    for _ in range(100):
        agent = ScriptedAgent(words(500))
        turn_id = await start(processor, agent)
        wanted = random.randrange(60)
        seen: list[TurnEvent] = []
        async with aclosing(processor.stream_events(turn_id)) as events:
            async for event in events:
                seen.append(event)
                if len(seen) == wanted:
                    assert await processor.handle_interrupt("user") is True
                    break
            else:
                pytest.fail("the turn ended before it was interrupted") if wanted else None
            seen.extend([event async for event in events])
        if wanted:
            check_contract(seen, turn_id)
            assert isinstance(seen[-1], TurnInterrupted)
            assert len(seen) == wanted + 1
        assert not processor.tasks
        assert agent.closed == 1
        await processor.cleanup(turn_id)


async def test_an_interrupt_before_the_turn_has_begun_closes_the_agent(processor: MessageProcessor) -> None:
    class Stream:
        """An agent's stream that counts, unlike a native generator that was never started."""

        closed = 0

        def __aiter__(self) -> Stream:
            return self

        async def __anext__(self) -> AgentEvent:
            raise AssertionError("a turn that is over was pulled")

        async def aclose(self) -> None:
            self.closed += 1

    stream = Stream()
    turn_id = await processor.start_turn("conv", "hello", stream)  # type: ignore[arg-type]
    assert processor.request_interrupt(turn_id, "user") is True
    events = await collect(processor, turn_id)
    assert [type(event) for event in events] == [StreamStart, TurnInterrupted]
    await until(lambda: stream.closed == 1)


async def test_an_agent_that_ignores_cancellation_delays_nobody(processor: MessageProcessor) -> None:
    agent = StubbornAgent()
    turn_id = await start(processor, agent)
    await until(agent.busy.is_set)
    assert processor.request_interrupt(turn_id, "user") is True
    async with asyncio.timeout(INTERRUPT_WAIT_TIMEOUT / 2):
        events = await collect(processor, turn_id)
        assert [type(event) for event in events] == [StreamStart, TurnInterrupted]
        following = await start(processor, ScriptedAgent(["Here I am."]))
        assert isinstance((await collect(processor, following))[-1], StreamEnd)
    agent.release.set()
    await until(lambda: not processor.tasks)
    assert agent.closed == 1


async def test_interrupt_turn_gives_up_a_task_that_will_not_die(processor: MessageProcessor) -> None:
    agent = StubbornAgent()
    turn_id = await start(processor, agent)
    await until(agent.busy.is_set)
    async with asyncio.timeout(INTERRUPT_WAIT_TIMEOUT + 1):
        assert await processor.interrupt_turn(turn_id, "user") is True
    assert agent.cancelled == 1
    assert processor.tasks
    agent.release.set()
    await until(lambda: not processor.tasks)
    assert processor.turn(turn_id).status is TurnStatus.INTERRUPTED


async def test_a_waiting_reader_hears_of_the_interrupt(processor: MessageProcessor) -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["Hello. ", never.wait])
    turn_id = await start(processor, agent)
    reading = asyncio.create_task(collect(processor, turn_id))
    await until(lambda: agent.pulled == 1)
    await processor.handle_interrupt("user")
    events = await reading
    check_contract(events, turn_id)
    assert isinstance(events[-1], TurnInterrupted)


async def test_an_interrupt_is_idempotent_and_late_ones_change_nothing(processor: MessageProcessor) -> None:
    turn_id = await start(processor, ScriptedAgent(words(50)))
    assert await processor.interrupt_turn(turn_id, "first") is True
    assert await processor.interrupt_turn(turn_id, "second") is False
    assert await processor.handle_interrupt("third") is False
    events = await collect(processor, turn_id)
    assert isinstance(events[-1], TurnInterrupted)
    assert events[-1].reason == "first"
    completed = await start(processor, ScriptedAgent(["Done."]))
    assert isinstance((await collect(processor, completed))[-1], StreamEnd)
    assert await processor.interrupt_turn(completed, "late") is False
    assert processor.turn(completed).status is TurnStatus.COMPLETED


async def test_a_silent_agent_can_be_interrupted_while_its_end_still_waits(processor: MessageProcessor) -> None:
    # The agent has long ended; what it said has not been read.
    turn_id = await start(processor, ScriptedAgent(["A. "]), captions=False)
    turn = processor.turn(turn_id)
    await until(lambda: turn.ended_at_s is not None)
    assert await processor.interrupt_turn(turn_id, "user") is True
    events = await collect(processor, turn_id)
    assert [type(event) for event in events] == [StreamStart, TurnInterrupted]
    assert events[-1] == TurnInterrupted(turn_id, "user", "", 3)


async def test_what_was_heard_is_told(processor: MessageProcessor) -> None:
    text = "The first sentence is here. The second one follows it. "
    never = asyncio.Event()
    turn_id = await start(processor, ScriptedAgent([text, "More", never.wait]), captions=False)
    async with aclosing(processor.stream_events(turn_id)) as events:
        async for event in events:
            if isinstance(event, TTSReadyChunk):
                break
        await processor.interrupt_turn(turn_id, "user", Heard(0, len("The first")))
        last = [event async for event in events][-1]
    assert isinstance(last, TurnInterrupted)
    assert last.heard_text == "The first"
    assert last.unheard_chars == len(processor.turn(turn_id).reply) - len("The first")


# 5 – the agent's generator is closed on every path


async def test_tools_that_ran_are_remembered_when_an_interrupt_drains_what_they_said() -> None:
    processor = MessageProcessor("c", "u", queue_maxsize=2)
    never = asyncio.Event()
    call, result = ToolCall("c1", "look", arguments="{}"), ToolResult("c1", "look", "ok", output="seen")
    waiting = ["One ", "two ", "three ", call, result]  # two in each queue, one in the hand of who cannot put it
    agent = ScriptedAgent([*waiting, never.wait])
    turn_id = await start(processor, agent)
    turn = processor.turn(turn_id)
    await until(lambda: turn.event_queue.full() and turn.token_queue.full())
    assert await processor.interrupt_turn(turn_id, "user") is True
    assert [type(event) for event in await collect(processor, turn_id)] == [StreamStart, TurnInterrupted]
    said = len("One two three ")
    assert turn.tool_events == [(said, call), (said, result)]
    await processor.close()


async def test_an_agent_that_fails_to_close_changes_nothing(processor: MessageProcessor) -> None:
    async def stream() -> AsyncGenerator[AgentEvent, None]:
        try:
            yield StreamToken("All good.")
            yield StreamEnd()
        finally:
            raise RuntimeError("cannot close")

    turn_id = await processor.start_turn("conv", "hello", stream())
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    assert isinstance(events[-1], StreamEnd)


async def test_an_agent_that_cancels_its_own_task_fails_its_turn(processor: MessageProcessor) -> None:
    async def hurt_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    agent = ScriptedAgent(["Some words first. ", hurt_itself, "Never said."])
    turn_id = await start(processor, agent)
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    assert isinstance(events[-1], Error)
    assert events[-1].type == "agent_error"
    assert [event.text for event in events if isinstance(event, TTSReadyChunk)] == ["Some words first."]


async def test_an_agent_may_close_in_peace(processor: MessageProcessor) -> None:
    """Neither a clean-up nor a second interrupt breaks into what an agent does when it is closed."""
    closing, gate = asyncio.Event(), asyncio.Event()
    closed = 0

    async def stream(*, to_the_end: bool) -> AsyncGenerator[AgentEvent, None]:
        nonlocal closed
        try:
            yield StreamToken("Hello.")
            if to_the_end:
                yield StreamEnd()
            await asyncio.Event().wait()
        finally:
            closing.set()
            await gate.wait()
            closed += 1

    for to_the_end in (True, False):
        turn_id = await processor.start_turn("conv", "hello", stream(to_the_end=to_the_end))
        reading = asyncio.create_task(collect(processor, turn_id))
        if to_the_end:
            await reading
        else:
            await until(lambda turn_id=turn_id: processor.turn(turn_id).reply)
            processor.request_interrupt(turn_id, "user")
        await closing.wait()
        cleaning = asyncio.create_task(processor.cleanup(turn_id))
        for _ in range(20):
            await asyncio.sleep(0)
        gate.set()
        await cleaning
        await reading
        closing.clear()
        gate.clear()
    assert closed == 2


async def test_close_stops_what_hangs_while_it_closes() -> None:
    processor = MessageProcessor("c", "u")

    async def stream() -> AsyncGenerator[AgentEvent, None]:
        try:
            yield StreamEnd()
        finally:
            await asyncio.Event().wait()

    turn_id = await processor.start_turn("conv", "hello", stream())
    await collect(processor, turn_id)
    processor.forget(turn_id)
    await processor.close()
    assert not processor.tasks


async def test_a_turn_is_read_once(processor: MessageProcessor) -> None:
    turn_id = await start(processor, ScriptedAgent(["Hello."]))
    await collect(processor, turn_id)
    with pytest.raises(TurnError) as caught:
        await collect(processor, turn_id)
    assert caught.value.code == "turn_in_progress"


async def test_empty_tokens_are_no_tokens(processor: MessageProcessor) -> None:
    turn_id = await start(processor, ScriptedAgent(["", ""]))
    events = await collect(processor, turn_id)
    assert [type(event) for event in events] == [StreamStart, StreamEnd]
    assert processor.turn(turn_id).first_token_at_s is None


async def test_a_filler_is_spoken_and_is_no_part_of_the_reply(processor: MessageProcessor) -> None:
    agent = ScriptedAgent(
        ["Let me look. ", ToolCall("1", "look"), StreamToken("One moment.", filler=True), "Found it."]
    )
    turn_id = await start(processor, agent)
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    chunks = [event.text for event in events if isinstance(event, TTSReadyChunk)]
    assert chunks == ["Let me look.", "One moment.", "Found it."]
    assert processor.turn(turn_id).reply == "Let me look. Found it."
    assert "One moment." not in [event.text for event in events if isinstance(event, StreamToken)]


async def test_a_text_stage_that_breaks_fails_the_turn_and_closes_the_agent(processor: MessageProcessor) -> None:
    agent = ScriptedAgent(words(1_000))
    turn_id = await start(processor, agent, captions=False)
    turn = processor.turn(turn_id)

    class Broken:
        def process(self, chunk: object) -> None:
            raise ZeroDivisionError("a bug of ours")

    turn.speech = Broken()  # type: ignore[assignment]
    events = await collect(processor, turn_id)
    check_contract(events, turn_id)
    error = events[-1]
    assert isinstance(error, Error)
    assert error.type == "internal_error"
    assert "bug of ours" not in error.error
    await until(lambda: agent.closed == 1 and not processor.tasks)


async def test_cleanup_forgets_and_may_be_repeated(processor: MessageProcessor) -> None:
    agent = ScriptedAgent(words(1_000))
    turn_id = await start(processor, agent)
    await processor.cleanup(turn_id)
    await processor.cleanup(turn_id)
    await processor.cleanup("never was")
    assert agent.closed <= agent.opened
    with pytest.raises(TurnError) as caught:
        await processor.interrupt_turn(turn_id, "user")
    assert caught.value.code == "turn_not_found"
    with pytest.raises(TurnError):
        await collect(processor, turn_id)


async def test_cleanup_ends_a_reader(processor: MessageProcessor) -> None:
    never = asyncio.Event()
    agent = ScriptedAgent(["Hi. ", never.wait])
    turn_id = await start(processor, agent)
    reading = asyncio.create_task(collect(processor, turn_id))
    await until(lambda: agent.pulled == 1)
    await processor.cleanup(turn_id)
    assert isinstance((await reading)[-1], TurnInterrupted)


# 6 – chunks do not depend on token cuts


REPLY = "Sure! It costs $3.50, i.e. not much. **Two** things:\n\n1. Call Dr. Smith.\n2. Pay at 5 p.m. today.\n\nBye."


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(REPLY)), max_size=30))
def test_chunks_do_not_depend_on_how_tokens_were_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(REPLY)]
    tokens = [REPLY[start:end] for start, end in pairwise(edges)]

    async def chunks(tokens: list[str]) -> list[TTSReadyChunk]:
        # So long that no idle release comes in between.
        processor = MessageProcessor("c", "u", 2, idle_release_s=60.0)
        turn_id = await processor.start_turn("conv", "hello", ScriptedAgent(tokens).stream([]), captions=False)
        events = await collect(processor, turn_id)
        await processor.close()
        return [
            TTSReadyChunk("", event.index, event.text, event.span, event.boundary, event.lang, event.emotion)
            for event in events
            if isinstance(event, TTSReadyChunk)
        ]

    assert asyncio.run(chunks(tokens)) == asyncio.run(chunks([REPLY]))


# 7 – the next turn at once


async def test_a_second_turn_is_refused_while_one_is_live_and_accepted_right_after(
    processor: MessageProcessor,
) -> None:
    never = asyncio.Event()
    turn_id = await start(processor, ScriptedAgent(["Hello. ", never.wait]))
    refused = ScriptedAgent(["No. "])
    with pytest.raises(TurnError) as caught:
        await start(processor, refused)
    assert caught.value.code == "turn_in_progress"
    assert refused.opened == refused.closed
    await processor.handle_interrupt("user")
    following = await start(processor, ScriptedAgent(["Yes."]))
    assert isinstance((await collect(processor, turn_id))[-1], TurnInterrupted)
    async with aclosing(processor.stream_events(following)) as events:
        async for event in events:
            if isinstance(event, TERMINAL):
                third = await start(processor, ScriptedAgent(["Again."]))
    assert isinstance((await collect(processor, third))[-1], StreamEnd)


# and what else a user of the engine relies on


async def test_a_finished_sentence_is_spoken_while_the_agent_pauses() -> None:
    processor = MessageProcessor("c", "u", idle_release_s=0.02)
    gate = asyncio.Event()
    turn_id = await start(processor, ScriptedAgent(["Let me check that for you.", gate.wait, " Done."]), captions=False)
    async with aclosing(processor.stream_events(turn_id)) as events:
        assert isinstance(await anext(events), StreamStart)
        async with asyncio.timeout(2):
            chunk = await anext(events)
        assert isinstance(chunk, TTSReadyChunk)
        assert chunk.text == "Let me check that for you."
        gate.set()
        assert isinstance([event async for event in events][-1], StreamEnd)
    await processor.close()


async def test_lone_surrogates_of_a_model_do_not_reach_the_wire(processor: MessageProcessor) -> None:
    turn_id = await start(processor, ScriptedAgent(["A broken \ud83d character."]))
    last = (await collect(processor, turn_id))[-1]
    assert isinstance(last, StreamEnd)
    assert last.text == "A broken \ufffd character."


def test_an_unbounded_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="queue_maxsize"):
        MessageProcessor(connection_id="c", user_id="u", queue_maxsize=0)


# Playback: a client that reports what it has spoken

SENTENCES = [f"This is the sentence with number {number} of them. " for number in range(30)]


async def speaking(
    processor: MessageProcessor, script: list[object], max_unspoken: int = 2
) -> tuple[str, asyncio.Queue[TurnEvent]]:
    """A turn whose events are read as fast as they come, into a queue."""
    agent = ScriptedAgent(script)  # type: ignore[arg-type]
    turn_id = await start(processor, agent, captions=False, max_unspoken_chunks=max_unspoken)
    seen: asyncio.Queue[TurnEvent] = asyncio.Queue()

    async def read() -> None:
        async with aclosing(processor.stream_events(turn_id)) as events:
            async for event in events:
                seen.put_nowait(event)

    processor.reading = asyncio.create_task(read())  # type: ignore[attr-defined]
    assert isinstance(await seen.get(), StreamStart)
    return turn_id, seen


async def settled(seen: asyncio.Queue[TurnEvent]) -> list[TurnEvent]:
    """What came until nothing more does."""
    for _ in range(100):
        await asyncio.sleep(0)
    return [seen.get_nowait() for _ in range(seen.qsize())]


async def test_only_so_many_chunks_run_ahead_of_the_voice(processor: MessageProcessor) -> None:
    turn_id, seen = await speaking(processor, [*SENTENCES])
    events = await settled(seen)
    assert [type(event) for event in events] == [TTSReadyChunk] * 2
    said = 0
    while not isinstance(events[-1], ReplyComplete):
        processor.chunk_spoken(turn_id, said)
        said += 1
        events += await settled(seen)
        given_out = [event for event in events if isinstance(event, TTSReadyChunk)]
        assert len(given_out) - said <= 2
    assert events[-1] == ReplyComplete(turn_id, len(given_out))
    assert " ".join(event.text for event in given_out).count("number") == len(SENTENCES)
    ends = [offset for event in given_out for offset in event.span]
    assert ends == sorted(ends)
    assert seen.empty()
    processor.chunk_spoken(turn_id, len(given_out) - 1)
    assert [type(event) for event in await settled(seen)] == [StreamEnd]


async def test_chunks_that_waited_are_joined_up_to_the_longest() -> None:
    processor = MessageProcessor("c", "u", reports_delivery=False)
    turn_id, seen = await speaking(processor, [*SENTENCES], max_unspoken=1)
    first = (await settled(seen))[-1]
    assert isinstance(first, TTSReadyChunk)
    processor.chunk_spoken(turn_id, 0)
    (second,) = await settled(seen)
    assert isinstance(second, TTSReadyChunk)
    assert second.text.count("number") > 2
    assert len(second.text) <= processor.turn(turn_id).max_chars
    assert second.span[0] >= first.span[1]
    # a position inside the joined chunk is exact
    heard = second.text.index("sentence", 60) + len("sentence")
    processor.request_interrupt(turn_id, "user", Heard(1, heard))
    (last,) = await settled(seen)
    assert isinstance(last, TurnInterrupted)
    assert last.heard_text == "".join(SENTENCES)[: len(last.heard_text)]
    assert last.heard_text.endswith("sentence")
    assert last.heard_text.split()[-4:] == second.text[:heard].split()[-4:]
    await processor.close()


async def test_a_turn_is_live_until_it_was_spoken_and_can_be_cut_until_then(processor: MessageProcessor) -> None:
    turn_id, seen = await speaking(processor, ["The first one is here. ", "The second one as well. "], max_unspoken=8)
    assert [type(event) for event in await settled(seen)] == [TTSReadyChunk, TTSReadyChunk, ReplyComplete]
    processor.chunk_spoken(turn_id, 0)
    assert await settled(seen) == []
    assert processor.live_turn is not None
    assert await processor.interrupt_turn(turn_id, "user") is True
    (last,) = await settled(seen)
    assert isinstance(last, TurnInterrupted)
    assert last.heard_text == "The first one is here."


async def test_a_reply_without_a_word_ends_at_once(processor: MessageProcessor) -> None:
    _, seen = await speaking(processor, [])
    assert [type(event) for event in await settled(seen)] == [ReplyComplete, StreamEnd]


async def test_a_client_that_falls_silent_does_not_hold_the_turn_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.message_processor.playback.SILENCE_GRACE_S", 0.05)
    processor = MessageProcessor("c", "u", speaking_rate_cps=100_000.0)
    turn_id, seen = await speaking(processor, [*SENTENCES])
    events: list[TurnEvent] = []
    while not events or not isinstance(events[-1], StreamEnd):
        async with asyncio.timeout(5):
            events.append(await seen.get())
    spoken = " ".join(event.text for event in events if isinstance(event, TTSReadyChunk))
    assert spoken.count("number") == len(SENTENCES)
    assert processor.turn(turn_id).heard_text == "".join(SENTENCES)
    await processor.close()


async def test_a_chunk_that_was_never_sent_was_never_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.message_processor.playback.SILENCE_GRACE_S", 0.0)
    processor = MessageProcessor("c", "u", speaking_rate_cps=100_000.0, reports_delivery=True)
    turn_id, seen = await speaking(processor, [*SENTENCES], max_unspoken=2)
    assert len(await settled(seen)) == 2
    processor.chunk_sent(turn_id, 0)  # the connection is lost before the second one
    await asyncio.sleep(0.05)
    assert await settled(seen) == []
    processor.request_interrupt(turn_id, "user", Heard(1))
    (last,) = await settled(seen)
    assert isinstance(last, TurnInterrupted)
    assert last.heard_text == SENTENCES[0].strip()
    await processor.close()


async def test_a_failed_turn_is_live_until_what_was_said_of_it_was_spoken(processor: MessageProcessor) -> None:
    script = ["The first one is here. ", "The second one as well. ", AgentError("The agent failed.")]
    turn_id, seen = await speaking(processor, [*script], max_unspoken=8)
    events = await settled(seen)
    assert [type(event) for event in events] == [TTSReadyChunk, TTSReadyChunk, ReplyComplete]
    processor.chunk_spoken(turn_id, 1)
    assert [type(event) for event in await settled(seen)] == [Error]
    assert processor.turn(turn_id).status is TurnStatus.FAILED
    assert processor.turn(turn_id).heard_text == "The first one is here. The second one as well."


async def test_a_failed_turn_can_be_cut_until_it_was_spoken(processor: MessageProcessor) -> None:
    script = ["The first one is here. ", "The second one as well. ", AgentError("The agent failed.")]
    turn_id, seen = await speaking(processor, [*script], max_unspoken=8)
    await settled(seen)
    processor.chunk_spoken(turn_id, 0)
    processor.request_interrupt(turn_id, "user", Heard(1, len("The second")))
    (last,) = await settled(seen)
    assert isinstance(last, TurnInterrupted)
    assert last.heard_text == "The first one is here. The second"


async def test_a_fault_of_ours_leaves_what_was_spoken(processor: MessageProcessor) -> None:
    gate = asyncio.Event()
    turn_id, seen = await speaking(processor, ["The first one. ", "The second one. ", gate.wait, "x"], max_unspoken=8)
    assert [(await seen.get()).__class__ for _ in range(2)] == [TTSReadyChunk, TTSReadyChunk]
    processor.chunk_spoken(turn_id, 0)

    def broken(text: str) -> None:
        raise ZeroDivisionError("secret")

    processor.turn(turn_id).chunker.feed = broken  # type: ignore[method-assign,assignment]
    gate.set()
    (last,) = await settled(seen)
    assert isinstance(last, Error)
    assert (last.type, processor.turn(turn_id).heard_text) == ("internal_error", "The first one.")
