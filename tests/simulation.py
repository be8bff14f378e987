"""A whole conversation in virtual time, with everything that can go wrong, from one seed.

`simulate(seed)` plays agent, store, network and client against the real session and turn engine, and raises
AssertionError (through `ViolationError`) for whatever the contract forbids: a frame lost or doubled, a turn without
exactly one terminal event, a terminal event before its turn is durable, a history that is not what the client
heard, a task left behind.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, TypeVar

import virtual_time

from gateway.errors import StorageError
from gateway.live_turns import LiveTurns
from gateway.outbox import ClientGoneError
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
WORDS = ("so", "it", "goes", "on,", "and", "then", "it stops.", "Why?", "**Because.**", "Fine", "3.5", "again.\n\n")


class ViolationError(AssertionError):
    """The contract was broken; says which seed shows it."""

    def __init__(self, seed: int, what: str) -> None:
        super().__init__(f"seed {seed}: {what}\nAgain: scripts/soak --first {seed} --seeds 1")


class Agent:
    """Talks at its own pace, calls tools, fails, ends in silence, and sometimes will not stop at once."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.open = 0
        self.said: dict[str, str] = {}
        """What was said, by the message that it answers."""

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        random = self.random
        pause_s = random.choice([0.0, 0.0, 0.01, 0.3])
        self.open += 1
        try:
            for number in range(random.randrange(1, 40)):
                if pause_s:
                    await asyncio.sleep(pause_s * random.random())
                word = random.choice(WORDS) + " "
                self.said[messages[-1]["content"]] = self.said.get(messages[-1]["content"], "") + word
                yield StreamToken(word)
                if random.random() < 0.02:
                    yield ToolCall(f"call-{number}", "look", arguments="{}")
                    await asyncio.sleep(random.random())
                    yield ToolResult(f"call-{number}", "look", "ok", output="seen")
                if random.random() < 0.01:
                    raise random.choice([AgentError("The agent failed."), RuntimeError("secret")])
        except asyncio.CancelledError:
            if random.random() < 0.2:
                await asyncio.sleep(0.5)  # slow to let go
            raise
        finally:
            self.open -= 1


class SlowStore(MemoryStore):
    """A store that takes its time and sometimes fails; knows what is durable."""

    def __init__(self, random: Random, *, failures: float) -> None:
        super().__init__()
        self._random = random
        self._failures = failures
        self._ready_at_s = 0.0
        self.durable: set[str] = set()
        self.unsaved: set[str] = set()

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        return self._later(super().begin_turn(user_id, turn, message))

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        if self._random.random() < self._failures:
            self.unsaved.add(turn.turn_id)
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(StorageError("The disk is full."))
            failed.exception()
            return failed
        return self._later(super().finish_turn(user_id, turn, messages), turn.turn_id)

    def _later(self, done: Awaitable[T], turn_id: str | None = None) -> Awaitable[T]:
        """Durable after all that was asked for before."""
        loop = asyncio.get_running_loop()
        self._ready_at_s = max(self._ready_at_s, loop.time()) + self._random.choice([0.0, 0.001, 0.05])
        answer: asyncio.Future[T] = loop.create_future()

        def finish() -> None:
            if turn_id is not None:
                self.durable.add(turn_id)
            if not answer.done():
                answer.set_result(done.result())  # type: ignore[attr-defined]

        loop.call_at(self._ready_at_s, finish)
        return answer


