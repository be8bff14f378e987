"""Conversations over HTTP, on a real socket."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any, Protocol
from urllib.parse import quote

import pytest
from serving import Served, serving
from test_store import assistant, end, start, user

from gateway.errors import StorageError

KEYS = {"k1": "ann", "k2": "bob"}


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.text = body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        """Status and code, of an error in the protocol's shape."""
        body = self.json
        assert set(body) == {"event", "type", "error", "correlation_id", "retryable"}
        assert (body["event"], body["correlation_id"]) == ("error", self.headers["x-correlation-id"])
        return self.status, body["type"]


class Addressed(Protocol):
    """A gateway in this process or another."""

    address: tuple[str, int]


async def ask(gateway: Addressed, path: str, method: str = "GET", key: str | None = None, **headers: str) -> Reply:
    def blocking() -> Reply:
        connection = http.client.HTTPConnection(*gateway.address, timeout=10)
        try:
            more = {} if key is None else {"Authorization": f"Bearer {key}"}
            connection.request(method, path, headers=more | headers)
            response = connection.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    return await asyncio.to_thread(blocking)


async def say(gateway: Served, who: str, conversation_id: str, turns: int) -> None:
    store = gateway.gateway.store
    for number in range(turns):
        turn_id = f"{conversation_id}{number}"
        await store.begin_turn(who, start(turn_id, conversation_id), user(f"q{number}"))
        await store.finish_turn(who, end(turn_id, conversation_id), [assistant(f"a{number} é")])


async def test_a_list_page_by_page() -> None:
    async with serving() as gateway:
        assert (await ask(gateway, "/conversations")).json == {"conversations": [], "before": None}
        for conversation_id in "abc":
            await say(gateway, "local", conversation_id, 2)
        first = await ask(gateway, "/conversations?limit=2")
        assert (first.status, first.headers["content-type"]) == (200, "application/json")
        assert first.headers["cache-control"] == "no-store"
        assert first.json["conversations"][0] == {
            "conversation_id": "c", "started_at": 100.0, "updated_at": 103.5, "turns": 2, "first_message": "q0",
        }  # fmt: skip
        rest = await ask(gateway, f"/conversations?limit=2&before={first.json['before']}")
        assert [one["conversation_id"] for one in rest.json["conversations"]] == ["a"]
        assert rest.json["before"] is None


async def test_a_conversation_page_by_page() -> None:
    async with serving() as gateway:
        await say(gateway, "local", "c", 5)
        newest = await ask(gateway, "/conversations/c?limit=3")
        assert [turn["turn_id"] for turn in newest.json["turns"]] == ["c2", "c3", "c4"]
        assert newest.json["turns"][0]["messages"] == [user("q2"), assistant("a2 é")]
        older = await ask(gateway, f"/conversations/c?limit=3&before={newest.json['before']}")
        assert [turn["turn_id"] for turn in older.json["turns"]] == ["c0", "c1"]
        assert older.json["before"] is None
        first = await ask(gateway, "/conversations/c?limit=3&after=")
        assert [turn["turn_id"] for turn in first.json["turns"]] == ["c0", "c1", "c2"]
        rest = await ask(gateway, f"/conversations/c?limit=3&after={first.json['after']}")
        assert [turn["turn_id"] for turn in rest.json["turns"]] == ["c3", "c4"]
        assert rest.json["after"] is None


async def test_an_export_has_every_turn_on_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.conversation_routes._EXPORT_LIMIT", 3)
    async with serving() as gateway:
        await say(gateway, "local", "c", 10)
        export = await ask(gateway, "/conversations/c/export")
        assert (export.status, export.headers["content-type"]) == (200, "application/x-ndjson")
        turns = [json.loads(line) for line in export.text.splitlines()]
        assert turns == (await ask(gateway, "/conversations/c")).json["turns"]
        assert len(turns) == 10


async def test_delete() -> None:
    async with serving() as gateway:
        await say(gateway, "local", "c", 1)
        deleted = await ask(gateway, "/conversations/c", "DELETE")
        assert (deleted.status, deleted.text) == (204, "")
        for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/export")):
            assert (await ask(gateway, "/conversations/c" + path, method)).error == (404, "conversation_not_found")


@pytest.mark.parametrize("conversation_id", ["a/b", "ü ?#%", "..", "", "exp/export/x"])
async def test_any_id_can_be_asked_for(conversation_id: str) -> None:
    async with serving() as gateway:
        await say(gateway, "local", conversation_id, 1)
        path = "/conversations/" + quote(conversation_id, safe="")
        assert (await ask(gateway, path)).json["conversation_id"] == conversation_id
        assert (await ask(gateway, path + "/export")).status == 200
        assert (await ask(gateway, path, "DELETE")).status == 204


async def test_only_the_owner_is_served() -> None:
    async with serving(api_keys=KEYS) as gateway:
        await say(gateway, "ann", "c", 1)
        assert (await ask(gateway, "/conversations/c", key="k1")).status == 200
        assert (await ask(gateway, "/conversations", key="k2")).json["conversations"] == []
        for method, path in (("GET", "/c"), ("GET", "/c/export"), ("DELETE", "/c")):
            assert (await ask(gateway, "/conversations" + path, method, "k2")).error == (404, "conversation_not_found")
        for method, path in (("GET", ""), ("GET", "/c"), ("GET", "/c/export"), ("DELETE", "/c")):
            for key in (None, "k3"):
                assert (await ask(gateway, "/conversations" + path, method, key)).error == (401, "unauthorized")
        assert (await ask(gateway, "/conversations/c", key="k1")).status == 200


async def test_other_origins_and_host_names_are_refused() -> None:
    async with serving() as gateway:
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            assert (await ask(gateway, "/conversations", **headers)).error == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("?limit=0", "`limit`"),
        ("?limit=201", "`limit`"),
        ("?limit=x", "`limit`"),
        ("?limit=", "`limit`"),
        ("?before=x", "`before`"),
        ("?page=2", "`page`"),
        ("/c?before=-1", "`before`"),
        ("/c?limit=1e3", "`limit`"),
        ("/c?before=1&after=2", "`after`"),
        ("?after=1", "`after`"),
        ("/c/export?limit=1", "`limit`"),
    ],
)
async def test_a_bad_parameter_is_named(path: str, names: str) -> None:
    async with serving() as gateway:
        await say(gateway, "local", "c", 1)
        reply = await ask(gateway, "/conversations" + path)
        assert reply.error == (400, "bad_request")
        assert names in reply.json["error"]


async def test_storage_that_fails_is_a_coded_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as gateway:
        store = gateway.gateway.store

        def broken(*args: object, **options: object) -> asyncio.Future[None]:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_exception(StorageError("The conversation could not be stored or read."))
            return future

        for method in ("conversations", "read", "delete"):
            monkeypatch.setattr(store, method, broken)
        for method, path in (("GET", ""), ("GET", "/c"), ("GET", "/c/export"), ("DELETE", "/c")):
            reply = await ask(gateway, "/conversations" + path, method)
            assert reply.error == (500, "storage_error")
            assert reply.json["retryable"] is True
