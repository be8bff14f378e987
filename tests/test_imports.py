"""Who may import whom: the table of the design, read from the sources."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# folder or module: (third-party packages, packages of ours, standard library that is not wanted)
ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "pipeline.text": ({"icu4py"}, {"pipeline.text"}, {"asyncio", "time", "threading", "socket"}),
    "pipeline.errors": ({"msgspec"}, set(), {"asyncio"}),
    "pipeline.events": ({"msgspec"}, set(), {"asyncio"}),
    "pipeline.message_processor": (
        {"loguru", "msgspec"},
        {"pipeline.message_processor", "pipeline.text", "pipeline.events", "pipeline.errors"},
        set(),
    ),
    "pipeline.agent": (
        {"openai", "msgspec", "loguru", "aiohttp"},
        {"pipeline.agent", "pipeline.events", "pipeline.errors"},
        set(),
    ),
    "gateway.wire": ({"msgspec"}, {"gateway.wire", "pipeline.events", "pipeline.errors"}, {"asyncio"}),
    "gateway.client": ({"msgspec", "websockets"}, {"gateway.client"}, set()),
    "gateway.protocols": ({"uvicorn", "websockets"}, set(), set()),
    "gateway": ({"starlette", "uvicorn", "msgspec", "loguru"}, {"gateway", "pipeline"}, set()),
}


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("pipeline", "gateway"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize(("name", "path"), [pytest.param(*module, id=module[0]) for module in modules()])
def test_a_module_imports_what_its_part_may(name: str, path: Path) -> None:
    part = next((part for part in ALLOWED if within(name, {part})), None)
    if part is None:
        assert name == "pipeline"
        assert not list(imported(path))
        return
    third_party, ours, unwanted = ALLOWED[part]
    for module in imported(path):
        top = module.partition(".")[0]
        if top in ("pipeline", "gateway"):
            assert within(module, ours), f"{name} may not import {module}"
        elif top in sys.stdlib_module_names:
            assert not within(module, unwanted), f"{name} may not import {module}"
        else:
            assert top in third_party, f"{name} may not import {module}"


def test_text_never_looks_at_a_clock() -> None:
    for name, path in modules():
        if within(name, {"pipeline.text"}):
            calls = [
                node.func
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.Call)
            ]
            assert not {call.attr for call in calls if isinstance(call, ast.Attribute)} & {"now", "today", "utcnow"}, (
                name
            )
