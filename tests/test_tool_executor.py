"""ToolExecutor: every wrong that a tool, or a model that calls one, can do."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import pytest

from pipeline.agent.service import correlation_id
from pipeline.agent.tool_executor import MAX_CALLS, MAX_OUTPUT_BYTES, ToolExecutor
from pipeline.agent.tool_schema import ToolContext
from pipeline.agent.tool_threads import ToolThreads
from pipeline.agent.tools import TOOL_MAP
from pipeline.agent.wire import FunctionCall

CONTEXT = {"tool_call_id": "call_1", "correlation_id": "corr-1"}


@pytest.fixture(autouse=True)
async def no_task_left() -> AsyncIterator[None]:
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def run(tool: Callable[..., Any], args: Any = None, **options: Any) -> dict[str, Any]:
    """The output of one call; parsed when it is JSON."""
    executor = ToolExecutor({"tool": tool}, **options)
    result = await executor.execute_tool("tool", args, CONTEXT)
    assert set(result) == {"tool_call_id", "output"}
    assert result["tool_call_id"] == "call_1"
    assert isinstance(result["output"], str)
    try:
        return {"output": json.loads(result["output"])}
    except ValueError:
        return {"output": result["output"]}


def error_of(result: dict[str, Any]) -> tuple[str, str]:
    error = result["output"]["error"]
    assert error["correlation_id"] == "corr-1"
    return error["code"], error["message"]


class AbortError(BaseException):
    pass


class Item(msgspec.Struct):
    name: str
    count: int = 1


def add(a: int, b: int = 1) -> int:
    return a + b


async def test_arguments_as_json_text_or_as_a_mapping() -> None:
    assert await run(add, '{"a": 2, "b": 3}') == {"output": 5}
    assert await run(add, {"a": 2}) == {"output": 3}
    assert await run(lambda: "yes", "") == {"output": "yes"}
    assert await run(lambda: "yes", None) == {"output": "yes"}


@pytest.mark.parametrize("args", ["{bad", "[1]", "5", "null", "[" * 100_000, '{"a": "\ud800"}'])
async def test_arguments_that_are_no_json_object_are_an_output_not_an_exception(args: str) -> None:
    code, message = error_of(await run(add, args))
    assert code == "invalid_tool_arguments"
    assert message.startswith("the arguments are not")


async def test_every_wrong_argument_is_named() -> None:
    code, message = error_of(await run(add, {"b": "x", "c": 1}))
    assert code == "invalid_tool_arguments"
    assert "unknown argument c" in message
    assert "missing argument a" in message
    assert "argument b: Expected `int`, got `str`" in message


async def test_types_are_checked_and_converted() -> None:
    def order(item: Item, size: Literal["s", "l"], at: Annotated[int, msgspec.Meta(ge=1)]) -> str:
        return f"{item.count} {item.name} {size} {at}"

    assert await run(order, {"item": {"name": "tea"}, "size": "s", "at": 1}) == {"output": "1 tea s 1"}
    _, message = error_of(await run(order, {"item": {"name": 1}, "size": "m", "at": 0}))
    assert "argument item" in message
    assert "argument size" in message
    assert "argument at" in message


async def test_star_arguments_are_not_required_and_take_nothing_from_a_model() -> None:
    def tool(a: int, *args: int, **kwargs: Any) -> str:
        return f"{a} {args} {kwargs}"

    assert await run(tool, {"a": 1, "extra": 2}) == {"output": "1 () {'extra': 2}"}
    schema = ToolExecutor({"tool": tool}).schemas[0]["parameters"]
    assert schema["required"] == ["a"]
    assert list(schema["properties"]) == ["a"]


async def test_async_tools_are_awaited_however_they_are_wrapped() -> None:
    async def tool(a: int = 1) -> str:
        await asyncio.sleep(0)
        return f"got {a}"

    class Callable_:  # noqa: N801 - only a shape
        async def __call__(self, a: int = 1) -> str:
            return f"got {a}"

    for form in (tool, partial(tool, a=1), Callable_(), lambda: tool()):
        assert await run(form) == {"output": "got 1"}


async def test_sync_tools_run_in_a_thread_and_do_not_block_the_loop() -> None:
    release = threading.Event()
    main = threading.get_ident()

    def tool() -> bool:
        release.wait(5)
        return threading.get_ident() != main

    task = asyncio.create_task(run(tool))
    await asyncio.sleep(0)
    release.set()  # reached only when the loop is not blocked
    assert await task == {"output": True}


@pytest.mark.parametrize(
    "error",
    [
        ValueError,
        KeyError,
        StopIteration,
        RecursionError,
        SystemExit,
        KeyboardInterrupt,
        GeneratorExit,
        AbortError,
        asyncio.CancelledError,
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_no_exception_text_reaches_the_model(error: type[BaseException], is_async: bool) -> None:
    def tool() -> None:
        raise error("password=hunter2")

    async def async_tool() -> None:
        tool()

    result = await run(async_tool if is_async else tool)
    assert error_of(result) == ("tool_failed", "The tool failed.")
    assert "hunter2" not in str(result)


async def test_unknown_tool() -> None:
    result = await ToolExecutor({}).execute_tool("nope", "{}", CONTEXT)
    error = json.loads(result["output"])["error"]
    assert error == {"code": "unknown_tool", "message": "There is no such tool.", "correlation_id": "corr-1"}


async def test_a_call_id_is_always_there() -> None:
    executor = ToolExecutor({"tool": add})
    assert (await executor.execute_tool("tool", {"a": 1}))["tool_call_id"].startswith("call_")
    assert (await executor.execute_tool("tool", {"a": 1}, {}))["tool_call_id"].startswith("call_")
    assert (await executor.execute_tool("tool", {"a": 1}, ToolContext(tool_call_id="x")))["tool_call_id"] == "x"


@pytest.mark.parametrize(
    ("value", "output"),
    [("text", "text"), (None, "null"), ({"a": [1, 2.5]}, '{"a":[1,2.5]}'), (b"\x00", '"AA=="'), ("\ud800", "?")],
)
async def test_the_output_is_a_string(value: Any, output: str) -> None:
    result = await ToolExecutor({"tool": lambda: value}).execute_tool("tool", None, CONTEXT)
    assert result["output"] == output


async def test_a_result_that_is_no_json_is_a_failure() -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert error_of(await run(lambda: {"x": Bad()}))[0] == "tool_failed"


async def test_a_long_output_is_cut_and_says_so() -> None:
    result = await run(lambda: "ü" * 20_000)
    assert result["output"].startswith("ü" * (MAX_OUTPUT_BYTES // 2))
    assert result["output"].endswith(f"[Cut: the output had 40000 bytes, these are the first {MAX_OUTPUT_BYTES}.]")


async def test_a_tool_that_is_too_slow() -> None:
    async def tool() -> None:
        await asyncio.sleep(60)

    assert error_of(await run(tool, timeout_s=0.01)) == ("tool_timeout", "The tool took too long.")


async def test_nobody_waits_for_a_tool_that_will_not_stop() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    hang = threading.Event()
    executor = ToolExecutor({"stubborn": stubborn, "thread": lambda: hang.wait(30)}, timeout_s=0.01)
    started = time.monotonic()
    for name in ("stubborn", "thread"):
        output = (await executor.execute_tool(name))["output"]
        assert json.loads(output)["error"]["code"] == "tool_timeout"
    assert time.monotonic() - started < 1
    release.set()
    hang.set()
    await executor.aclose()


async def test_threads_that_hang_use_up_no_more_than_their_share() -> None:
    hang = threading.Event()
    threads = ToolThreads(max_threads=2)
    executor = ToolExecutor({"tool": lambda: hang.wait(30)}, timeout_s=0.01, threads=threads)
    codes = []
    for _ in range(3):
        output = (await executor.execute_tool("tool"))["output"]
        codes.append(json.loads(output)["error"]["code"])
    assert codes == ["tool_timeout", "tool_timeout", "tool_failed"]
    hang.set()


async def test_the_same_call_is_never_run_twice() -> None:
    runs = []
    executor = ToolExecutor({"pay": lambda: runs.append(1) or "paid"})  # type: ignore[func-returns-value]
    context = {**CONTEXT, "run_id": "run"}
    both = await asyncio.gather(*(executor.execute_tool("pay", "{}", context) for _ in range(2)))
    again = await executor.execute_tool("pay", "{}", context)
    assert runs == [1]
    assert both == [again, again]
    assert again["output"] == "paid"
    await executor.execute_tool("pay", "{}", {**CONTEXT, "run_id": "another run"})
    assert runs == [1, 1]


async def test_without_a_run_every_call_is_one_of_its_own() -> None:
    executor = ToolExecutor({"add": add, "name": lambda: "name"})
    assert (await executor.execute_tool("add", {"a": 1}, {"tool_call_id": "1"}))["output"] == "2"
    assert (await executor.execute_tool("name", {}, {"tool_call_id": "1"}))["output"] == "name"
    for client in ("A", "B"):
        result = await executor.execute_tool("add", {}, {"tool_call_id": "9", "correlation_id": client})
        assert json.loads(result["output"])["error"]["correlation_id"] == client
    ids = {(await executor.execute_tool("name", {}, {"tool_call_id": None}))["tool_call_id"] for _ in range(2)}
    assert len(ids) == 2
    assert "None" not in ids


async def test_in_a_run_another_tool_or_other_arguments_are_another_call() -> None:
    executor = ToolExecutor({"add": add, "name": lambda: "name"})
    context = {"run_id": "r", "tool_call_id": "1"}
    outputs = [
        (await executor.execute_tool(name, args, context))["output"]
        for name, args in (("add", {"a": 1}), ("name", {}), ("add", {"a": 2}), ("add", '{"a":1}'))
    ]
    assert outputs == ["2", "name", "3", "2"]


def test_what_is_known_of_a_call_outlives_its_loop() -> None:
    runs = []
    executor = ToolExecutor({"pay": lambda: runs.append(1) or "paid"})  # type: ignore[func-returns-value]
    context = {"run_id": "r", "tool_call_id": "1"}
    outputs = {asyncio.run(executor.execute_tool("pay", {}, context))["output"] for _ in range(2)}
    assert (outputs, runs) == ({"paid"}, [1])


class Odd:
    tool_call_id = "odd"

    @property
    def correlation_id(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("context", ["call_3", ["call_3"], 5, object(), Odd(), {1: 2}, {"tool_call_id": "\ud800"}])
async def test_any_context_will_do(context: Any) -> None:
    result = await ToolExecutor({"tool": add}).execute_tool("tool", {}, context)
    msgspec.json.encode(result)
    error = json.loads(result["output"])["error"]
    assert result["tool_call_id"]
    assert error["correlation_id"]


async def test_a_tool_error_has_the_correlation_id_of_its_task() -> None:
    token = correlation_id.set("corr-7")
    result = await ToolExecutor({}).execute_tool("nope")
    correlation_id.reset(token)
    assert json.loads(result["output"])["error"]["correlation_id"] == "corr-7"


@pytest.mark.parametrize("args", [{"\ud800": 1}, {1: 2}, {None: 1}, 5, [1], True, object(), b"\xff"])
async def test_arguments_of_any_kind_are_an_output(args: Any) -> None:
    assert error_of(await run(add, args))[0] == "invalid_tool_arguments"


@pytest.mark.parametrize("name", [None, ["a"], "\ud800"])
async def test_a_name_of_any_kind_is_an_output(name: Any) -> None:
    result = await ToolExecutor({"tool": add}).execute_tool(name, {}, CONTEXT)
    assert json.loads(result["output"])["error"]["code"] == "unknown_tool"


async def test_an_error_output_is_short_too() -> None:
    _, message = error_of(await run(add, {f"{'k' * 1000}{number}": 1 for number in range(20_000)}))
    assert "19995 more unknown arguments; missing argument a" in message
    assert len(message) < 1000


async def test_one_cancelled_call_is_not_run_again_either() -> None:
    runs = []
    running = asyncio.Event()

    async def tool() -> None:
        runs.append(1)
        running.set()
        await asyncio.sleep(60)

    executor = ToolExecutor({"tool": tool})
    context = {**CONTEXT, "run_id": "run"}
    task = asyncio.create_task(executor.execute_tool("tool", "{}", context))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    output = (await executor.execute_tool("tool", "{}", context))["output"]
    assert json.loads(output)["error"]["code"] == "cancelled"
    assert runs == [1]


async def test_a_failure_of_one_client_is_not_given_to_another() -> None:
    outcomes = iter([ValueError("first"), "fine"])

    def tool() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    executor = ToolExecutor({"tool": tool})
    first = await executor.execute_tool("tool", "{}", {"run_id": "r1", **CONTEXT})
    second = await executor.execute_tool("tool", "{}", {"run_id": "r2", **CONTEXT, "correlation_id": "corr-2"})
    assert "corr-1" in first["output"]
    assert second["output"] == "fine"


async def test_the_calls_of_a_round_run_in_parallel_up_to_the_cap() -> None:
    running = most = 0
    full = asyncio.Event()

    async def tool() -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0)
        running -= 1
        return "ok"

    executor = ToolExecutor({"tool": tool}, max_parallel=3)
    calls = [FunctionCall(f"call_{number}", "tool", "") for number in range(6)]
    seen = []
    async with executor.begin_round(calls, ToolContext(run_id="r")) as tools:
        while not tools.is_over:
            seen += [outcome.tool_call_id for outcome in await tools.outcomes()]
    assert sorted(seen) == [call.tool_call_id for call in calls]
    assert most == 3


async def test_too_many_calls_at_once_are_refused() -> None:
    runs = []
    executor = ToolExecutor({"tool": lambda: runs.append(1)})
    calls = [FunctionCall(f"call_{number}", "tool", "") for number in range(MAX_CALLS + 3)]
    seen = []
    async with executor.begin_round(calls, ToolContext(run_id="r", correlation_id="corr-1")) as tools:
        while not tools.is_over:
            seen += await tools.outcomes()
    assert len(runs) == MAX_CALLS
    assert len(seen) == len(calls)
    refused = sorted(outcome.tool_call_id for outcome in seen if outcome.is_error)
    assert refused == [call.tool_call_id for call in calls[MAX_CALLS:]]


async def test_leaving_a_round_cancels_its_tools() -> None:
    cancelled = []

    async def tool() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    executor = ToolExecutor({"tool": tool})
    calls = [FunctionCall(f"call_{number}", "tool", "") for number in range(2)]
    async with executor.begin_round(calls, ToolContext(run_id="r")) as tools:
        assert await tools.outcomes(timeout_s=0.01) == []
    assert cancelled == [1, 1]


async def test_a_tool_may_ask_who_is_calling() -> None:
    def tool(question: str, context: ToolContext) -> str:
        return f"{question} {context.correlation_id} {context.user_id}"

    executor = ToolExecutor({"tool": tool})
    context = {**CONTEXT, "user_id": "ada", "other": "ignored"}
    assert (await executor.execute_tool("tool", {"question": "who?"}, context))["output"] == "who? corr-1 ada"
    assert list(executor.schemas[0]["parameters"]["properties"]) == ["question"]
    output = (await executor.execute_tool("tool", {"question": "?", "context": {}}))["output"]
    assert "unknown argument context" in output


async def test_a_context_that_may_be_none_is_hidden_too() -> None:
    def tool(question: str, context: ToolContext | None = None) -> str:
        return f"{question} {context and context.correlation_id}"

    executor = ToolExecutor({"tool": tool})
    assert (await executor.execute_tool("tool", {"question": "who?"}, CONTEXT))["output"] == "who? corr-1"
    assert list(executor.schemas[0]["parameters"]["properties"]) == ["question"]


async def test_a_generator_is_no_result() -> None:
    def tool() -> Any:
        yield 1

    async def async_tool() -> Any:
        yield 1

    for form in (tool, async_tool):
        assert error_of(await run(form))[0] == "tool_failed"


def test_schema_from_signature_and_docstring() -> None:
    def book(name: str, seats: int = 2, kind: Literal["in", "out"] | None = None) -> str:
        """Book a table.

        Only for today.

        Args:
            name: Whose table it is.
            seats (int): How many
                people come.

        Returns:
            A sentence.
        """
        return ""

    assert ToolExecutor({"book": book}).schemas == [
        {
            "name": "book",
            "description": "Book a table.\n\nOnly for today.",
            "parameters": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "Whose table it is."},
                    "seats": {"type": "integer", "description": "How many people come.", "default": 2},
                    "kind": {"anyOf": [{"enum": ["in", "out"]}, {"type": "null"}], "default": None},
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        }
    ]


def test_the_tools_that_come_along_have_schemas() -> None:
    names = [schema["name"] for schema in ToolExecutor(TOOL_MAP).schemas]
    assert names == ["calculate", "get_time"]


def test_a_tool_that_no_model_could_call_is_refused_at_once() -> None:
    def positional(a: int, /) -> None: ...

    def odd(a: threading.Thread) -> None: ...

    for tool in (positional, odd, dict, max, len, getattr, type):
        with pytest.raises(ValueError, match="tool x: "):
            ToolExecutor({"x": tool})
