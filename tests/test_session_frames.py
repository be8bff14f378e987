"""Session frames in any order, as Hypothesis makes them up: the real sessions, and a client that keeps account.

The client knows only what it has read. What it has not read when its connection is cut has not arrived.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import pytest
import virtual_time
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from loguru import logger

from gateway.errors import GatewayError, StorageError
from gateway.live_turns import LiveTurns
from gateway.outbox import ClientGoneError
from gateway.replay_window import ReplayWindow
from gateway.session import Session
from gateway.sessions import Sessions
from gateway.settings import Settings
from gateway.store import MemoryStore, TurnBegun, TurnEnd, TurnStart
from gateway.turn_log import TurnLog
from gateway.wire.native import ChunkSpoken, HeardPosition, Interrupt, Resume, StartTurn
from pipeline.agent.service import Message
from pipeline.errors import AgentError, TurnError
from pipeline.events import AgentEvent, StreamToken, ToolCall, ToolResult

T = TypeVar("T")
TERMINAL = {"stream_end", "turn_interrupted", "error"}
WINDOW = 12
SENTENCES = ("It is so. ", "Why is **that**? ", "Because it costs 3.50 here. ", "and ")
SILENCE_S = 10.0
RESUME_WINDOW_S = 60.0


class ObedientAgent:
    """Says what it is told to, and ends when it is told to."""

    def __init__(self) -> None:
        self.steps: list[asyncio.Queue[AgentEvent | Exception | None]] = []
        self.open = 0

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        steps: asyncio.Queue[AgentEvent | Exception | None] = asyncio.Queue()
        self.steps.append(steps)
        self.open += 1
        try:
            while (step := await steps.get()) is not None:
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.open -= 1


class FailingStore(MemoryStore):
    """Fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begins_to_fail = 0
        self.ends_to_fail = 0
        self.ends: dict[str, str] = {}

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        if self.begins_to_fail:
            self.begins_to_fail -= 1
            return self._failed()
        return super().begin_turn(user_id, turn, message)

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        if self.ends_to_fail:
            self.ends_to_fail -= 1
            return self._failed()
        self.ends.setdefault(turn.turn_id, turn.status)
        return super().finish_turn(user_id, turn, messages)

    def _failed(self) -> asyncio.Future[Any]:
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(StorageError("The disk is full."))
        failed.exception()
        return failed


class Socket:
    """A connection: what is written waits here until the client reads it; a full one makes its writer wait."""

    def __init__(self, store: FailingStore) -> None:
        self._store = store
        self._reading = asyncio.Event()
        self._reading.set()
        self.unread: list[dict[str, Any]] = []
        self.is_full = False
        self.closed = False

    async def send(self, frame: str) -> None:
        if self.closed:
            raise ClientGoneError
        decoded = json.loads(frame)
        if decoded["event"] in TERMINAL and "turn_id" in decoded and decoded.get("type") != "storage_error":
            assert decoded["turn_id"] in self._store.ends, "told before it was stored"
        self.unread.append(decoded)
        await self._reading.wait()
        if self.closed:
            raise ClientGoneError

    def fill(self, full: bool) -> None:
        self.is_full = full
        self._reading.clear() if full else self._reading.set()

    async def taken_over(self) -> None:
        self.close()

    async def failed(self) -> None:
        raise AssertionError("the session broke")

    def close(self) -> None:
        self.closed = True
        self._reading.set()


