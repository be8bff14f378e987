"""What the READMEs show runs, and their tables are true."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from aiohttp import web
from browser import Browser, talking
from serving import serving
from test_command_line import environment

import gateway.client
from gateway.error_table import HTTP_STATUS, CloseCode
from gateway.settings import Settings, description
from gateway.wire.native import ClientFrame
from pipeline.events import TurnEvent
from pipeline.message_processor.models import TRANSITIONS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GATEWAY = (ROOT / "gateway" / "README.md").read_text(encoding="utf-8")
PIPELINE = (ROOT / "pipeline" / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def first_cells(text: str, heading: str) -> list[list[str]]:
    """The names in the first column of the tables under a heading."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return [re.findall(r"`([^`]+)`", row) for row in rows if "`" in row]


async def run_python(code: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", code,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode()


async def test_the_clients_of_the_readme_talk_and_interrupt() -> None:
    client, bare = blocks(README, "python")
    assert len(client.splitlines()) <= 15
    async with serving(tokens_per_second=200.0) as served:
        lines = (await run_python(client.replace("ws://127.0.0.1:8080/ws", served.url))).splitlines()
        assert [line.startswith("speak:") for line in lines] == [True, True, False]
        assert lines[-1].startswith("Interrupted(")
        lines = (await run_python(bare.replace("ws://127.0.0.1:8080/ws", served.url))).splitlines()
        assert lines
        assert all(line.startswith("speak:") for line in lines)


def test_the_names_of_the_python_client() -> None:
    section = GATEWAY.split("## Python client\n", 1)[1].split("\n## ", 1)[0]
    told = {name for name in gateway.client.__all__ if re.search(rf"`[^`]*\b{name}\b[^`]*`", section)}
    assert set(gateway.client.__all__) - told == {"Event", "Outcome", "Timing", "Usage"}


@pytest.mark.asyncio(loop_scope="session")
async def test_the_browser_client_of_the_readme_talks_and_interrupts(browser: Browser) -> None:
    (example,) = blocks(README, "html")

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/client.js":
            return web.Response(body=(ROOT / "gateway/web/client.js").read_bytes(), content_type="text/javascript")
        return web.Response(text=f"<!doctype html><title>Mine</title>{example}", content_type="text/html")

    elsewhere = web.ServerRunner(web.Server(answer))
    await elsewhere.setup()
    await web.TCPSite(elsewhere, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{elsewhere.addresses[0][1]}"
    async with (
        serving(tokens_per_second=200.0, allowed_origins=(origin,)) as served,
        AsyncExitStack() as stack,
    ):
        stack.push_async_callback(elsewhere.cleanup)
        example = example.replace("ws://127.0.0.1:8080/ws", served.url)
        talk = await stack.enter_async_context(talking(browser, f"{origin}/mine", connect=False, cps=60))
        await talk.until("__speech.log.some(({frame}) => frame?.event === 'session')")
        await talk.page.mouse.click(100, 100)
        await talk.until("__speech.log.some(({what}) => what === 'end')")
        await talk.page.keyboard.press("x")
        await talk.until_idle(1)
        assert await talk.log("cancel")
        (interrupted,) = await talk.log("frame", event="turn_interrupted")
        assert interrupted["frame"]["heard_text"]


def commands() -> list[str]:
    """The README's commands, those over several lines as one."""
    lines = "".join(blocks(README, "sh")).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines]


@pytest.mark.parametrize("command", [command for command in commands() if "scripts/test" not in command])
async def test_every_command_runs(command: str) -> None:
    """But for `scripts/test`, which runs this, and the set-up, which it has done."""
    assert (ROOT / "scripts" / "serve").read_text().endswith('exec .venv/bin/python -m gateway "$@"\n')
    python = shlex.quote(sys.executable)
    command = command.replace("scripts/serve", f"exec {python} -m gateway --port 0 ")
    command = command.replace("scripts/talk.py", f"exec {python} scripts/talk.py --mute ")
    async with serving(tokens_per_second=200.0, api_keys={"s3cret": "ann"}) as served:
        if "talk.py" in command:
            command = f"GATEWAY_KEY=s3cret {command.replace('--url ws://127.0.0.1:8080/ws', '')} --url {served.url}"
        process = await asyncio.create_subprocess_shell(
            command, cwd=ROOT, env=environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            if "-m gateway" in command:
                assert process.stderr is not None
                assert "page: http://" in (await process.stderr.readline()).decode()
                process.terminate()
            out, err = await process.communicate(b"Hello\n")
        assert process.returncode in (0, -signal.SIGTERM), (out, err)  # a signal may come before it is handled


@pytest.mark.parametrize("path", ["pipeline/README.md"])
async def test_the_examples_run(path: str) -> None:
    examples = blocks((ROOT / path).read_text(encoding="utf-8"), "python")
    assert examples
    for example in examples:
        assert await run_python(example)


@pytest.mark.parametrize("block", [line for block in blocks(README, "sh") for line in block.splitlines()])
def test_every_command_exists_and_its_flags_too(block: str) -> None:
    command = block.split("#")[0]
    for script in re.findall(r"scripts/\S+", command):
        assert (ROOT / script).stat().st_mode & 0o100, script
    known = {"--" + field.name.replace("_", "-") for field in msgspec.structs.fields(Settings)}
    known |= {"--once", "--url", "--mute", "--json", "--key", "--conversation"}
    assert set(re.findall(r"--[a-z-]+", command)) <= known


@pytest.mark.parametrize("path", [path for path in ROOT.rglob("*.md") if ".venv" not in path.parts])
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("http") or (path.parent / target).exists(), f"{path}: {target}"


def test_the_table_of_settings() -> None:
    for field in msgspec.structs.fields(Settings):
        if field.name == "api_keys":
            row = f"| `GATEWAY_API_KEYS` (environment only) | none | {description(field.name)} |"
        else:
            default = "none" if field.default in (None, (), "", {}) else f"`{field.default}`"
            row = f"| `--{field.name.replace('_', '-')}` | {default} | {description(field.name)} |"
        assert row in GATEWAY


def test_the_tables_of_frames() -> None:
    client = {frame.__struct_config__.tag: frame for frame in get_args(ClientFrame)}
    assert [cell for (cell,) in first_cells(GATEWAY, "Client → server")] == list(client)
    for tag, frame in client.items():
        row = next(line for line in GATEWAY.splitlines() if line.startswith(f"| `{tag}`"))
        for field in msgspec.structs.fields(frame):
            optional = "" if field.required else "?"
            assert f"`{field.name}{optional}`" in row, (tag, field.name)
    server = {event.__struct_config__.tag for event in get_args(TurnEvent)}
    assert {cell for (cell,) in first_cells(GATEWAY, "Server → client")} == server | {"session", "pong"}


def test_the_tables_of_errors() -> None:
    codes = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", GATEWAY, re.MULTILINE))
    assert codes == {code: str(status) for code, status in HTTP_STATUS.items()}
    closes = re.findall(r"^\| (\d{4}) \|", GATEWAY, re.MULTILINE)
    assert closes == [str(code.value) for code in CloseCode]


def test_the_table_of_transitions() -> None:
    for start, allowed in TRANSITIONS.items():
        if allowed:
            row = next(line for line in PIPELINE.splitlines() if line.startswith(f"| {start.name} |"))
            assert set(re.findall(r"[A-Z]{4,}", row)) == {start.name, *(status.name for status in allowed)}


def test_every_module_of_the_gateway_is_in_its_map() -> None:
    section = GATEWAY.split("## Where things are", 1)[1]
    for path in (ROOT / "gateway").iterdir():
        if path.name.startswith("__") and path.name != "__main__.py":
            continue
        if path.suffix == ".py" or (path.is_dir() and list(path.glob("*.py"))):
            assert f"`{path.name}{'/' if path.is_dir() else ''}`" in section, path.name
