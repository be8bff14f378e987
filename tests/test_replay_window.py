"""The window of unacknowledged frames, against a plain list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.replay_window import Frame, ReplayWindow


def filled(count: int, *, max_frames: int = 5, text: str = "x") -> ReplayWindow:
    window = ReplayWindow(max_frames=max_frames, max_bytes=100)
    for seq in range(1, count + 1):
        window.add(Frame(seq, text))
    return window


def replayed(window: ReplayWindow, seq: int) -> list[int]:
    frames = []
    while (frame := window.after(seq)) is not None:
        frames.append(frame.seq)
        seq = frame.seq
    return frames


def test_a_new_window_has_nothing_and_reaches_back_to_the_start() -> None:
    window = ReplayWindow()
    assert window.after(0) is None
    assert window.reaches_back_to(0)
    assert not window.reaches_back_to(1)
    assert not window.full


def test_frames_come_in_order_only() -> None:
    with pytest.raises(ValueError, match="frame 7 after 2"):
        filled(2).add(Frame(7, "x"))


def test_bytes_fill_it_as_well_as_frames() -> None:
    assert filled(5).full
    assert not filled(4).full
    assert filled(2, text="x" * 50).full


def test_it_takes_more_than_it_should_but_not_without_end() -> None:
    window = filled(5)
    spare = 0
    while not window.overfull:
        window.add(Frame(window.last_seq + 1, ""))
        spare += 1
    assert spare > 1
    window.ack(1)
    assert window.full
    assert not window.overfull
    assert not filled(2, text="x" * 50).overfull
    assert filled(2, text="x" * 500_000).overfull


def test_sliding_forgets_no_more_than_it_must_and_nothing_unwritten() -> None:
    window = filled(8)
    window.slide(2)
    assert replayed(window, 2) == [3, 4, 5, 6, 7, 8]
    assert not window.reaches_back_to(1)
    window.slide(8)
    assert replayed(window, 4) == [5, 6, 7, 8]


def test_a_chunk_is_found_by_its_place() -> None:
    window = ReplayWindow()
    window.add(Frame(1, "a"))
    window.add(Frame(2, "b", ("t", 0)))
    assert window.seq_of_chunk("t", 0) == 2
    assert window.seq_of_chunk("t", 1) == 0


class Windows(RuleBasedStateMachine):
    """Everything a session may do, in any order; the model is the list of all frames ever added."""

    def __init__(self) -> None:
        super().__init__()
        self.window = ReplayWindow(max_frames=6, max_bytes=60)
        self.all: list[Frame] = []
        self.gone = 0

    @rule(size=st.integers(0, 30))
    def add(self, size: int) -> None:
        frame = Frame(len(self.all) + 1, "x" * size)
        self.all.append(frame)
        self.window.add(frame)

    @rule(seq=st.integers(-1, 60))
    def ack(self, seq: int) -> None:
        self.window.ack(seq)
        self.gone = max(self.gone, min(seq, len(self.all)))

    @precondition(lambda self: self.all)
    @rule(share=st.floats(0, 1))
    def slide(self, share: float) -> None:
        written = round(share * len(self.all))
        self.window.slide(written)
        while self.kept_is_full() and self.gone < written:
            self.gone += 1

    def kept_is_full(self) -> bool:
        kept = self.all[self.gone :]
        return len(kept) >= 6 or sum(len(frame.text) for frame in kept) >= 60

    @invariant()
    def holds_exactly_what_is_not_gone(self) -> None:
        self.gone = max(self.gone, 0)
        assert replayed(self.window, self.gone) == [frame.seq for frame in self.all[self.gone :]]
        assert self.window.full is self.kept_is_full()
        for seq in range(len(self.all) + 3):
            assert self.window.reaches_back_to(seq) is (self.gone <= seq <= len(self.all))


TestWindows = Windows.TestCase


@given(st.lists(st.integers(1, 10), max_size=20), st.integers(0, 20))
def test_a_replay_has_no_gap_and_no_duplicate(sizes: list[int], last_seq: int) -> None:
    window = ReplayWindow()
    for number, size in enumerate(sizes):
        window.add(Frame(number + 1, "x" * size))
    if window.reaches_back_to(last_seq):
        assert replayed(window, last_seq) == list(range(last_seq + 1, len(sizes) + 1))