class Frames(RuleBasedStateMachine):
    """The rules are what a client, its network, an agent and a disk may do."""

    def __init__(self) -> None:
        super().__init__()
        logger.remove()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("gateway.channel.ReplayWindow", partial(ReplayWindow, max_frames=WINDOW))
        self.runner = virtual_time.runner()
        self.agent = ObedientAgent()
        self.store = FailingStore()
        self.playback = False
        self.acks = False
        self.socket: Socket | None = None
        self.session: Session
        self.opening: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self.turns: dict[str, list[dict[str, Any]]] = {}
        self.spoken: dict[str, int] = {}
        self.words: dict[str, HeardPosition] = {}
        self.abandoned: set[str] = set()
        self.silent: set[str] = set()
        self.refs = 0
        self.refusals = 0
        self.lags = False

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Do something, and let everything that comes of it at once happen."""

        async def acted() -> T:
            answer = await act
            await asyncio.sleep(0.01)
            return answer

        answer = self.runner.run(acted())
        if not self.lags:
            self.read()
        return answer

    @initialize(playback=st.booleans(), acks=st.booleans())
    def connect(self, playback: bool, acks: bool) -> None:
        async def begin() -> None:
            options = Settings(agent="offline", max_unspoken_chunks=2, queue_size=4, resume_window_s=RESUME_WINDOW_S)
            self.sessions = Sessions(
                agent=self.agent, settings=options, store=self.store, turn_log=TurnLog(3), live_turns=LiveTurns()
            )
            self.session = self.sessions.open("ann", playback=playback)
            self.socket = Socket(self.store)
            await self.sessions.attach(self.session, self.socket)

        self.playback, self.acks = playback, acks
        self.run(begin())
        if acks:
            self.ack("right")

    # The client: commands, as the connection's handler passes them on

    @property
    def last_seq(self) -> int:
        return self.frames[-1]["seq"] if self.frames else 0

    @property
    def live(self) -> str | None:
        """The turn that the client takes to be live."""
        started = [frames for frames in self.turns.values() if frames[0] in self.frames]
        return started[-1][0]["turn_id"] if started and started[-1][-1]["event"] not in TERMINAL else None

    def chunks(self, turn_id: str) -> list[dict[str, Any]]:
        return [frame for frame in self.turns[turn_id] if frame["event"] == "tts_ready_chunk"]

    def command(self, act: Coroutine[Any, Any, None]) -> None:
        async def handled() -> None:
            try:
                await act
            except (TurnError, GatewayError) as error:
                if self.session.channel.takes_errors:
                    self.refusals += 1
                    telling = asyncio.create_task(self.session.emit_error(error, correlation_id="c"))
                    await asyncio.wait([telling], timeout=0.01)  # a socket that is full holds only its own handler

        self.run(handled())

    @precondition(lambda self: self.socket is not None)
    @rule(
        again=st.sampled_from([False, False, False, True]),
        on_busy=st.sampled_from(["interrupt", "interrupt", "reject"]),
        captions=st.booleans(),
        answer=st.lists(st.sampled_from(SENTENCES), max_size=5),
    )
    def start_turn(
        self, again: bool, on_busy: Literal["interrupt", "reject"], captions: bool, answer: list[str]
    ) -> None:
        self.refs += not again
        frame = StartTurn(f"{self.refs} please", ref=str(self.refs), on_busy=on_busy, captions=captions)
        asked = len(self.agent.steps)
        self.command(self.session.start_turn(frame))
        if len(self.agent.steps) > asked:
            self.say(answer)

    @precondition(lambda self: self.socket is not None)
    @rule(which=st.sampled_from(["live", "live", "live", "known", "unknown"]), data=st.data())
    def interrupt(self, which: str, data: st.DataObject) -> None:
        known = [frames[0]["turn_id"] for frames in self.turns.values() if frames[0] in self.frames]
        turn_id = {"live": self.live, "known": data.draw(st.sampled_from([None, *known])), "unknown": "nobody"}[which]
        chunks = self.chunks(turn_id) if turn_id in self.turns else []
        heard = None
        if chunks and data.draw(st.booleans()):
            heard = HeardPosition(data.draw(st.integers(0, len(chunks) - 1)), data.draw(st.sampled_from([None, 0, 4])))

        async def interrupt() -> None:
            before = self.session.live_turn_id
            self.session.interrupt(Interrupt(turn_id, heard))
            if before is not None and before == turn_id and self.session.live_turn_id is None and heard is not None:
                self.words[before] = heard

        self.command(interrupt())

    @precondition(lambda self: self.socket is not None)
    @rule(which=st.sampled_from(["live", "live", "live", "known", "unknown"]), data=st.data())
    def chunk_spoken(self, which: str, data: st.DataObject) -> None:
        known = [turn_id for turn_id, frames in self.turns.items() if frames[0] in self.frames and self.chunks(turn_id)]
        turn_id = {"live": self.live, "known": data.draw(st.sampled_from([None, *known])), "unknown": "nobody"}[which]
        if turn_id is None or (turn_id in self.turns and not self.chunks(turn_id)):
            return
        index = data.draw(st.integers(0, len(self.chunks(turn_id)) - 1)) if turn_id in self.turns else 0

        self.report(turn_id, index)

    def report(self, turn_id: str, index: int) -> None:
        async def report() -> None:
            if self.session.live_turn_id == turn_id:
                self.spoken[turn_id] = max(self.spoken.get(turn_id, 0), index + 1)
            self.session.chunk_spoken(ChunkSpoken(turn_id, index))

        self.command(report())

    @precondition(lambda self: self.socket is not None and self.acks)
    @rule(how=st.sampled_from(["right", "right", "late", "wrong"]))
    def ack(self, how: str) -> None:
        if how == "wrong" and self.socket is not None and self.socket.unread:
            return  # a client that acknowledges what it has not read has given it up
        seq = {"right": self.last_seq, "late": max(0, self.last_seq - 3), "wrong": self.last_seq + 1_000}[how]

        async def acknowledge() -> None:
            self.session.channel.ack(seq)

        self.command(acknowledge())

    def read(self) -> None:
        if self.socket is not None:
            frames, self.socket.unread = self.socket.unread, []
            for frame in frames:
                self.take(frame)

    def take(self, frame: dict[str, Any]) -> None:
        """Read a frame, which must be the next one, and fit to what came before."""
        if frame["event"] == "session":
            self.opening = frame
            return
        assert frame["seq"] == self.last_seq + 1
        self.frames.append(frame)
        if (turn_id := frame.get("turn_id")) is None:
            return
        turn = self.turns.setdefault(turn_id, [])
        assert bool(turn) is (frame["event"] != "stream_start")
        assert not turn or turn[-1]["event"] not in TERMINAL
        turn.append(frame)
        if frame["event"] == "tts_ready_chunk":
            assert frame["index"] == len(self.chunks(turn_id)) - 1
            if self.playback and turn[0]["ref"] not in self.silent:
                assert frame["index"] + 1 - self.spoken.get(turn_id, 0) <= 2

    # The network

    @precondition(lambda self: self.socket is not None)
    @rule(lags=st.booleans(), full=st.booleans())
    def lag(self, lags: bool, full: bool) -> None:
        """The client does not read for a while; then maybe nothing can be written either."""

        async def clog() -> None:
            assert self.socket is not None
            self.socket.fill(lags and full)

        self.lags = lags
        self.run(clog())

    @precondition(lambda self: self.socket is not None)
    @rule(told=st.booleans())
    def cut(self, told: bool) -> None:
        """The connection is gone; the gateway is told at once, or finds the client back before it is."""

        async def cut() -> None:
            assert self.socket is not None
            if told:
                self.socket.close()
                self.sessions.detach(self.session, self.socket)

        self.run(cut())
        self.socket = None

    @rule(
        last_seq=st.sampled_from(["right", "right", "right", "wrong"]),
        token=st.sampled_from(["right", "right", "right", "wrong"]),
    )
    def resume(self, last_seq: str, token: str) -> None:
        """With another connection still there this is a take-over."""
        before, expired = self.socket, self.session not in self.sessions.all
        missing = self.session.channel.last_seq - self.last_seq
        resume_token = self.opening["resume_token"] if token == "right" else "wrong"
        seq = self.last_seq if last_seq == "right" else self.last_seq + 1_000
        socket = Socket(self.store)

        async def come_back() -> Session:
            frame = Resume(self.opening["session_id"], resume_token, seq)
            return await self.sessions.resume("ann", frame, socket, playback=self.playback)

        self.lags, self.socket = True, None
        session = self.run(come_back())
        self.lags, self.socket = False, socket
        opening = socket.unread[0]
        if expired or (last_seq, token) != ("right", "right"):
            assert session is not self.session
        elif self.acks or missing < WINDOW:
            assert session is self.session
        assert opening["event"] == "session"
        assert opening["recovered"] is (session is self.session)
        assert opening["conversation_id"] == self.opening["conversation_id"]
        if session is self.session:
            assert before is None or before.closed
        else:
            self.begin_anew(session, before)
        self.read()
        if self.acks:
            self.ack("right")

    def begin_anew(self, session: Session, before: Socket | None) -> None:
        """The client is in a session of its own now; the one before ends without it."""

        async def leave() -> None:
            if before is not None:
                before.close()
                self.sessions.detach(self.session, before)
            self.sessions.close_soon(self.session.session_id, "left")

        self.runner.run(leave())
        self.abandoned |= {turn_id for turn_id, frames in self.turns.items() if frames[-1]["event"] not in TERMINAL}
        self.session, self.frames = session, []
        self.refs += 1  # in another session a ref means another turn

    # The agent, the disk, and time

    @precondition(lambda self: self.agent.steps)
    @rule(what=st.lists(st.sampled_from([*SENTENCES, *SENTENCES, *SENTENCES, "tool", "fail", "crash", "end"])))
    def say(self, what: list[str]) -> None:
        call = [ToolCall("c", "look", arguments="{}"), ToolResult("c", "look", "ok", output="seen")]
        steps: dict[str, list[AgentEvent | Exception | None]] = {
            "tool": [*call],
            "fail": [AgentError("The model failed.")],
            "crash": [RuntimeError("secret")],
            "end": [None],
        }

        async def say() -> None:
            for name in what:
                for step in steps.get(name, [StreamToken(name)]):
                    self.agent.steps[-1].put_nowait(step)

        self.run(say())

    @rule(begins=st.sampled_from([0, 0, 0, 1]), ends=st.sampled_from([0, 0, 1, 3, 5]))
    def break_disk(self, begins: int, ends: int) -> None:
        self.store.begins_to_fail, self.store.ends_to_fail = begins, ends

    @rule(time_s=st.sampled_from([0.3, 0.3, 2.0, 30.0]))
    def wait(self, time_s: float) -> None:
        if time_s >= SILENCE_S:
            self.silent |= {str(ref) for ref in range(self.refs + 1)}
        self.run(asyncio.sleep(time_s))

    # What always holds

    @invariant()
    def the_window_is_bounded(self) -> None:
        if self.opening:
            channel = self.session.channel
            assert channel.last_seq - channel._window.acked <= WINDOW + self.refusals

    @invariant()
    def one_connection_at_most_is_served(self) -> None:
        if self.opening and self.socket is not None and not self.socket.closed:
            assert self.session.channel.connection is self.socket

    # The end

    def teardown(self) -> None:
        try:
            if self.opening:
                self.rest()
                self.runner.run(self.check_history())
                self.runner.run(self.sessions.close_all("the end"))
                self.runner.run(asyncio.sleep(60))
                assert not self.tasks()
                assert self.agent.open == 0
        finally:
            self.runner.close()
            self.patch.undo()

    def tasks(self) -> set[asyncio.Task[Any]]:
        async def others() -> set[asyncio.Task[Any]]:
            return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]

        return self.runner.run(others())

    def rest(self) -> None:
        """A patient client takes everything there is, to the end of the last turn."""
        if self.socket is None or self.socket.closed:
            self.resume("right", "right")
        for _ in range(200):
            assert self.socket is not None
            self.lag(lags=False, full=False)
            if self.acks:
                self.ack("right")
            if (live := self.live) is not None and self.playback and self.chunks(live):
                index = len(self.chunks(live)) - 1
                self.report(live, index)
            for steps in self.agent.steps:
                steps.put_nowait(None)
            self.run(asyncio.sleep(0.5))
            if self.session.is_idle and not self.socket.unread and self.last_seq == self.session.channel.last_seq:
                return
        raise AssertionError(f"the session never rests: {self.frames[-1:]}")

    async def check_history(self) -> None:
        """Every turn has one end, and left in the conversation what its client heard of it."""
        page = await self.store.read("ann", self.session.conversation_id, limit=1_000)
        kept = {turn.turn_id: turn for turn in (() if page is None else page.turns)}
        for turn_id, frames in self.turns.items():
            end = frames[-1]
            if end["event"] not in TERMINAL:
                assert turn_id in self.abandoned
                continue
            if end.get("type") == "storage_error":
                assert turn_id not in kept or len(kept[turn_id].messages) == 1
                continue
            texts = [message["content"] for message in kept[turn_id].messages[1:] if message["role"] == "assistant"]
            assert "".join("".join(texts).split()) == "".join(self.heard(turn_id, end).split())

    def heard(self, turn_id: str, end: dict[str, Any]) -> str:
        """What the client heard, in its own account as far as it has one."""
        if end["event"] == "stream_end":
            return str(end["text"])
        chunks = self.chunks(turn_id)
        if end["event"] == "error":
            said = "".join(frame["text"] for frame in self.turns[turn_id] if frame["event"] == "stream_token")
            return said[: chunks[-1]["span"][1]] if chunks and said else self.kept_text(turn_id)
        text = str(end["heard_text"])
        word = self.words.get(turn_id)
        if word is not None and end["reason"] == "user":
            low, high = chunks[word.index]["span"]
            if word.chars == 0:
                assert len(text) == (chunks[word.index - 1]["span"][1] if word.index else 0)
            else:
                assert len(text) == high if word.chars is None else low <= len(text) <= high
        elif (self.playback or turn_id in self.spoken) and self.turns[turn_id][0]["ref"] not in self.silent:
            spoken = self.spoken.get(turn_id, 0)
            assert len(text) == (chunks[spoken - 1]["span"][1] if spoken else 0)
        assert len(text) <= (chunks[-1]["span"][1] if chunks else 0)
        return text

    def kept_text(self, turn_id: str) -> str:
        """Of a turn without captions the client does not know the raw text, only how long it was."""
        turn = self.store._conversations["ann", self.session.conversation_id][turn_id]
        text = "".join(m["content"] for m in turn.decoded()[1:] if m["role"] == "assistant")
        chunks = self.chunks(turn_id)
        assert len(text) <= (chunks[-1]["span"][1] if chunks else 0)
        return text


Frames.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestFrames = Frames.TestCase
