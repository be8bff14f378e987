"""The state machine of a turn, held against the table in the design."""

from __future__ import annotations

from itertools import product

import pytest
from doubles import ScriptedAgent
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidTransitionError
from pipeline.message_processor import ConversationTurn, Playback, TurnStatus
from pipeline.message_processor.turn_queue import TurnQueue
from pipeline.text import TextChunkProcessor, TTSTextProcessor

P, R, C, F, I = (  # noqa: E741 - the table reads better so
    TurnStatus.PENDING,
    TurnStatus.PROCESSING,
    TurnStatus.COMPLETED,
    TurnStatus.FAILED,
    TurnStatus.INTERRUPTED,
)
ALLOWED = {(P, R), (P, F), (P, I), (R, C), (R, F), (R, I)}
LIVE = {P, R}


def make_turn(status: TurnStatus = P) -> ConversationTurn:
    turn = ConversationTurn(
        turn_id="t",
        conversation_id="c",
        user_input="hello",
        correlation_id="x",
        agent_stream=ScriptedAgent([]).stream(),
        token_queue=TurnQueue(1),
        event_queue=TurnQueue(1),
        chunker=TextChunkProcessor(),
        speech=TTSTextProcessor(),
        playback=Playback(),
        captions=True,
        started_at_s=10.0,
    )
    turn.status = status
    return turn


@pytest.mark.parametrize(("start", "end"), list(product(TurnStatus, TurnStatus)))
def test_every_pair_of_states(start: TurnStatus, end: TurnStatus) -> None:
    turn = make_turn(start)
    if start not in LIVE:
        assert turn.advance(end) is False
        assert turn.status is start
    elif (start, end) in ALLOWED:
        assert turn.advance(end) is True
        assert turn.status is end
    else:
        with pytest.raises(InvalidTransitionError):
            turn.advance(end)
        assert turn.status is start


@given(st.lists(st.sampled_from(list(TurnStatus)), max_size=12))
def test_a_turn_ends_once_whatever_is_tried(moves: list[TurnStatus]) -> None:
    turn = make_turn()
    ended: TurnStatus | None = None
    for move in moves:
        try:
            moved = turn.advance(move)
        except InvalidTransitionError:
            assert ended is None
            continue
        assert not (moved and ended)
        if moved and move not in LIVE:
            ended = move
        assert turn.is_live is (ended is None)
    assert turn.status in ({ended} if ended else LIVE)


def test_timing_is_in_milliseconds_since_the_start() -> None:
    turn = make_turn()
    turn.hear("Hi", 10.25)
    turn.first_chunk_at_s = 10.5
    timing = turn.timing(12.0)
    assert (timing.first_token_ms, timing.first_chunk_ms, timing.total_ms) == (250, 500, 2000)


def test_the_reply_is_joined_and_cut_at_what_was_heard() -> None:
    turn = make_turn()
    assert turn.reply == ""
    for piece in ("One", " two", " three"):
        turn.hear(piece, 11.0)
    assert turn.heard_text == "One two three"
    turn.heard_chars = 7
    assert turn.heard_text == "One two"
