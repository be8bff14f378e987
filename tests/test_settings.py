"""Settings: where they come from, and that a bad one is named in one line."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
from fake_model import FakeModel, Reply
from loguru import logger

from gateway.agents import choose_agent, describe_agent
from gateway.errors import SettingsError
from gateway.settings import Settings, description, is_loopback
from pipeline.events import StreamToken


def test_the_defaults_serve_this_machine() -> None:
    settings = Settings.load([], {})
    assert is_loopback(settings.host)
    assert settings == Settings()


def test_a_flag_wins_over_the_environment() -> None:
    env = {"GATEWAY_PORT": "9001", "GATEWAY_MODEL": "small", "PORT": "1"}
    settings = Settings.load(["--port", "9002"], env)
    assert (settings.port, settings.model) == (9002, "small")


def test_every_setting_has_a_flag_or_a_variable_and_a_description() -> None:
    samples = {
        "host": "localhost",
        "agent": "offline",
        "api": "responses",
        "fallback": "http://127.0.0.1:1/v1,tiny https://b.example/v1,small,B_KEY",
        "base_url": "http://127.0.0.1:11434/v1",
        "log_level": "debug",
        "timeline": "7",
        "api_keys": "k:ann",
        "allowed_origins": "https://a.example",
        "lang": "pt-BR",
        "profile": "fast",
        "min_chars": "40",
        "max_chars": "200",
        "clause_first": "false",
        "list_numbers": "false",
        "code": "skip",
        "tables": "skip",
        "urls": "full",
        "emoji": "name",
        "math": "skip",
        "normalise": "off",
        "emotions": "winks=playful",
    }
    for field in msgspec.structs.fields(Settings):
        text = samples.get(field.name, "2048")
        settings = Settings.load([], {f"GATEWAY_{field.name.upper()}": text})
        assert getattr(settings, field.name) != msgspec.UNSET
        assert description(field.name)
        if field.name != "api_keys":
            assert Settings.load(["--" + field.name.replace("_", "-"), text], {}) == settings


def test_keys_origins_and_instructions(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Be brief. Grüße.", encoding="utf-8")
    env = {
        "GATEWAY_API_KEYS": "k1:ann, k:2:bob,",
        "GATEWAY_ALLOWED_ORIGINS": "https://a.example, http://b.example:8000",
        "GATEWAY_INSTRUCTIONS": f"@{words}",
        "GATEWAY_HOST": "0.0.0.0",
    }
    settings = Settings.load([], env)
    assert settings.api_keys == {"k1": "ann", "k:2": "bob"}
    assert settings.allowed_origins == ("https://a.example", "http://b.example:8000")
    assert settings.instructions == "Be brief. Grüße."


@pytest.mark.parametrize(
    ("argv", "env", "names"),
    [
        (["--port", "http"], {}, "--port"),
        (["--port", "70000"], {}, "--port"),
        ([], {"GATEWAY_PORT": "-1"}, "GATEWAY_PORT"),
        (["--agent", "parrot"], {}, "--agent"),
        (["--stall-timeout-s", "0"], {}, "--stall-timeout-s"),
        (["--stall-timeout-s", "nan"], {}, "--stall-timeout-s"),
        (["--base-url", "localhost:11434"], {}, "--base-url"),
        (["--instructions", "@/does/not/exist"], {}, "--instructions"),
        (["--log-level", "loud"], {}, "--log-level"),
        (["--queue-size", "0"], {}, "--queue-size"),
        (["--profile", "loud"], {}, "--profile"),
        (["--code", "sing"], {}, "--code"),
        (["--max-chars", "5"], {}, "max_chars"),
        (["--min-chars", "1000"], {}, "min_chars"),
        (["--emotions", "winks"], {}, "--emotions"),
        (["--drain-timeout-s", "inf"], {}, "--drain-timeout-s"),
        (["--lang", "zz zz"], {}, "--lang"),
        (["--base-url", "http://[x"], {}, "--base-url"),
        (["--base-url", "http://h:port/v1"], {}, "--base-url"),
        (["--fallback", "http://h:port/v1,tiny"], {}, "--fallback"),
        (["--fallback", "http://127.0.0.1:1/v1"], {}, "--fallback"),
        (["--fallback", "http://127.0.0.1:1/v1,"], {}, "--fallback"),
        (["--fallback", "http://127.0.0.1:1/v1,tiny,"], {}, "--fallback"),
        (["--fallback", "http://127.0.0.1:1/v1,tiny,K,more"], {}, "--fallback"),
        ([], {"GATEWAY_API_KEYS": ","}, "GATEWAY_API_KEYS"),
        ([], {"GATEWAY_API_KEYS": "justakey"}, "GATEWAY_API_KEYS"),
        ([], {"GATEWAY_API_KEYS": "k:ann,k:bob"}, "GATEWAY_API_KEYS"),
        ([], {"GATEWAY_ALLOWED_ORIGINS": "app.example"}, "GATEWAY_ALLOWED_ORIGINS"),
        (["--host", "0.0.0.0"], {}, "host"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(argv: list[str], env: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(argv, env)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_is_never_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load([], {"GATEWAY_API_KEYS": "topsecret"})
    assert "topsecret" not in str(caught.value)
    for flags in (
        ["--fallback", "http://127.0.0.1:1/v1,tiny,sk-topsecret"],
        ["--base-url", "htp://u:topsecret@h"],
        ["--base-url", "http://u:topsecret@h:port"],
        ["--base-url", "h/v1?key=topsecret"],
    ):
        with pytest.raises(SettingsError, match=flags[0]) as caught:
            Settings.load(flags)
        assert "topsecret" not in str(caught.value)


def test_a_secret_in_an_address_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://u:topsecret@models.example:8443/v1?key=topsecret"
    assert describe_agent(Settings(base_url=address, model="m")) == "openai (m at https://models.example:8443/v1)"
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    assert describe_agent(Settings(model="m")) == "openai (m at https://models.example:8443/v1)"


@pytest.mark.parametrize("address", ["http://u:topsecret@h:port/", "http://h:topsecret/v1"])
def test_an_address_in_the_environment_that_is_none(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with pytest.raises(SettingsError, match="base_url or OPENAI_BASE_URL") as caught:
        choose_agent(Settings())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "  ", "topsecret\n", "top secret", "topsecret…"])
def test_a_fallbacks_variable_must_hold_a_key(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.delenv("SMALL", raising=False)
    if key is not None:
        monkeypatch.setenv("SMALL", key)
    flags = ["--base-url", "http://a/v1", "--fallback", "https://b/v1,fine https://b/v1,sk-topsecret,SMALL"]
    with pytest.raises(SettingsError, match="--fallback: the variable with the key of number 2") as caught:
        choose_agent(Settings.load(flags))
    assert "secret" not in str(caught.value)


async def test_a_fallback_has_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="TRACE")
    try:
        async with FakeModel(Reply(status=401)) as first, FakeModel(Reply("Second.")) as second:
            flags = ["--base-url", first.url, "--fallback", f"{second.url},two,SECOND_KEY"]
            monkeypatch.delenv("SECOND_KEY", raising=False)
            with pytest.raises(SettingsError, match="--fallback"):
                choose_agent(Settings.load(flags))
            monkeypatch.setenv("SECOND_KEY", "topsecret")
            settings = Settings.load(flags)
            assert "topsecret" not in repr(settings)
            agent = choose_agent(settings)
            async with aclosing(agent.stream([{"role": "user", "content": "Hi!"}])) as events:
                assert StreamToken("Second.") in [event async for event in events]
            assert second.requests[0].headers["Authorization"] == "Bearer topsecret"
            assert first.requests[0].headers["Authorization"] != "Bearer topsecret"
            await agent.aclose()
    finally:
        logger.remove(sink)
    assert lines
    assert "topsecret" not in "".join(lines)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.0.2.1", False), ("example.com", False), ("", False)],
)  # fmt: skip
def test_what_only_this_machine_can_reach(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
