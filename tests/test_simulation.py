"""Two thousand conversations with everything that can go wrong; and that the test bed would notice.

`scripts/soak` plays as many as you like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from loguru import logger
from simulation import TERMINAL, ViolationError, World, simulate

from gateway import session
from gateway.channel import Channel
from gateway.errors import StorageError
from gateway.replay_window import Frame, ReplayWindow
from gateway.session import Session
from gateway.sessions import Sessions
from gateway.turn_saver import TurnSaver
from pipeline.agent.service import Message
from pipeline.message_processor import ConversationTurn, TurnStatus
from pipeline.message_processor.playback import Playback

SEEDS = 2_000
BATCH = 250


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logger.remove()


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_seeds(first: int) -> None:
    ended: dict[str, int] = {}
    for seed in range(first, first + BATCH):
        world = simulate(seed)
        for frames in world.turns.values():
            end = frames[-1]
            how = end["event"] if end["event"] in TERMINAL else "its session expired"
            how = end["type"] if end.get("type") == "storage_error" else how
            ended[how] = ended.get(how, 0) + 1
    assert min(ended.values()) > 10, f"the seeds exercise too little: {ended}"
    assert ended.keys() == {*TERMINAL, "storage_error", "its session expired"}


def test_the_same_seed_is_the_same_conversation() -> None:
    def shape(world: World) -> list[tuple[int, str]]:
        return [(frame["seq"], frame["event"]) for frame in world.frames]

    assert shape(simulate(7)) == shape(simulate(7))


def drop_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    after = ReplayWindow.after

    def broken(self: ReplayWindow, seq: int) -> Frame | None:
        return after(self, seq + 1 if seq == 9 and seq + 1 < self.last_seq else seq)

    monkeypatch.setattr(ReplayWindow, "after", broken)


def replay_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplayWindow, "ack", lambda self, seq: None)
    attach = Channel.attach

    async def broken(self: Channel, connection: Any, opening: Any, *, last_seq: int | None) -> None:
        await attach(self, connection, opening, last_seq=last_seq and last_seq - 1)

    monkeypatch.setattr(Channel, "attach", broken)


def acknowledge_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    ack = ReplayWindow.ack
    monkeypatch.setattr(ReplayWindow, "ack", lambda self, seq: ack(self, seq + 1))


def terminal_before_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Session, turn: ConversationTurn, event: Any) -> Any:
        if event.__class__.__name__ != "TurnInterrupted":
            self._save(turn, None)
        del self._saving[turn.turn_id]
        return event

    monkeypatch.setattr(Session, "_settle", broken)


def remember_the_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConversationTurn, "heard_text", property(lambda self: self.reply))


def let_chunks_run_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playback, "unspoken", property(lambda self: 0))


def say_what_was_never_said(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = session.reply_messages
    extra = Message(role="assistant", content="never said")
    monkeypatch.setattr(session, "reply_messages", lambda turn: [*leave(turn), extra])


def forget_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = session.reply_messages
    monkeypatch.setattr(session, "reply_messages", lambda turn: [] if turn.status is TurnStatus.FAILED else leave(turn))


def hear_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playback, "heard_until", lambda self, now_s, heard=None: 0)


def ignore_the_clients_word(monkeypatch: pytest.MonkeyPatch) -> None:
    heard_until = Playback.heard_until
    monkeypatch.setattr(Playback, "heard_until", lambda self, now_s, heard=None: heard_until(self, now_s))


def believe_that_a_lost_chunk_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playback, "chunk_lost", lambda self, index: None)


def doubt_what_arrived_before_its_sending_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Channel, "_arrived", lambda self, seq: self._window.ack(seq))


def claim_what_was_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = TurnSaver.kept

    async def broken(self: TurnSaver) -> None:
        with suppress(StorageError):
            await kept(self)

    monkeypatch.setattr(TurnSaver, "kept", broken)


def expire_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_client = Sessions._wait_for_client

    def broken(self: Sessions, session: Session) -> None:
        wait_for_client(self, session)
        if timer := self._waiting.get(session.session_id):
            timer.cancel()
            loop = asyncio.get_running_loop()
            self._waiting[session.session_id] = loop.call_later(15, self.close_soon, session.session_id, "too early")

    monkeypatch.setattr(Sessions, "_wait_for_client", broken)


def wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sessions, "_wait_for_client", lambda self, session: None)


def forget_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Sessions.open

    def broken(self: Sessions, user_id: str, *, playback: bool, conversation_id: str | None = None) -> Session:
        return begin(self, user_id, playback=playback)

    monkeypatch.setattr(Sessions, "open", broken)


def forget_tools_that_were_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        session,
        "reply_messages",
        lambda turn: [Message(role="assistant", content=turn.heard_text)] if turn.heard_text else [],
    )


@pytest.mark.parametrize(
    "bug",
    [
        say_what_was_never_said,
        forget_what_failed,
        hear_nothing,
        ignore_the_clients_word,
        forget_tools_that_were_called,
        drop_one_frame,
        replay_one_too_many,
        acknowledge_one_too_many,
        terminal_before_storage,
        remember_the_unheard,
        let_chunks_run_ahead,
        believe_that_a_lost_chunk_was_sent,
        doubt_what_arrived_before_its_sending_returned,
        claim_what_was_not_stored,
        expire_too_early,
        wait_for_ever,
        forget_the_conversation,
    ],
)
def test_a_planted_bug_is_caught(bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises((ViolationError, IndexError)):
        for seed in range(1000):
            simulate(seed)