class Network:
    """One connection: frames arrive in order and late, or, once it is cut, not at all."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = world.random.choice([1, 4, 64])
        self._on_the_way: asyncio.Queue[str] = asyncio.Queue(self._buffer)
        self.cut = False
        self.closed = False
        world.networks.append(self)
        self._pump = asyncio.create_task(self._deliver(), name="network")

    async def send(self, frame: str) -> None:
        if self.cut or self.closed:
            raise ClientGoneError
        self._world.check_durable(json.loads(frame))
        try:
            async with asyncio.timeout(5.0):
                await self._on_the_way.put(frame)
        except TimeoutError:
            self.hang_up()
            raise ClientGoneError from None
        if self.cut:
            raise ClientGoneError

    async def taken_over(self) -> None:
        self.closed = True
        self.hang_up()

    async def failed(self) -> None:
        raise ViolationError(self._world.seed, "the session broke")

    def hang_up(self) -> None:
        """What is on the way is lost."""
        self.cut = True
        self._pump.cancel()
        while not self._on_the_way.empty():
            self._on_the_way.get_nowait()

    async def _deliver(self) -> None:
        random = self._world.random
        latency_s = random.choice([0.0, 0.001, 0.2])
        while True:
            frame = await self._on_the_way.get()
            if latency_s:
                await asyncio.sleep(latency_s * random.random())
            if self is self._world.network:
                self._world.receive(json.loads(frame))


class World:
    """The client, and all that it knows."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.playback = self.random.random() < 0.4
        self.acks = self.random.random() < 0.5
        self.agent = Agent(self.random)
        self.store = SlowStore(self.random, failures=self.random.choice([0.0, 0.0, 0.05]))
        settings = Settings(agent="offline", queue_size=self.random.choice([1, 4, 100]), max_unspoken_chunks=2)
        self.sessions = Sessions(
            agent=self.agent, settings=settings, store=self.store, turn_log=TurnLog(3), live_turns=LiveTurns()
        )
        self.session: Session
        self.network: Network | None = None
        self.networks: list[Network] = []
        self.opening: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self.turns: dict[str, list[dict[str, Any]]] = {}
        self.live: str | None = None
        self.spoken: dict[str, int] = {}
        self.own_word: dict[str, HeardPosition | None] = {}
        """The position that was told with the interrupt, by turn."""
        self.refs = self.asked = 0
        self.calm = True
        """As long as nothing was lost, and nobody silent for long, the gateway waits for reports."""
        self.violation = ""

    def check(self, holds: object, what: str) -> None:
        if not holds:
            self.violation = self.violation or what
        if self.violation:
            raise ViolationError(self.seed, self.violation)

    # What the client receives

    def receive(self, frame: dict[str, Any]) -> None:
        if frame["event"] == "session":
            self.opening = frame
            return
        expected = self.frames[-1]["seq"] + 1 if self.frames else 1
        self.check(frame["seq"] == expected, f"frame {frame['seq']} where {expected} was due: {frame}")
        self.frames.append(frame)
        turn_id = frame.get("turn_id")
        if turn_id is None:
            return
        turn = self.turns.setdefault(turn_id, [])
        self.check(bool(turn) is (frame["event"] != "stream_start"), f"{frame['event']} begins a turn")
        self.check(not turn or turn[-1]["event"] not in TERMINAL, f"{frame['event']} after the end of its turn")
        turn.append(frame)
        if frame["event"] == "tts_ready_chunk":
            chunks = [event for event in turn if event["event"] == "tts_ready_chunk"]
            self.check(frame["index"] == len(chunks) - 1, "chunk indexes have a gap")
            if self.playback and self.calm:
                self.check(len(chunks) - self.spoken.get(turn_id, 0) <= 2, "chunks run ahead of the voice")
        self.live = None if frame["event"] in TERMINAL else turn_id

    def check_durable(self, frame: dict[str, Any]) -> None:
        if frame["event"] in TERMINAL and (turn_id := frame.get("turn_id")) is not None:
            safe = turn_id in self.store.durable or turn_id in self.store.unsaved
            self.check(safe, f"{frame['event']} was sent before its turn was durable")

    # What it does

    async def connect(self) -> None:
        self.network = Network(self)
        self.calm = not self.networks[1:]
        try:
            await self._attach(self.network)
        except BaseException:
            self.network.hang_up()  # a handler that ends takes its connection with it
            raise

    async def _attach(self, network: Network) -> None:
        if not self.opening:
            self.session = self.sessions.open("ann", playback=self.playback)
            await self.sessions.attach(self.session, network)
            return
        last_seq = self.frames[-1]["seq"] if self.frames else 0
        frame = Resume(self.opening["session_id"], self.opening["resume_token"], last_seq)
        session = await self.sessions.resume("ann", frame, network, playback=self.playback)
        self.check(session is self.session, "a session that was there could not be resumed")

    async def act(self) -> None:
        """One thing that a client may do, or that may happen to it."""
        random = self.random
        match random.choice(["talk"] * 5 + ["interrupt"] * 2 + ["spoken"] * 4 + ["ack", "drop", "take_over", "late"]):
            case "talk":
                self.refs += random.random() < 0.9  # else: the same again
                on_busy = random.choice(["interrupt", "interrupt", "reject"])
                self.asked += 1
                frame = StartTurn(
                    f"{self.refs} go on {self.asked}",
                    ref=str(self.refs),
                    captions=random.random() < 0.5,
                    on_busy=on_busy,
                )
                with suppress(TurnError):
                    await self.session.start_turn(frame)
            case "interrupt":
                heard = self._heard()
                if self.live is not None and self.session.live_turn_id == self.live:
                    self.own_word[self.live] = heard
                self.session.interrupt(Interrupt(self.live, heard))
            case "spoken":
                self._report_spoken()
            case "ack" if self.acks and self.frames:
                self.session.channel.ack(self.frames[-1]["seq"])
            case "late" if self.turns:
                self.session.interrupt(Interrupt(random.choice(list(self.turns))))
            case "drop" if self.network is not None:
                network, self.network = self.network, None
                network.hang_up()
                await asyncio.sleep(random.random() * random.choice([0.0, 1.0, 60.0]))
                self.sessions.detach(self.session, network)
                await asyncio.sleep(random.random() * 20)
                await self.connect()
            case "take_over" if self.network is not None:
                before, self.network = self.network, None
                await self.connect()
                self.sessions.detach(self.session, before)

    def _chunks(self, turn_id: str) -> list[dict[str, Any]]:
        return [frame for frame in self.turns[turn_id] if frame["event"] == "tts_ready_chunk"]

    def _heard(self) -> HeardPosition | None:
        if self.live is None or self.random.random() < 0.5 or not (chunks := self._chunks(self.live)):
            return None
        index = self.random.randrange(len(chunks) + 1)
        return HeardPosition(index, self.random.choice([None, 0, 3, 1_000]))

    def _report_spoken(self) -> None:
        if self.live is not None and (chunks := self._chunks(self.live)):
            index = self.random.randrange(len(chunks))
            if self.session.live_turn_id == self.live:  # else the report comes too late to count
                self.spoken[self.live] = max(self.spoken.get(self.live, 0), index + 1)
            self.session.chunk_spoken(ChunkSpoken(self.live, index))

    async def play(self) -> None:
        """The whole conversation, and what must hold at its end."""
        random = self.random
        await self.connect()
        for _ in range(random.randrange(5, 40)):
            acting = asyncio.create_task(self.act())
            await asyncio.sleep(random.random() * random.choice([0.0, 0.02, 1.0]))
            if random.random() < 0.05:
                acting.cancel()  # whoever handled this command was cancelled
            with suppress(asyncio.CancelledError, ClientGoneError):
                await acting
            if self.network is None or self.network.cut:
                await self.reconnect()
        await self.finish()

    async def reconnect(self) -> None:
        while self.network is None or self.network.cut:
            if self.network is not None:
                self.sessions.detach(self.session, self.network)
            with suppress(ClientGoneError):
                await self.connect()

    async def finish(self) -> None:
        """Let the last turn end, with a patient client, then look at everything."""
        for _ in range(10_000):
            self.check(not self.violation, "")
            if self.network is None or self.network.cut:
                await self.reconnect()
            if self.acks and self.frames:
                self.session.channel.ack(self.frames[-1]["seq"])
            if self.live is not None and (chunks := self._chunks(self.live)):
                if self.session.live_turn_id == self.live:
                    self.spoken[self.live] = len(chunks)
                self.session.chunk_spoken(ChunkSpoken(self.live, len(chunks) - 1))
            known = self.frames[-1]["seq"] if self.frames else 0
            if self.session.is_idle and known == self.session.channel.last_seq:
                break
            await asyncio.sleep(0.1)
        else:
            raise ViolationError(self.seed, f"the session never rests: {self.frames[-1:]}")
        for turn_id, frames in self.turns.items():
            self.check(frames[-1]["event"] in TERMINAL, f"turn {turn_id} has no end")
        await self.check_history()
        for network in self.networks:
            network.hang_up()
        await self.sessions.close_all("the end")
        await asyncio.sleep(60)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        self.check(not left, f"tasks left: {left}")
        self.check(self.agent.open == 0, "an agent's stream was left open")

    async def check_history(self) -> None:
        """The conversation is, turn by turn and in order, what the user said and what the client heard."""
        history = await self.store.history("ann", self.session.conversation_id)
        told = {frames[0].get("ref"): frames for frames in self.turns.values()}
        kept: list[list[Message]] = []
        for message in history:
            if message["role"] == "user":
                kept.append([])
            self.check(kept, "a conversation that does not begin with the user")
            kept[-1].append(message)
        self.check(len(kept) == len(told), f"{len(kept)} messages of the user, {len(told)} turns")
        for message, *left in kept:
            question = message["content"]
            frames = told[question.split()[0]]
            if frames[0]["turn_id"] not in self.store.unsaved:
                self.check_turn(frames, self.agent.said.get(question, ""), left)

    def check_turn(self, frames: list[dict[str, Any]], said: str, left: list[Message]) -> None:
        turn_id, end = frames[0]["turn_id"], frames[-1]
        spans = [chunk["span"] for chunk in self._chunks(turn_id)]
        heard = said[: self.heard_position(turn_id, end, said, spans)]
        words = "".join("".join(message["content"].split()) for message in left if message["role"] == "assistant")
        self.check(words == "".join(heard.split()), f"turn {turn_id}: {words!r} is kept, {heard!r} was heard")
        calls = [call["id"] for message in left for call in message.get("tool_calls", ())]
        answers = [message["tool_call_id"] for message in left if message["role"] == "tool"]
        self.check(calls == answers, f"turn {turn_id}: calls {calls} and answers {answers}")
        shown = [frame["tool_call_id"] for frame in frames if frame["event"] == "tool_call"]
        self.check(calls[: len(shown)] == shown, f"turn {turn_id}: called {shown}, kept {calls}")
        done = {frame["tool_call_id"] for frame in frames if frame["event"] == "tool_result"}
        outputs = {message["tool_call_id"]: message["content"] for message in left if message["role"] == "tool"}
        self.check(all(outputs[call] == "seen" for call in done), f"turn {turn_id}: a tool's answer was not kept")

    def heard_position(self, turn_id: str, end: dict[str, Any], said: str, spans: list[list[int]]) -> int:
        """How much of `said` the client heard, by its own account where it has one."""
        if end["event"] == "stream_end":
            self.check(end["text"] == said, "the reply is not what the agent said")
            return len(said)
        if end["event"] == "error":
            return spans[-1][1] if spans else 0
        position = len(end["heard_text"])
        self.check(end["heard_text"] == said[:position], "heard what was not said")
        self.check(position <= (spans[-1][1] if spans else 0), "more was heard than the client received")
        word = self.own_word.get(turn_id)
        if end["reason"] == "user" and word is not None:
            if word.index >= len(spans):
                exact = spans[-1][1] if spans else 0
            elif word.chars == 0:
                exact = spans[word.index - 1][1] if word.index else 0
            else:
                low, high = spans[word.index]
                # Here a chunk may be with the client before its sending has returned; then it is not sent yet.
                unsent = word.index == len(spans) - 1 and position == (spans[word.index - 1][1] if word.index else 0)
                self.check(low <= position <= high or unsent, "the client's own word was not taken")
                exact = position if word.chars is not None or unsent else high
            self.check(position == exact, f"heard up to {exact}, kept up to {position}")
        elif (self.playback or turn_id in self.spoken) and self.calm:
            spoken = self.spoken.get(turn_id, 0)
            exact = spans[spoken - 1][1] if spoken else 0
            self.check(position == exact, f"spoken up to {exact}, kept up to {position}")
        return position


def simulate(seed: int) -> World:
    """Play one seed. Raises ViolationError, or DeadlockError when everybody waits for ever."""
    world = World(seed)
    try:
        virtual_time.run(world.play())
    except virtual_time.DeadlockError:
        raise ViolationError(seed, "deadlock") from None
    finally:
        gc.collect(0)  # what a broken run leaves is finalised here, not in the middle of a report
    return world
