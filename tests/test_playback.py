"""What was heard, for the three ways of knowing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.message_processor import Heard, Playback
from pipeline.text import speak

REPLY = "The first sentence is here now. **The second** one comes after it. And a third one ends the reply."


def playing(sent: int | None = None, *, at_s: float = 0.0) -> Playback:
    playback = Playback(speaking_rate_cps=10.0)
    for chunk in speak(REPLY)[:sent]:
        playback.chunk_sent(playback.give_out(chunk), at_s)
    return playback


def test_nothing_sent_is_nothing_heard() -> None:
    assert Playback().heard_until(100.0) == 0
    assert Playback().heard_until(100.0, Heard(3, 5)) == 0


def test_the_clients_own_word_counts_to_the_character() -> None:
    chunks = speak(REPLY)
    at = chunks[1].text.index("second") + len("second")
    heard = playing().heard_until(0.0, Heard(1, at))
    assert REPLY[:heard].strip("*").endswith("The second")


def test_no_characters_named_means_the_whole_chunk() -> None:
    assert playing().heard_until(0.0, Heard(0)) == speak(REPLY)[0].end


def test_zero_characters_of_a_chunk_end_with_the_one_before() -> None:
    assert playing().heard_until(0.0, Heard(1, 0)) == speak(REPLY)[0].end
    assert playing().heard_until(0.0, Heard(0, 0)) == 0


def test_more_than_was_sent_was_not_heard() -> None:
    chunks = speak(REPLY)
    assert playing(1).heard_until(0.0, Heard(7, 100)) == chunks[0].end
    assert playing(1).heard_until(0.0, Heard(0, 100_000)) == chunks[0].end


def test_reports_count_before_the_clock() -> None:
    playback = playing()
    playback.chunk_spoken(0, 1.0)
    assert playback.heard_until(1_000.0) == speak(REPLY)[0].end


def test_reports_out_of_order_and_of_chunks_that_were_not_sent() -> None:
    playback = playing()
    playback.chunk_spoken(1, 1.0)
    playback.chunk_spoken(0, 1.0)
    assert playback.heard_until(0.0) == speak(REPLY)[1].end
    playback.chunk_spoken(999, 1.0)
    assert playback.heard_until(0.0) == playback.sent_until


def test_a_client_that_reports_but_has_spoken_nothing_heard_nothing() -> None:
    playback = playing()
    playback.max_unspoken = 8
    assert playback.heard_until(1_000.0) == 0


@pytest.mark.parametrize(("after_s", "heard"), [(0.0, ""), (0.2, ""), (0.5, "The"), (1.2, "The first")])
def test_an_estimate_ends_with_a_whole_word(after_s: float, heard: str) -> None:
    assert REPLY[: playing().heard_until(after_s)].strip() == heard


def test_with_time_enough_all_that_was_sent_was_heard() -> None:
    chunks = speak(REPLY)
    assert playing(2).heard_until(1_000.0) == chunks[1].end


def test_a_chunk_sent_late_is_spoken_late() -> None:
    chunks = speak(REPLY)
    playback = Playback(speaking_rate_cps=10.0)
    playback.chunk_sent(playback.give_out(chunks[0]), 0.0)
    playback.chunk_sent(playback.give_out(chunks[1]), 60.0)
    assert playback.heard_until(59.0) == chunks[0].end
    assert playback.heard_until(60.1) == chunks[0].end


def test_a_chunk_that_was_lost_is_heard_from_when_it_was_sent_again() -> None:
    chunks = speak(REPLY)
    playback = playing(3, at_s=0.0)
    playback.chunk_lost(1)
    assert playback.unsent == 2
    assert playback.heard_until(1_000.0) == chunks[0].end
    playback.chunk_sent(1, 60.0)
    assert playback.heard_until(60.0) == chunks[0].end
    assert playback.heard_until(1_000.0) == chunks[1].end


def test_silence_proves_nothing_of_a_chunk_that_was_lost() -> None:
    playback = playing(3)
    playback.max_unspoken = 8
    playback.chunk_spoken(0, 1.0)
    playback.assume_spoken()
    assert playback.heard_until(100.0) == speak(REPLY)[2].end
    playback.chunk_lost(1)
    assert playback.heard_until(100.0) == speak(REPLY)[0].end


def test_what_was_spoken_cannot_be_lost() -> None:
    playback = playing(3)
    playback.chunk_spoken(1, 1.0)
    playback.chunk_lost(0)
    assert playback.sent_until == speak(REPLY)[1].end


@given(
    st.lists(st.floats(0, 30), max_size=4).map(sorted),
    st.lists(st.floats(0, 60), min_size=1, max_size=6).map(sorted),
)
def test_hearing_never_goes_backwards_or_past_what_was_sent(sent_at_s: list[float], asked_at_s: list[float]) -> None:
    playback = Playback(speaking_rate_cps=10.0)
    for chunk, at_s in zip(speak(REPLY), sent_at_s, strict=False):
        playback.chunk_sent(playback.give_out(chunk), at_s)
    heard = [playback.heard_until(at_s) for at_s in asked_at_s]
    assert heard == sorted(heard)
    assert all(0 <= offset <= playback.sent_until for offset in heard)
