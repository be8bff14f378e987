"""What every Store does: one suite over all backends, and a random walk against a simple model."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from gateway.errors import StorageError
from gateway.store.base import ConversationsPage, Store, TurnBegun, TurnEnd, TurnRecord, TurnStart
from gateway.store.memory import MemoryStore
from gateway.store.sqlite import SqliteStore
from pipeline.agent.service import Message


@dataclass(frozen=True)
class Backend:
    """`open` gives the store at a place; when it is `durable`, the same one again after a close."""

    open: Callable[[Path], Store]
    durable: bool


BACKENDS = {
    "memory": Backend(lambda _: MemoryStore(), durable=False),
    "sqlite": Backend(lambda folder: SqliteStore(folder / "conversations.db"), durable=True),
}


@pytest.fixture(params=list(BACKENDS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store, None]:
    store = BACKENDS[request.param].open(tmp_path)
    yield store
    await store.close()


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def start(turn_id: str, conversation_id: str = "c", **changes: Any) -> TurnStart:
    values: dict[str, Any] = {"session_id": "s", "ref": None, "started_at": 100.0} | changes
    return TurnStart(turn_id=turn_id, conversation_id=conversation_id, **values)


def end(turn_id: str, conversation_id: str = "c", **changes: Any) -> TurnEnd:
    values: dict[str, Any] = {
        "status": "completed", "ended_at": 103.5, "first_token_ms": 20, "first_chunk_ms": None, "total_ms": 3500,
        "chunks": 2, "reply_chars": 40, "heard_chars": 30, "reason": None,
    } | changes  # fmt: skip
    return TurnEnd(turn_id=turn_id, conversation_id=conversation_id, **values)


TOOLS: list[Message] = [
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": [1, null]}'}}],
    },
    {"role": "tool", "content": "Grüße, 世界\0\n\U0001f600", "tool_call_id": "1"},
    assistant('It is "so".'),
]


async def test_a_conversation_is_what_its_turns_said_and_left(store: Store) -> None:
    assert await store.begin_turn("ann", start("t1"), user("one")) == TurnBegun(
        started=True, history=[user("one")], lost=[]
    )
    await store.finish_turn("ann", end("t1"), TOOLS)
    begun = await store.begin_turn("ann", start("t2"), user("two"))
    assert begun.history == [user("one"), *TOOLS, user("two")]
    assert await store.history("ann", "c") == begun.history


async def test_calls_take_effect_in_their_order_before_anything_is_awaited(store: Store) -> None:
    await store.begin_turn("ann", start("t1"), user("one"))
    finishing = store.finish_turn("ann", end("t1"), [assistant("1")])
    beginning = store.begin_turn("ann", start("t2"), user("two"))
    between = store.history("ann", "c")
    deleting = store.delete("ann", "c")
    gone = store.history("ann", "c")
    assert await gone == []
    assert await deleting is True
    assert await between == [user("one"), assistant("1"), user("two")]
    assert (await beginning).history == await between
    await finishing


async def test_what_is_passed_in_may_be_changed_afterwards(store: Store) -> None:
    message = user("one")
    left = [assistant("1")]
    first = store.begin_turn("ann", start("t1"), message)
    second = store.finish_turn("ann", end("t1"), left)
    message["content"] = left[0]["content"] = "changed"
    left.clear()
    await asyncio.gather(first, second)
    history = await store.history("ann", "c")
    assert history == [user("one"), assistant("1")]
    history[0]["content"] = "changed"
    history.clear()
    assert await store.history("ann", "c") == [user("one"), assistant("1")]


async def test_a_cancelled_or_dropped_awaitable_undoes_nothing_and_is_silent(store: Store) -> None:
    async def begin(turn_id: str) -> None:
        await store.begin_turn("ann", start(turn_id), user(turn_id))

    task = asyncio.create_task(begin("t1"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    asyncio.ensure_future(store.begin_turn("ann", start("t2"), user("t2"))).cancel()
    store.finish_turn("ann", end("t2"), [assistant("2")])
    gc.collect()
    assert await store.history("ann", "c") == [user("t1"), user("t2"), assistant("2")]


async def test_a_ref_begins_one_turn_in_a_session_of_a_user(store: Store) -> None:
    await store.begin_turn("ann", start("t1", ref="r"), user("one"))
    again = await store.begin_turn("ann", start("t2", ref="r"), user("one"))
    assert again == TurnBegun(started=False, history=[user("one")], lost=[])
    elsewhere = await store.begin_turn("ann", start("t3", "other", ref="r"), user("one"))
    assert elsewhere == TurnBegun(started=False, history=[], lost=[])
    assert (await store.conversations("ann", limit=10)).conversations[0].turns == 1
    for who, changes in (("ann", {"session_id": "s2"}), ("bob", {}), ("ann", {"ref": "R"})):
        assert (await store.begin_turn(who, start(f"{who} {changes}", **{"ref": "r"} | changes), user("x"))).started


async def test_a_turn_begins_once(store: Store) -> None:
    await store.begin_turn("ann", start("t1"), user("one"))
    assert not (await store.begin_turn("ann", start("t1"), user("two"))).started
    assert await store.history("ann", "c") == [user("one")]


async def test_the_first_end_counts(store: Store) -> None:
    await store.begin_turn("ann", start("t1"), user("one"))
    await store.finish_turn("ann", end("t1", status="interrupted", reason="barge_in"), [assistant("o")])
    await store.finish_turn("ann", end("t1"), [assistant("whole")])
    page = await store.read("ann", "c", limit=10)
    assert page is not None
    assert [(turn.status, turn.reason, turn.messages[1:]) for turn in page.turns] == [
        ("interrupted", "barge_in", [assistant("o")])
    ]


async def test_the_end_of_no_turn_changes_nothing(store: Store) -> None:
    await store.finish_turn("ann", end("t1"), [assistant("1")])
    await store.begin_turn("ann", start("t1"), user("one"))
    await store.finish_turn("ann", end("t2"), [assistant("2")])
    await store.finish_turn("ann", end("t1", "other"), [assistant("2")])
    await store.finish_turn("bob", end("t1"), [assistant("2")])
    assert await store.history("ann", "c") == [user("one")]
    assert await store.history("ann", "other") == []


async def test_a_reply_stays_with_its_question_when_turns_overlap(store: Store) -> None:
    await store.begin_turn("ann", start("t1", session_id="a"), user("one"))
    await store.begin_turn("ann", start("t2", session_id="b"), user("two"))
    await store.finish_turn("ann", end("t2"), [assistant("2")])
    await store.finish_turn("ann", end("t1"), TOOLS)
    assert await store.history("ann", "c") == [user("one"), *TOOLS, user("two"), assistant("2")]


async def test_what_is_another_users_does_not_exist(store: Store) -> None:
    await store.begin_turn("ann", start("t1"), user("ann's"))
    assert await store.history("bob", "c") == []
    assert await store.read("bob", "c", limit=10) is None
    assert await store.conversation_of("bob", "s") is None
    assert await store.conversations("bob", limit=10) == ConversationsPage(conversations=[], before=None)
    assert await store.delete("bob", "c") is False
    assert (await store.begin_turn("bob", start("t1"), user("bob's"))).history == [user("bob's")]
    assert await store.delete("bob", "c") is True
    assert await store.history("ann", "c") == [user("ann's")]


async def test_the_last_conversation_of_a_session(store: Store) -> None:
    assert await store.conversation_of("ann", "s") is None
    for number, conversation_id in enumerate("abab"):
        await store.begin_turn("ann", start(f"t{number}", conversation_id), user("x"))
        assert await store.conversation_of("ann", "s") == conversation_id
    await store.begin_turn("ann", start("t9", "a", session_id="other"), user("x"))
    assert await store.conversation_of("ann", "s") == "b"
    await store.delete("ann", "b")
    assert await store.conversation_of("ann", "s") == "a"
    await store.delete("ann", "a")
    assert await store.conversation_of("ann", "s") is None


async def test_a_page_of_turns(store: Store) -> None:
    await store.begin_turn("ann", start("t1", ref="r", started_at=7.25), user("one"))
    page = await store.read("ann", "c", limit=10)
    assert page is not None
    assert page.turns == [
        TurnRecord(
            turn_id="t1", ref="r", status="processing", started_at=7.25, ended_at=None, first_token_ms=None,
            first_chunk_ms=None, total_ms=None, chunks=None, reply_chars=None, heard_chars=None, reason=None,
            messages=[user("one")],
        )
    ]  # fmt: skip
    await store.finish_turn("ann", end("t1"), [assistant("1")])
    page = await store.read("ann", "c", limit=10)
    assert page is not None
    assert (page.conversation_id, page.started_at, page.before, page.after) == ("c", 7.25, None, None)
    assert page.turns == [
        TurnRecord(
            turn_id="t1", ref="r", status="completed", started_at=7.25, ended_at=103.5, first_token_ms=20,
            first_chunk_ms=None, total_ms=3500, chunks=2, reply_chars=40, heard_chars=30, reason=None,
            messages=[user("one"), assistant("1")],
        )
    ]  # fmt: skip


async def test_pages_of_a_conversation_in_both_directions(store: Store) -> None:
    for number in range(7):
        await store.begin_turn("ann", start(f"t{number}"), user("x"))
        await store.begin_turn("ann", start(f"o{number}", "other"), user("x"))
    newest = await store.read("ann", "c", limit=3)
    assert newest is not None
    assert [turn.turn_id for turn in newest.turns] == ["t4", "t5", "t6"]
    assert newest.after is None
    older = await store.read("ann", "c", limit=3, before=newest.before)
    assert older is not None
    assert [turn.turn_id for turn in older.turns] == ["t1", "t2", "t3"]
    oldest = await store.read("ann", "c", limit=3, before=older.before)
    assert oldest is not None
    assert [turn.turn_id for turn in oldest.turns] == ["t0"]
    assert oldest.before is None
    forward = await store.read("ann", "c", limit=5, after="")
    assert forward is not None
    assert [turn.turn_id for turn in forward.turns] == ["t0", "t1", "t2", "t3", "t4"]
    last = await store.read("ann", "c", limit=5, after=forward.after)
    assert last is not None
    assert ([turn.turn_id for turn in last.turns], last.after) == (["t5", "t6"], None)


async def test_the_list_of_conversations(store: Store) -> None:
    await store.begin_turn("ann", start("t1", "a", started_at=1.0), user("Hello\n there, " + "x" * 200))
    await store.finish_turn("ann", end("t1", "a", ended_at=2.0), [assistant("1")])
    await store.begin_turn("ann", start("t2", "b", started_at=3.0), user("two"))
    await store.begin_turn("ann", start("t3", "a", started_at=4.0), user("three"))
    page = await store.conversations("ann", limit=1)
    (newest,) = page.conversations
    assert (newest.conversation_id, newest.turns, newest.started_at, newest.updated_at) == ("a", 2, 1.0, 4.0)
    assert newest.first_message.startswith("Hello there, xxx")
    assert len(newest.first_message) == 80
    last = await store.conversations("ann", limit=1, before=page.before)
    assert [summary.conversation_id for summary in last.conversations] == ["b"]
    assert last.before is None


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 30])
async def test_a_cursor_that_is_none(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError):
        store.conversations("ann", limit=1, before=cursor)
    with pytest.raises(ValueError):
        store.read("ann", "c", limit=1, before=cursor)
    with pytest.raises(ValueError):
        store.read("ann", "c", limit=1, after=cursor)


async def test_after_a_close_everything_fails(store: Store) -> None:
    await store.begin_turn("ann", start("t1"), user("one"))
    await asyncio.gather(store.close(), store.close())
    store.finish_turn("ann", end("t1"), [])  # dropped: must not warn
    for asked in (
        store.begin_turn("ann", start("t2"), user("two")),
        store.finish_turn("ann", end("t1"), []),
        store.history("ann", "c"),
        store.conversation_of("ann", "s"),
        store.conversations("ann", limit=1),
        store.read("ann", "c", limit=1),
        store.delete("ann", "c"),
    ):
        with pytest.raises(StorageError) as failed:
            await asked
        assert failed.value.code == "storage_error"
    gc.collect()


async def test_memory_is_bounded() -> None:
    store = MemoryStore(max_turns=3)
    for number, conversation_id in enumerate("abaac"):
        await store.begin_turn("ann", start(f"t{number}", conversation_id, ref=f"r{number}"), user(str(number)))
    assert [len(await store.history("ann", one)) for one in "abc"] == [0, 0, 1]
    assert (await store.begin_turn("ann", start("t9", "c", ref="r0"), user("9"))).started  # forgotten with its turn
    for number in range(10, 20):
        await store.begin_turn("ann", start(f"t{number}", "c"), user(str(number)))
    assert await store.history("ann", "c") == [user("17"), user("18"), user("19")]


# A random walk: every operation is compared with a model, in the order of the calls, and awaited later.


@dataclass
class ModelTurn:
    number: int
    owner: str
    conversation_id: str
    start: TurnStart
    messages: list[Message]
    status: str = "processing"


@dataclass
class Model:
    """The same semantics, in the plainest way: one list of turns."""

    turns: list[ModelTurn] = field(default_factory=list)
    count: int = 0

    def of(self, owner: str, conversation_id: str) -> list[ModelTurn]:
        return [turn for turn in self.turns if (turn.owner, turn.conversation_id) == (owner, conversation_id)]

    def history(self, owner: str, conversation_id: str) -> list[Message]:
        return [message for turn in self.of(owner, conversation_id) for message in turn.messages]

    def begin(self, owner: str, turn: TurnStart, message: Message) -> TurnBegun:
        started = not any(turn.turn_id == other.start.turn_id for other in self.of(owner, turn.conversation_id))
        if turn.ref is not None:
            seen = [other.start for other in self.turns if other.owner == owner]
            started = started and not any((turn.session_id, turn.ref) == (one.session_id, one.ref) for one in seen)
        if started:
            self.count += 1
            self.turns.append(ModelTurn(self.count, owner, turn.conversation_id, turn, [message]))
        return TurnBegun(started=started, history=self.history(owner, turn.conversation_id), lost=[])

    def finish(self, owner: str, turn: TurnEnd, messages: list[Message]) -> None:
        for one in self.of(owner, turn.conversation_id):
            if one.start.turn_id == turn.turn_id and one.status == "processing":
                one.status = turn.status
                one.messages = one.messages + messages

    def conversation_of(self, owner: str, session_id: str) -> str | None:
        mine = [turn for turn in self.turns if (turn.owner, turn.start.session_id) == (owner, session_id)]
        return mine[-1].conversation_id if mine else None

    def conversations(self, owner: str) -> list[tuple[str, int]]:
        newest_first = dict.fromkeys(turn.conversation_id for turn in reversed(self.turns) if turn.owner == owner)
        return [(conversation_id, len(self.of(owner, conversation_id))) for conversation_id in newest_first]

    def delete(self, owner: str, conversation_id: str) -> bool:
        mine = self.of(owner, conversation_id)
        self.turns = [turn for turn in self.turns if turn not in mine]
        return bool(mine)


USERS = st.sampled_from(["ann", "bob"])
CONVERSATIONS = st.sampled_from(["", "c", "d/é"])
SESSIONS = st.sampled_from(["s1", "s2"])
TURNS = st.integers(0, 12).map("t{}".format)
REFS = st.none() | st.sampled_from(["r1", "r2", "r3"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEFT = st.lists(TEXT.map(assistant) | st.sampled_from(TOOLS), max_size=3)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.pending: list[tuple[Awaitable[Any], Any]] = []
        self.store = self.run(self._open)

    def run(self, step: Callable[[], Any]) -> Any:
        async def call() -> Any:
            result = step()
            return await result if asyncio.iscoroutine(result) else result

        return self.runner.run(call())

    def _open(self) -> Store:
        return self.backend.open(Path(self.folder.name))

    def expect(self, call: Callable[[], Awaitable[Any]], answer: Any) -> None:
        self.run(lambda: self.pending.append((call(), answer)))

    @rule(who=USERS, where=CONVERSATIONS, session=SESSIONS, turn_id=TURNS, ref=REFS, text=TEXT)
    def begin(self, who: str, where: str, session: str, turn_id: str, ref: str | None, text: str) -> None:
        turn = start(turn_id, where, session_id=session, ref=ref)
        self.expect(lambda: self.store.begin_turn(who, turn, user(text)), self.model.begin(who, turn, user(text)))

    @rule(who=USERS, where=CONVERSATIONS, turn_id=TURNS, status=st.sampled_from(["completed", "failed"]), left=LEFT)
    def finish(self, who: str, where: str, turn_id: str, status: str, left: list[Message]) -> None:
        turn = end(turn_id, where, status=status)
        self.model.finish(who, turn, left)
        self.expect(lambda: self.store.finish_turn(who, turn, left), None)

    @rule(who=USERS, where=CONVERSATIONS, turn_id=TURNS, session=SESSIONS)
    def begin_and_cancel(self, who: str, where: str, turn_id: str, session: str) -> None:
        turn = start(turn_id, where, session_id=session)
        self.model.begin(who, turn, user("cancelled"))
        self.run(lambda: asyncio.ensure_future(self.store.begin_turn(who, turn, user("cancelled"))).cancel())

    @rule(who=USERS, where=CONVERSATIONS)
    def history(self, who: str, where: str) -> None:
        self.expect(lambda: self.store.history(who, where), self.model.history(who, where))

    @rule(who=USERS, session=SESSIONS)
    def conversation_of(self, who: str, session: str) -> None:
        self.expect(lambda: self.store.conversation_of(who, session), self.model.conversation_of(who, session))

    @rule(who=USERS, where=CONVERSATIONS)
    def delete(self, who: str, where: str) -> None:
        self.expect(lambda: self.store.delete(who, where), self.model.delete(who, where))

    @rule()
    def settle(self) -> None:
        async def settle() -> None:
            for asked, answer in reversed(self.pending):
                assert await asked == answer
            self.pending.clear()

        self.run(settle)

    @rule(who=USERS, limit=st.integers(1, 3))
    def list_conversations(self, who: str, limit: int) -> None:
        async def all_pages() -> list[tuple[str, int]]:
            seen: list[tuple[str, int]] = []
            cursor = None
            while True:
                page = await self.store.conversations(who, limit=limit, before=cursor)
                assert len(page.conversations) <= limit
                seen += [(one.conversation_id, one.turns) for one in page.conversations]
                cursor = page.before
                if cursor is None:
                    return seen

        assert self.run(all_pages) == self.model.conversations(who)

    @rule(who=USERS, where=CONVERSATIONS, limit=st.integers(1, 3), forward=st.booleans())
    def read_conversation(self, who: str, where: str, limit: int, forward: bool) -> None:
        async def all_pages() -> list[TurnRecord]:
            seen: list[TurnRecord] = []
            before: str | None = None
            after: str | None = "" if forward else None
            while True:
                page = await self.store.read(who, where, limit=limit, before=before, after=after)
                if page is None:
                    assert not seen
                    return []
                assert 0 < len(page.turns) <= limit
                seen = seen + page.turns if forward else page.turns + seen
                before, after = (None, page.after) if forward else (page.before, None)
                if before is None and after is None:
                    return seen

        expected = [(turn.start.turn_id, turn.status, turn.messages) for turn in self.model.of(who, where)]
        assert [(turn.turn_id, turn.status, turn.messages) for turn in self.run(all_pages)] == expected

    @precondition(lambda self: self.backend.durable)
    @rule()
    def reopen(self) -> None:
        self.settle()
        self.run(self.store.close)
        self.store = self.run(self._open)

    def teardown(self) -> None:
        self.settle()
        self.run(self.store.close)
        self.runner.close()
        self.folder.cleanup()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_random_walk(backend: str) -> None:
    run_state_machine_as_test(
        lambda: StoreMachine(BACKENDS[backend]),  # type: ignore[arg-type]
        settings=settings(max_examples=40, stateful_step_count=40, deadline=None),
    )
