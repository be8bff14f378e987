"""SqliteStore: the file, other processes, crashes, and what goes wrong on a disk."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sqlite3
import stat
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from test_store import assistant, end, start, user

from gateway.errors import SettingsError, StorageError
from gateway.store import open_store, schema
from gateway.store.memory import MemoryStore
from gateway.store.owner import is_dead, this_process
from gateway.store.sqlite import SqliteStore
from gateway.store.writer import Effect

ROOT = Path(__file__).resolve().parent.parent
VERSION_1 = (ROOT / "tests" / "golden" / "conversations-1.sql").read_text(encoding="utf-8")
"""A database as version 1 wrote it, with one finished and one unfinished turn. Never changed."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


@asynccontextmanager
async def opened(path: Path, **options: object) -> AsyncGenerator[SqliteStore, None]:
    store = SqliteStore(path, **options)  # type: ignore[arg-type]
    try:
        yield store
    finally:
        await store.close()


def by_hand(path: Path, script: str) -> None:
    """Change the database behind the store's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def kept(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT turn_id, status FROM turns ORDER BY id").fetchall()


# The file


async def test_the_file_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    before = os.umask(0)
    try:
        store = open_store(None)
    finally:
        os.umask(before)
    await store.begin_turn("ann", start("t1"), user("one"))
    folder = tmp_path / "data" / "voice-turn-gateway"
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    files = list(folder.iterdir())
    assert {file.name for file in files} >= {"conversations.db", "conversations.db-wal"}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    await store.close()
    assert [file.name for file in folder.iterdir()] == ["conversations.db"]


async def test_which_store_a_setting_means(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_store(":memory:"), MemoryStore)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, expected in (
        (str(path), path),
        ("~/named.db", tmp_path / "named.db"),
        (None, tmp_path / ".local" / "share" / "voice-turn-gateway" / "conversations.db"),
    ):
        monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
        await open_store(name).close()
        assert expected.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"This is a letter, and no database at all. " * 100, "not a database"),
        ("PRAGMA user_version = 3", "another program"),
        ("CREATE TABLE notes (text)", "another program"),
        ("PRAGMA application_id = 7", "another program"),
        (f"PRAGMA application_id = {schema.APPLICATION_ID}; PRAGMA user_version = 1000", "newer"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(path: Path, content: bytes | str, says: str) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        by_hand(path, content)
    before = path.read_bytes()
    with pytest.raises(SettingsError) as refused:
        SqliteStore(path)
    assert "--database" in str(refused.value)
    assert str(path) in str(refused.value)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "no" / "folder.db", Path("/dev/null/x.db"), Path("/dev/full")):
        with pytest.raises(SettingsError, match="--database"):
            SqliteStore(place)


# Versions


async def test_a_file_of_version_1_is_read_and_written(path: Path) -> None:
    by_hand(path, VERSION_1)
    async with opened(path) as store:
        for again in (start("t1"), start("t2"), start("t3", ref="r2")):
            assert (await store.begin_turn("ann", again, user("again"))).lost == []
        begun = await store.begin_turn("ann", start("t3"), user("three"))
        assert begun.history == [user("one"), assistant("1"), user("two"), user("three")]
        assert begun.lost == ["t2"]
    assert kept(path) == [("t1", "completed"), ("t2", "lost"), ("t3", "processing")]


async def test_the_first_migration_still_makes_version_1(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
    await SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(":memory:")) as then:
        then.executescript(VERSION_1)
        tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
        assert [(name, _words(sql)) for name, sql in now.execute(tables)] == [
            (name, _words(sql)) for name, sql in then.execute(tables)
        ]


def _words(sql: str | None) -> list[str] | None:
    return None if sql is None else sql.split()


async def test_a_later_migration_keeps_what_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(path, VERSION_1)
    later = "ALTER TABLE turns ADD COLUMN mood TEXT; UPDATE turns SET mood = 'calm'"
    monkeypatch.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], later))
    async with opened(path) as store:
        assert len(await store.history("ann", "c")) == 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT mood FROM turns").fetchall() == [("calm",), ("calm",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    monkeypatch.undo()
    with pytest.raises(SettingsError, match="newer"):
        SqliteStore(path)


async def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(path, VERSION_1)
    monkeypatch.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], "DROP TABLE turns; DROP TABLE nothing"))
    with pytest.raises(SettingsError, match="--database"):
        SqliteStore(path)
    monkeypatch.undo()
    async with opened(path) as store:
        assert len(await store.history("ann", "c")) == 3


# One thread, many operations to a commit


async def test_what_waits_is_committed_together(path: Path) -> None:
    async with opened(path) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nothing can be written meanwhile
            asked = [store.begin_turn("ann", start(f"t{number}"), user("x")) for number in range(100)]
            other.execute("COMMIT")
        begun = await asyncio.gather(*asked)
        assert [len(one.history) for one in begun] == list(range(1, 101))
        assert store.commits <= 2  # the first may have gone alone


async def test_reading_is_no_commit(path: Path) -> None:
    async with opened(path) as store:
        await store.history("ann", "c")
        assert store.commits == 0


async def test_only_what_must_be_saved_waits_for_the_disk(path: Path) -> None:
    async with opened(path) as store:

        def mode(effect: Effect) -> asyncio.Future[tuple[int]]:
            return store._writer.submit(lambda db: db.execute("PRAGMA synchronous").fetchone(), effect)

        for effect, expected in ((Effect.WRITES, 1), (Effect.SAVES, 2), (Effect.READS, 1), (Effect.SAVES, 2)):
            assert await mode(effect) == (expected,)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            together = [mode(effect) for effect in (Effect.SAVES, Effect.WRITES, Effect.SAVES)]
            other.execute("COMMIT")
        assert (await asyncio.gather(*together))[2] == (2,)


async def test_a_close_ends_the_thread_and_writes_what_waits(path: Path) -> None:
    store = SqliteStore(path)
    for number in range(300):
        store.begin_turn("ann", start(f"t{number}"), user("x"))
    await store.close()
    assert len(kept(path)) == 300
    assert not [thread for thread in threading.enumerate() if thread.name == "store writer"]


def test_a_loop_that_ends_first_loses_nothing(path: Path) -> None:
    async def ask() -> SqliteStore:
        store = SqliteStore(path)
        for number in range(50):
            store.begin_turn("ann", start(f"t{number}"), user("x"))
        return store

    store = asyncio.run(ask())
    asyncio.run(store.close())
    assert len(kept(path)) == 50


async def test_a_long_conversation_is_not_read_whole(path: Path) -> None:
    async with opened(path, recent_messages=5) as store:
        for number in range(10):
            begun = await store.begin_turn("ann", start(f"t{number}"), user(str(number)))
            await store.finish_turn("ann", end(f"t{number}"), [assistant("ok")])
        assert [one["content"] for one in begun.history if one["role"] == "user"] == list("56789")
        page = await store.read("ann", "c", limit=100)
        assert page is not None
        assert len(page.turns) == 10


# Errors


async def test_an_operation_that_fails_fails_alone(path: Path) -> None:
    async with opened(path) as store:
        by_hand(
            path,
            "CREATE TRIGGER poison BEFORE UPDATE ON conversations WHEN new.conversation_id = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'poison'); END",
        )
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # so that all are in one transaction, or two
            good = [store.begin_turn("ann", start("t1"), user("x"))]
            bad = store.begin_turn("ann", start("t2", "poison"), user("x"))
            good.append(store.begin_turn("ann", start("t3"), user("x")))
            dropped = store.begin_turn("ann", start("t4", "poison"), user("x"))
            other.execute("COMMIT")
        with pytest.raises(StorageError) as failed:
            await bad
        assert (failed.value.code, failed.value.retryable) == ("storage_error", True)
        assert "poison" not in str(failed.value)
        assert [(await one).started for one in good] == [True, True]
        assert await store.read("ann", "poison", limit=1) is None  # the failed one left no half
        assert store.commits <= 2
        del dropped
    assert kept(path) == [("t1", "processing"), ("t3", "processing")]


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        # SQLite gives up the whole transaction, as it does when the disk is full
        (
            """CREATE TRIGGER poison BEFORE INSERT ON turns WHEN new.turn_id = 't2'
            BEGIN SELECT RAISE(ROLLBACK, 'poison'); END""",
            "DROP TRIGGER poison",
        ),
        # the commit itself fails: a reference to nothing, looked at only then
        (
            """CREATE TABLE poison (turn REFERENCES turns (id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER late AFTER INSERT ON turns WHEN new.turn_id = 't2'
            BEGIN INSERT INTO poison VALUES (12345); END""",
            "DROP TRIGGER late",
        ),
    ],
    ids=["transaction", "commit"],
)
async def test_a_transaction_that_fails_fails_all_in_it_and_the_next_works(path: Path, breaks: str, mends: str) -> None:
    async with opened(path) as store:
        by_hand(path, breaks)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = [store.begin_turn("ann", start(f"t{number}"), user("x")) for number in (0, 1, 2, 3)]
            other.execute("COMMIT")
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        failed = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, StorageError)]
        assert failed in ([0, 1, 2, 3], [1, 2, 3])  # the first may have been committed before
        assert [turn for turn, _ in kept(path)] == [f"t{number}" for number in range(4) if number not in failed]
        by_hand(path, mends)
        assert (await store.begin_turn("ann", start("t2"), user("x"))).started


async def test_a_full_disk(path: Path) -> None:
    async with opened(path) as store:
        # A limit on pages is this connection's own: it has to be set in its thread.
        limit = store._writer.submit(lambda db: db.execute("PRAGMA max_page_count = 20").fetchone(), Effect.READS)
        await limit
        begun = 0
        with pytest.raises(StorageError):
            for number in range(1000):
                await store.begin_turn("ann", start(f"t{number}"), user("x" * 1000))
                begun += 1
        assert len(kept(path)) == begun > 0
        with pytest.raises(StorageError):
            await store.begin_turn("ann", start("big", "other"), user("x" * 10_000))
        assert len(await store.history("ann", "c")) == begun
        await store.delete("ann", "c")
        assert (await store.begin_turn("ann", start("again"), user("x" * 1000))).started


async def test_damage_is_an_error_and_not_the_end(path: Path) -> None:
    async with opened(path) as store:
        await store.begin_turn("ann", start("t1"), user("x"))
        by_hand(path, "UPDATE turns SET left_messages = '[nonsense'")
        with pytest.raises(StorageError):
            await store.history("ann", "c")
        assert (await store.begin_turn("ann", start("t2", "other"), user("x"))).started


async def test_an_error_that_nobody_awaits_is_silent(path: Path) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with opened(path) as store:
        by_hand(path, "DROP TABLE turns")
        store.begin_turn("ann", start("t1"), user("x"))
        asyncio.ensure_future(store.begin_turn("ann", start("t2"), user("x"))).cancel()
        with pytest.raises(StorageError):
            await store.history("ann", "c")
    store.finish_turn("ann", end("t1"), [])
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


async def test_past_a_bound_operations_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.writer._MAX_WAITING", 3)
    async with opened(path) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = [store.begin_turn("ann", start(f"t{number}"), user("x")) for number in range(200)]
            assert asked[-1].done()  # type: ignore[attr-defined]
            other.execute("COMMIT")
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(outcomes[-1], StorageError)
        assert len(kept(path)) == sum(not isinstance(outcome, StorageError) for outcome in outcomes) >= 3


# Other processes

WRITER = """
import asyncio, sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from test_store import assistant, end, start, user
from gateway.store.sqlite import SqliteStore
from gateway.store.writer import Effect

async def main(name, turns):
    store = SqliteStore(Path({path!r}))
    async def talk(session):
        for number in range(turns):
            turn_id = f"{{name}}-{{session}}-{{number}}"
            await store.begin_turn("ann", start(turn_id, f"{{name}}-{{session}}"), user(turn_id))
            await store.finish_turn("ann", end(turn_id, f"{{name}}-{{session}}"), [assistant(turn_id)])
            print(turn_id, flush=True)
    async with asyncio.TaskGroup() as group:
        for session in range(8):
            group.create_task(talk(session))
    begun = await store.begin_turn("ann", start(f"{{name}}-last", "shared"), user(name))
    print("lost", begun.lost, flush=True)
    await store.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def writer(path: Path, name: str, turns: int) -> asyncio.subprocess.Process:
    code = WRITER.format(root=str(ROOT), tests=str(ROOT / "tests"), path=str(path))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", code, name, str(turns),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_two_gateways_write_at_once(path: Path) -> None:
    async with asyncio.timeout(60):
        processes = [await writer(path, name, 25) for name in ("a", "b")]
        outputs = [await process.communicate() for process in processes]
    assert [error.decode() for _, error in outputs] == ["", ""]
    assert len([turn for turn, status in kept(path) if status == "completed"]) == 2 * 8 * 25
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    async with opened(path) as store:
        for name in "ab":
            for session in range(8):
                turns = [f"{name}-{session}-{number}" for number in range(25)]
                said = [message for turn in turns for message in (user(turn), assistant(turn))]
                assert await store.history("ann", f"{name}-{session}") == said


async def test_after_kill_9_all_that_was_reported_is_there(path: Path) -> None:
    reported: list[str] = []
    for round_ in range(5):
        process = await writer(path, f"r{round_}", 100_000)
        assert process.stdout is not None
        async with asyncio.timeout(30):
            reported += [(await process.stdout.readline()).decode().strip() for _ in range(60)]
            process.send_signal(signal.SIGKILL)
            reported += (await process.stdout.read()).decode().split("\n")[:-1]  # a last line may be cut
            await process.communicate()
    completed = {turn for turn, status in kept(path) if status == "completed"}
    assert len(reported) >= 300
    assert set(reported) <= completed
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    async with opened(path) as store:
        unfinished = {turn for turn, status in kept(path) if status == "processing"}
        lost: set[str] = set()
        for round_ in range(5):
            for session in range(8):
                conversation_id = f"r{round_}-{session}"
                begun = await store.begin_turn("ann", start("next", conversation_id), user("next"))
                lost |= set(begun.lost)
                again = await store.begin_turn("ann", start("then", conversation_id), user("then"))
                assert again.lost == []
        assert lost == unfinished


async def test_turns_of_a_living_gateway_are_not_lost(path: Path) -> None:
    async with opened(path) as one, opened(path) as other:
        await one.begin_turn("ann", start("t1"), user("one"))
        assert (await other.begin_turn("ann", start("t2"), user("two"))).lost == []
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    async with opened(path, owner=f"{process.pid}::abc") as theirs, opened(path) as ours:
        await theirs.begin_turn("ann", start("t3"), user("three"))
        assert (await ours.begin_turn("ann", start("t4"), user("four"))).lost == []
        process.kill()
        await process.wait()
        assert (await ours.begin_turn("ann", start("t5"), user("five"))).lost == ["t3"]
        page = await ours.read("ann", "c", limit=10)
        assert page is not None
        assert [turn.status for turn in page.turns] == ["processing"] * 2 + ["lost"] + ["processing"] * 2
        await theirs.finish_turn("ann", end("t3"), [assistant("3")])  # not lost after all
        assert ("t3", "completed") in kept(path)


def test_who_is_dead() -> None:
    pid, started, _ = this_process().split(":")
    assert not is_dead(this_process())
    assert is_dead(f"{pid}:{started}:another")
    parent = os.getppid()
    assert not is_dead(f"{parent}::x")
    if started:  # where /proc is
        assert is_dead(f"{parent}:1:x")
        since = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
        assert not is_dead(f"{parent}:{since}:x")
