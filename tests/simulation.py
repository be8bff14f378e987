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
from pipeline.message_processor.constants import SILENCE_GRACE_S

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
        self.not_begun: set[str] = set()

    def begin_turn(self, user_id: str, turn: TurnStart, message: Message) -> Awaitable[TurnBegun]:
        if self._random.random() < min(self._failures, 0.1):
            self.not_begun.add(turn.turn_id)
            return self._failed()
        return self._later(super().begin_turn(user_id, turn, message))

    def finish_turn(self, user_id: str, turn: TurnEnd, messages: Sequence[Message]) -> Awaitable[None]:
        if self._random.random() < self._failures:
            return self._failed()
        return self._later(super().finish_turn(user_id, turn, messages), turn.turn_id)

    def _failed(self) -> asyncio.Future[Any]:
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(StorageError("The disk is full."))
        failed.exception()
        return failed

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
    """One connection, with a client at its end. Frames arrive in order and late; those behind a cut do not arrive.

    Like a socket it takes a frame at once, and then makes its writer wait until few enough are on the way. A writer
    that has waited for too long gives it up; what is on the way still arrives. While it is `dead` nobody knows yet:
    what is written is lost without a word.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = world.random.choice([1, 4, 64])
        self._on_the_way: asyncio.Queue[str] = asyncio.Queue()
        self._drained = asyncio.Event()
        self.session: Session | None = None
        """Whose frames these are; None until the gateway has said so, and after it was told of the end."""
        self.greeted = asyncio.Event()
        self.arrived: list[dict[str, Any]] = []
        self.dead = False
        self.cut = False
        self.given_up = False
        self.opened = world.moment()
        world.networks.append(self)
        self._pump = asyncio.create_task(self._deliver(), name="network")

    @property
    def works(self) -> bool:
        """Whether the client may still hear and be heard."""
        return not self.dead and not self.cut

    async def send(self, frame: str) -> None:
        if self.cut or self.given_up:
            raise ClientGoneError
        self._world.check_durable(json.loads(frame))
        self._on_the_way.put_nowait(frame)
        try:
            async with asyncio.timeout(5.0):
                while self._on_the_way.qsize() > self._buffer and not self.cut:
                    self._drained.clear()
                    await self._drained.wait()
        except TimeoutError:
            self.given_up = True
        if self.cut or self.given_up:
            raise ClientGoneError

    async def taken_over(self) -> None:
        self.hang_up()

    async def failed(self) -> None:
        self._world.check(False, "the session broke")

    def die(self) -> None:
        """From now on nothing arrives, and the gateway does not know."""
        self.dead = True
        self._pump.cancel()

    def hang_up(self) -> None:
        """What is on the way is lost."""
        self.cut = True
        self._pump.cancel()
        self._drained.set()
        self.greeted.set()  # nobody need wait for it any more

    async def _deliver(self) -> None:
        random = self._world.random
        latency_s = random.choice([0.0, 0.001, 0.2])
        while not (self.given_up and self._on_the_way.empty()):
            frame = json.loads(await self._on_the_way.get())
            self._drained.set()
            if latency_s:
                await asyncio.sleep(latency_s * random.random())
            if random.random() < 0.02:
                await asyncio.sleep(8 * random.random())
            self.arrived.append(frame)
            if self is self._world.network:
                try:
                    self._world.receive(frame)
                except ViolationError:  # which the world remembers
                    break
            self.greeted.set()
        self.hang_up()


class World:
    """The client, and all that it knows."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.playback = self.random.random() < 0.4
        self.acks = self.random.random() < 0.5
        self.agent = Agent(self.random)
        self.store = SlowStore(self.random, failures=self.random.choice([0.0, 0.0, 0.05, 0.6]))
        self.settings = Settings(
            agent="offline",
            queue_size=self.random.choice([1, 4, 100]),
            max_unspoken_chunks=2,
            resume_window_s=self.random.choice([30.0, 120.0]),
        )
        self.sessions = Sessions(
            agent=self.agent, settings=self.settings, store=self.store, turn_log=TurnLog(3), live_turns=LiveTurns()
        )
        self.network: Network | None = None
        self.networks: list[Network] = []
        self.opening: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self.turns: dict[str, list[dict[str, Any]]] = {}
        self.live: str | None = None
        self.spoken: dict[str, int] = {}
        self.own_word: dict[str, HeardPosition | None] = {}
        """The position that was told with the interrupt, by turn."""
        self.moments = 0
        self.brought: dict[tuple[str, int], tuple[float, int]] = {}
        """When the connection was made that brought a chunk."""
        self.stopped: dict[str, tuple[float, int]] = {}
        """When the client stopped a turn, in whatever way."""
        self.refs = self.asked = 0
        self.away_since_s: float | None = None
        """Since when the gateway knows that the client is away."""
        self.let_go_s = 0.0
        """When it last learned of the end of a connection, the client being away."""
        self.sign_s = 0.0
        """When the gateway last heard of the client's voice, or saw it come."""
        self.silent: set[str] = set()
        """Refs of turns in which the client was silent for so long that the gateway may draw its conclusions."""
        self.expired: set[str] = set()
        """Refs of turns whose session ended while the client was away."""
        self.violation = ""

    def check(self, holds: object, what: str) -> None:
        if not holds:
            self.violation = self.violation or what
        if self.violation:
            raise ViolationError(self.seed, self.violation)

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def moment(self) -> tuple[float, int]:
        """Now: later than any moment before, also when no time has passed."""
        self.moments += 1
        return self.now_s, self.moments

    @property
    def session(self) -> Session | None:
        """The session that hears what the client says; None: nobody does."""
        network = self.network
        heard = network is not None and network.works and network.greeted.is_set() and not network.given_up
        return network.session if network is not None and heard else None

    # What the client receives

    def receive(self, frame: dict[str, Any]) -> None:
        if frame["event"] == "session":
            if self.opening and frame["session_id"] != self.opening["session_id"]:
                self._begin_anew(frame)
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
        self._note_silence()
        if frame["event"] == "tts_ready_chunk":
            chunks = self._chunks(turn_id)
            self.check(frame["index"] == len(chunks) - 1, "chunk indexes have a gap")
            assert self.network is not None
            self.brought[turn_id, frame["index"]] = self.network.opened
            if self.playback and turn[0].get("ref") not in self.silent:
                self.check(len(chunks) - self.spoken.get(turn_id, 0) <= 2, "chunks run ahead of the voice")
        self.live = None if frame["event"] in TERMINAL else turn_id

    def _begin_anew(self, opening: dict[str, Any]) -> None:
        """The session is lost; its conversation goes on, if it has begun."""
        self.check(opening["recovered"] is False, "a new session says that it is the old one")
        if any(turn["turn_id"] not in self.store.not_begun for frames in self.turns.values() for turn in frames[:1]):
            same = opening["conversation_id"] == self.opening["conversation_id"]
            self.check(same, "a new session does not go on with the conversation")
        self.expired |= {str(ref) for ref in range(self.refs + 1)}
        self.refs += 1
        self.frames, self.live = [], None

    def check_durable(self, frame: dict[str, Any]) -> None:
        if frame["event"] not in TERMINAL or (turn_id := frame.get("turn_id")) is None:
            return
        durable = turn_id in self.store.durable and turn_id not in self.store.not_begun
        if frame.get("type") == "storage_error":
            self.check(not durable, "a turn that was stored is said not to be")
        else:
            self.check(durable, f"{frame['event']} was sent before its turn was durable")

    # How silent it was

    def _note_silence(self) -> None:
        """A client that falls silent is given ten seconds, and its estimated speaking time; less is no reason."""
        if self.away_since_s is None and self.now_s - self.sign_s >= SILENCE_GRACE_S:
            begun = [frames for turn_id, frames in self.turns.items() if turn_id not in self.store.not_begun]
            ended = {frames[0].get("ref") for frames in begun if frames[-1]["event"] in TERMINAL}
            self.silent |= {str(ref) for ref in range(self.refs + 1)} - ended

    def _sign(self) -> None:
        """The gateway hears of the client."""
        self._note_silence()
        self.sign_s = self.now_s
        self.away_since_s = None

    # Connections

    def _detach(self, network: Network) -> None:
        """The gateway learns that this connection is no more."""
        network.hang_up()
        if network.session is not None:
            self._note_silence()
            self.sessions.detach(network.session, network)
            if network.session.channel.connection is None:
                self.away_since_s = self.now_s if self.away_since_s is None else self.away_since_s
                self.let_go_s = self.now_s
            network.session = None

    async def connect(self, sockets: int = 1) -> None:
        """Connect, and resume if there is something to; with several sockets at once, one of them will stay."""
        networks = [Network(self) for _ in range(sockets)]
        self.network = networks[0] if sockets == 1 else None
        try:
            await asyncio.gather(*(self._attach(network) for network in networks))
        except BaseException:
            for network in networks:
                network.hang_up()  # a handler that ends takes its connection with it
            raise
        for network in networks:
            await network.greeted.wait()
        working = [network for network in networks if network.works]
        if self.network is None and working:
            self.network = working[-1]
            for frame in self.network.arrived:
                self.receive(frame)
        for network in networks:
            if network is not self.network:
                self._detach(network)

    async def _attach(self, network: Network) -> None:
        """Raises ClientGoneError."""
        away_s = 0.0 if self.away_since_s is None else self.now_s - self.away_since_s
        self._sign()  # from now on the gateway may see it
        try:
            if not self.opening:
                network.session = self.sessions.open("ann", playback=self.playback)
                await self.sessions.attach(network.session, network)
                return
            last_seq = self.frames[-1]["seq"] if self.frames else 0
            frame = Resume(self.opening["session_id"], self.opening["resume_token"], last_seq)
            known = [session for session in self.sessions.all if session.session_id == frame.session_id]
            self.check(known or away_s >= self.settings.resume_window_s, "a session was given up too early")
            let_go_s = self.now_s - self.let_go_s if away_s else 0.0
            self.check(not known or let_go_s <= self.settings.resume_window_s, "a session outlived its client")
            network.session = await self.sessions.resume("ann", frame, network, playback=self.playback)
            self.check(not known or network.session is known[0], "a session that was there could not be resumed")
        except ClientGoneError:
            if all(session.channel.connection is None for session in self.sessions.all):
                self.away_since_s = self.let_go_s = self.now_s
            raise

    # What it does

    async def act(self) -> None:
        """One thing that a client may do, or that may happen to it. What it says on a dead connection is not heard."""
        random = self.random
        what = random.choice(["talk"] * 5 + ["interrupt"] * 2 + ["spoken"] * 4 + ["ack", "drop", "take_over", "late"])
        network, session = self.network, self.session
        match what:
            case "drop" if network is not None:
                if random.random() < 0.5:
                    network.die()
                    await asyncio.sleep(random.random() * random.choice([0.0, 1.0, 30.0]))
                else:
                    network.hang_up()
                if random.random() < 0.5:  # else the client is back before the gateway has noticed
                    await asyncio.sleep(random.random() * random.choice([0.0, 1.0, 60.0]))
                    self._detach(network)
                    await asyncio.sleep(random.random() * random.choice([20.0, 20.0, 200.0]))
                await self.connect()
                self._detach(network)
                if random.random() < 0.5 and (session := self.session) is not None:
                    await self._say(random.choice(["talk", "interrupt"]), session)
            case "take_over" if network is not None:
                await self.connect(random.choice([1, 2]))
                self._detach(network)
            case _ if session is not None:
                await self._say(what, session)

    async def _say(self, what: str, session: Session) -> None:
        before = session.live_turn_id
        await self._command(what, session)
        if before is not None and session.live_turn_id != before:
            self.stopped[before] = self.moment()

    async def _command(self, what: str, session: Session) -> None:
        random = self.random
        match what:
            case "talk":
                self.refs += random.random() < 0.9  # else: the same again
                self.asked += 1
                frame = StartTurn(
                    f"{self.refs} go on {self.asked}",
                    ref=str(self.refs),
                    captions=random.random() < 0.5,
                    on_busy=random.choice(["interrupt", "interrupt", "reject"]),
                )
                self._note_silence()
                before = session.live_turn_id
                with suppress(TurnError):
                    await session.start_turn(frame)
                if session.live_turn_id != before:
                    self.sign_s = self.now_s  # the voice of another turn
            case "interrupt":
                heard = self._heard()
                self._note_silence()
                if self.live is not None and session.live_turn_id == self.live:
                    self.own_word[self.live] = heard
                session.interrupt(Interrupt(self.live, heard))
            case "spoken":
                self._report_spoken(session)
            case "ack" if self.acks and self.frames:
                session.channel.ack(self.frames[-1]["seq"])
            case "late" if self.frames:
                turns = dict.fromkeys(frame["turn_id"] for frame in self.frames if "turn_id" in frame)
                self._note_silence()
                session.interrupt(Interrupt(random.choice(list(turns)) if turns else None))

    def _chunks(self, turn_id: str) -> list[dict[str, Any]]:
        return [frame for frame in self.turns[turn_id] if frame["event"] == "tts_ready_chunk"]

    def _heard(self) -> HeardPosition | None:
        if self.live is None or self.random.random() < 0.5 or not (chunks := self._chunks(self.live)):
            return None
        index = self.random.randrange(len(chunks) + 1)
        return HeardPosition(index, self.random.choice([None, 0, 3, 1_000]))

    def _report_spoken(self, session: Session, *, all_of_it: bool = False) -> None:
        if self.live is not None and (chunks := self._chunks(self.live)):
            index = len(chunks) - 1 if all_of_it else self.random.randrange(len(chunks))
            if session.live_turn_id == self.live:  # else the report comes too late to count
                self.spoken[self.live] = max(self.spoken.get(self.live, 0), index + 1)
                self._sign()
            session.chunk_spoken(ChunkSpoken(self.live, index))

    async def play(self) -> None:
        """The whole conversation, and what must hold at its end."""
        random = self.random
        self.sign_s = self.now_s
        await self.connect()
        for _ in range(random.randrange(5, 40)):
            acting = asyncio.create_task(self.act())
            await asyncio.sleep(random.random() * random.choice([0.0, 0.02, 1.0]))
            if random.random() < 0.05:
                acting.cancel()  # whoever handled this command was cancelled
            with suppress(asyncio.CancelledError, ClientGoneError):
                await acting
            await self.reconnect()
        await self.finish()

    async def reconnect(self) -> None:
        while self.network is None or not self.network.works:
            self.check(not self.violation, "")
            if self.network is not None:
                self._detach(self.network)
            with suppress(ClientGoneError):
                await self.connect()

    async def finish(self) -> None:
        """Let the last turn end, with a patient client, then look at everything."""
        for _ in range(10_000):
            self.check(not self.violation, "")
            await self.reconnect()
            if (session := self.session) is None:  # given up by the gateway, as the client is to learn
                await asyncio.sleep(0.1)
                continue
            if self.acks and self.frames:
                session.channel.ack(self.frames[-1]["seq"])
            if self.playback:
                self._report_spoken(session, all_of_it=True)
            known = self.frames[-1]["seq"] if self.frames else 0
            if session.is_idle and known == session.channel.last_seq:
                break
            await asyncio.sleep(0.1)
        else:
            raise ViolationError(self.seed, f"the session never rests: {self.frames[-1:]}")
        for network in self.networks:
            network.hang_up()
        await self.sessions.close_all("the end")
        await asyncio.sleep(60)
        await self.check_history(session.conversation_id)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        self.check(not left, f"tasks left: {left}")
        self.check(self.agent.open == 0, "an agent's stream was left open")
        self.check(not self.sessions.all, "sessions left")

    async def check_history(self, conversation_id: str) -> None:
        """The conversation is, turn by turn and in order, what the user said and what the client heard."""
        history = await self.store.history("ann", conversation_id)
        told = {
            frames[0].get("ref"): frames
            for turn_id, frames in self.turns.items()
            if turn_id not in self.store.not_begun
        }
        for frames in self.turns.values():
            ended = frames[-1]["event"] in TERMINAL
            self.check(ended or frames[0].get("ref") in self.expired, f"turn {frames[0]['turn_id']} has no end")
        kept: list[list[Message]] = []
        for message in history:
            if message["role"] == "user":
                kept.append([])
            self.check(kept, "a conversation that does not begin with the user")
            kept[-1].append(message)
        asked = [message["content"].split()[0] for message, *_ in kept]
        self.check(len(set(asked)) == len(asked), f"asked twice: {asked}")
        self.check(asked == sorted(asked, key=int), f"the order is lost: {asked}")
        self.check(told.keys() <= set(asked), f"turns {list(told)}, but kept is {asked}")
        self.check(set(asked) - told.keys() <= self.expired, f"kept is {asked}, but turns {list(told)}")
        for message, *left in kept:
            question = message["content"]
            if frames := told.get(question.split()[0]):
                self.check_turn(frames, self.agent.said.get(question, ""), left)

    def check_turn(self, frames: list[dict[str, Any]], said: str, left: list[Message]) -> None:
        turn_id, end = frames[0]["turn_id"], frames[-1]
        if turn_id not in self.store.durable:
            self.check(not left, f"turn {turn_id} was not stored, and left {left}")
            self.check(end.get("type") == "storage_error" or end["event"] not in TERMINAL, "a turn was not stored")
            return
        spans = [chunk["span"] for chunk in self._chunks(turn_id)]
        words = "".join("".join(message["content"].split()) for message in left if message["role"] == "assistant")
        may_be_heard = self.heard(turn_id, end, said, spans)
        if may_be_heard is None:
            self.check("".join(said.split()).startswith(words), f"turn {turn_id}: {words!r} is kept, said was {said!r}")
        else:
            heard = ["".join(said[:position].split()) for position in may_be_heard]
            self.check(words in heard, f"turn {turn_id}: {words!r} is kept, {heard!r} was heard")
        calls = [call["id"] for message in left for call in message.get("tool_calls", ())]
        answers = [message["tool_call_id"] for message in left if message["role"] == "tool"]
        self.check(calls == answers, f"turn {turn_id}: calls {calls} and answers {answers}")
        shown = [frame["tool_call_id"] for frame in frames if frame["event"] == "tool_call"]
        self.check(calls[: len(shown)] == shown, f"turn {turn_id}: called {shown}, kept {calls}")
        done = {frame["tool_call_id"] for frame in frames if frame["event"] == "tool_result"}
        outputs = {message["tool_call_id"]: message["content"] for message in left if message["role"] == "tool"}
        self.check(all(outputs[call] == "seen" for call in done), f"turn {turn_id}: a tool's answer was not kept")

    def heard(self, turn_id: str, end: dict[str, Any], said: str, spans: list[list[int]]) -> list[int] | None:
        """How much of `said` the client heard, by its own account; None where it has none."""
        received = spans[-1][1] if spans else 0
        spoken = self.spoken.get(turn_id, 0)
        reported = spans[spoken - 1][1] if spoken else 0
        reports = (self.playback or turn_id in self.spoken) and self.turns[turn_id][0].get("ref") not in self.silent
        if end["event"] == "stream_end":
            self.check(end["text"] == said, "the reply is not what the agent said")
            return [len(said)]
        if end["event"] == "error":
            return [received]
        if end["event"] != "turn_interrupted":  # the session ended before the client was back
            return [reported, len(said), received] if reports and turn_id not in self.own_word else None
        position = len(end["heard_text"])
        self.check(end["heard_text"] == said[:position], "heard what was not said")
        self.check(position <= received, "more was heard than the client received")
        word = self.own_word.get(turn_id)
        if end["reason"] == "user" and word is not None:
            if word.index >= len(spans):
                exact = received
            elif word.chars == 0:
                exact = spans[word.index - 1][1] if word.index else 0
            else:
                low, high = spans[word.index]
                self.check(low <= position <= high, "the client's own word was not taken")
                exact = position if word.chars is not None else high
            self.check(position == exact, f"heard up to {exact}, kept up to {position}")
        elif reports:
            self.check(position == reported, f"spoken up to {reported}, kept up to {position}")
        elif turn_id not in self.spoken:
            self.check_pace(turn_id, position)
        return [position]

    def check_pace(self, turn_id: str, position: int) -> None:
        """Nobody hears faster than speech: what a connection brought was spoken since it was made."""
        stopped = self.stopped[turn_id]
        heard = [chunk for chunk in self._chunks(turn_id) if chunk["span"][1] <= position]
        made = [self.brought[turn_id, chunk["index"]] for chunk in heard]
        last = max((moment for moment in made if moment < stopped), default=(0.0, 0))
        chars = sum(len(chunk["text"]) for chunk, moment in zip(heard, made, strict=True) if moment == last)
        could_be = (stopped[0] - last[0]) * self.settings.speaking_rate_cps
        self.check(chars <= could_be + 1, f"{chars} characters heard where at most {could_be:.0f} could be")


def simulate(seed: int) -> World:
    """Play one seed. Raises ViolationError, or DeadlockError when everybody waits for ever."""
    world = World(seed)
    try:
        virtual_time.run(world.play())
        world.check(True, "")
    except virtual_time.DeadlockError:
        raise ViolationError(seed, world.violation or "deadlock") from None
    finally:
        gc.collect(0)  # what a broken run leaves is finalised here, not in the middle of a report
    return world
