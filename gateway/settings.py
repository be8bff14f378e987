"""Settings: read once, from flags and environment, checked before anything starts.

Each field is a flag (`--base-url`) and an environment variable (`GATEWAY_BASE_URL`); a flag wins. Its
`Meta` holds the range that is accepted and the text that `--help` and the reference show.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from gateway.errors import SettingsError
from gateway.speech import speech_of
from gateway.wire.native import LANGUAGE_TAG

__all__ = ["Settings", "is_loopback"]

_ENV_PREFIX = "GATEWAY_"
_ENV_ONLY = frozenset({"api_keys"})
"""Secrets have no flag: a command line can be read by every user of the machine."""
_UNSHOWN = _ENV_ONLY | {"fallback"}
"""What may hold a secret, where it belongs or not, is in no message."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. Times in seconds, sizes in the unit that the name says."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0 takes a free one")] = 8080
    agent: Annotated[
        Literal["auto", "offline", "openai"],
        Meta(description="who answers: auto takes openai when a key or base URL is set, else offline"),
    ] = "auto"
    model: Annotated[str, Meta(min_length=1, description="model to ask for")] = "gpt-4.1-mini"
    base_url: Annotated[str | None, Meta(description="an OpenAI-compatible server, such as http://host/v1")] = None
    instructions: Annotated[
        str | None, Meta(description="system instructions: text, or @FILE; default: instructions that suit speech")
    ] = None
    api: Annotated[Literal["chat", "responses"], Meta(description="which API of the model's server is spoken")] = "chat"
    fallback: Annotated[
        tuple[tuple[str, str, str | None], ...],
        Meta(
            description="who is asked when the model's server fails: BASE-URL,MODEL or BASE-URL,MODEL,KEY, where KEY "
            "names an environment variable with the server's key; more separated by blanks"
        ),
    ] = ()
    first_token_timeout_s: Annotated[float, Meta(gt=0, description="the longest wait for a model's first token")] = 2.5
    stall_timeout_s: Annotated[float, Meta(gt=0, description="the longest silence between a model's tokens")] = 3.0
    first_chunk_timeout_s: Annotated[
        float, Meta(gt=0, description="the longest wait for a model's first words, over all tries")
    ] = 6.0
    tools: Annotated[
        str | None, Meta(description="a module, such as package.module, whose TOOL_MAP the model may use")
    ] = None
    tool_timeout_s: Annotated[float, Meta(gt=0, description="how long a tool may take")] = 10.0
    max_tool_rounds: Annotated[int, Meta(ge=0, description="how often in one turn the model may call tools")] = 8
    filler: Annotated[str, Meta(description="said while a tool takes long, such as: One moment.")] = ""
    filler_after_s: Annotated[float, Meta(ge=0, description="how long a tool takes before that; 0: never")] = 0.7
    tokens_per_second: Annotated[
        float, Meta(ge=0, description="how fast the offline agent talks; 0: as fast as it can")
    ] = 50.0
    lang: Annotated[str, Meta(min_length=2, description="language of replies when start_turn names none")] = "en"
    profile: Annotated[
        Literal["balanced", "fast", "prosody", "sentence"], Meta(description="how chunks are cut: all limits at once")
    ] = "balanced"
    first_min_chars: Annotated[
        int | None, Meta(description="the fewest characters of a first chunk that ends at a clause")
    ] = None
    first_min_words: Annotated[
        int | None, Meta(description="the fewest words of a first chunk that ends at a clause")
    ] = None
    min_chars: Annotated[int | None, Meta(description="a shorter sentence is spoken together with the next")] = None
    max_chars: Annotated[int | None, Meta(description="the longest chunk, in characters")] = None
    clause_first: Annotated[
        bool | None, Meta(description="true or false: whether the first chunk may be less than a sentence")
    ] = None
    code: Annotated[Literal["announce", "skip", "read"], Meta(description="what is said of code blocks")] = "announce"
    tables: Annotated[Literal["rows", "skip"], Meta(description="what is said of tables")] = "rows"
    urls: Annotated[Literal["host", "skip", "full"], Meta(description="what is said of web addresses")] = "host"
    emoji: Annotated[Literal["drop", "name"], Meta(description="what is said of emoji")] = "drop"
    math: Annotated[Literal["announce", "skip"], Meta(description="what is said of formulas")] = "announce"
    list_numbers: Annotated[bool, Meta(description="true or false: whether numbered items are spoken with it")] = True
    normalise: Annotated[
        Literal["full", "off"], Meta(description="whether written forms become words; off: the voice does it itself")
    ] = "full"
    emotions: Annotated[
        dict[str, str],
        Meta(description="stage directions and emoji that become a chunk's emotion: winks=playful,🤖=robot"),
    ] = {}
    api_keys: Annotated[
        dict[str, str], Meta(description="who may connect, as key:user,key:user; without keys only this machine")
    ] = {}
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="exact browser origins that may connect besides the gateway's own, separated by commas"),
    ] = ()
    greeting: Annotated[str, Meta(description="the first words of a conversation that GET /start begins")] = (
        "Hello! How can I help you?"
    )
    database: Annotated[
        str | None,
        Meta(description="file that keeps conversations, or :memory:; default: one in the user's data directory"),
    ] = None
    max_history_messages: Annotated[
        int, Meta(ge=1, description="the most messages of a conversation that a model gets; the oldest are left out")
    ] = 200
    max_history_chars: Annotated[
        int, Meta(ge=1, description="the most characters of a conversation that a model gets")
    ] = 100_000
    max_sessions: Annotated[int, Meta(ge=1, description="connections at once; more are told to try later")] = 2000
    max_message_chars: Annotated[int, Meta(ge=1, description="the longest message of a user, in characters")] = 8000
    max_frame_bytes: Annotated[int, Meta(ge=1024, description="the largest WebSocket frame taken, in bytes")] = 65536
    max_body_bytes: Annotated[int, Meta(ge=1024, description="the largest body of an HTTP request, in bytes")] = (
        1_048_576
    )
    resume_window_s: Annotated[
        float, Meta(ge=0, description="how long a session waits for its client after the connection was lost")
    ] = 120.0
    max_unspoken_chunks: Annotated[
        int, Meta(ge=1, description="chunks in flight to a client that reports playback")
    ] = 8
    queue_size: Annotated[int, Meta(ge=1, description="tokens, and events, that a turn may hold back")] = 100
    idle_release_s: Annotated[
        float, Meta(gt=0, description="without a token for this long, a finished sentence is spoken")
    ] = 0.25
    speaking_rate_cps: Annotated[
        float, Meta(gt=0, description="characters a second a client without playback reports is taken to speak")
    ] = 15.0
    write_timeout_s: Annotated[float, Meta(gt=0, description="a client that reads nothing for so long is closed")] = 5.0
    drain_timeout_s: Annotated[float, Meta(ge=0, description="how long live turns may go on after SIGTERM")] = 10.0
    timeline: Annotated[
        int, Meta(ge=0, le=1000, description="how many of each user's last turns the timeline shows; 0: none")
    ] = 50
    log_level: Annotated[
        Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"], Meta(description="the least that is logged")
    ] = "INFO"

    def __post_init__(self) -> None:
        if not self.api_keys and not is_loopback(self.host):
            raise ValueError(
                f"host: {self.host} can be reached from other machines, which needs {_ENV_PREFIX}API_KEYS; "
                "without keys only a loopback address such as 127.0.0.1 is served"
            )
        speech_of(self)

    @classmethod
    def load(cls, argv: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Settings:
        """Settings from flags and environment variables. Raises SettingsError for the first that is unusable.

        `--help` prints all of them and exits.
        """
        env = os.environ if env is None else env
        flags = vars(_parser().parse_args(argv))
        given: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            text = flags.get(field.name)
            where = _flag(field.name)
            if text is None:
                where = _ENV_PREFIX + field.name.upper()
                text = env.get(where)
            if text is None or (text == "" and not isinstance(field.default, str)):
                continue
            try:
                given[field.name] = msgspec.convert(
                    _PARSE.get(field.name, _parse_number)(text), _TYPES[field.name], strict=False
                )
            except ValueError as error:
                raise SettingsError(f"{where}: {_lower(str(error))}, got {_shown(field.name, text)}") from None
        try:
            return cls(**given)
        except ValueError as error:
            raise SettingsError(str(error)) from None


_TYPES = get_type_hints(Settings, include_extras=True)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this host name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parse_keys(text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key, _, user = entry.rpartition(":")
        if not re.fullmatch(r"[!-+\--~]+", key) or not user:
            raise ValueError("expected key:user,key:user with keys of printable ASCII")
        if key in keys:
            raise ValueError("expected each key once")
        keys[key] = user
    if not keys:
        raise ValueError("expected at least one key:user")
    return keys


def _parse_origins(text: str) -> tuple[str, ...]:
    origins = tuple(filter(None, (part.strip() for part in text.split(","))))
    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s]+", origin):
            raise ValueError("expected origins such as https://app.example.com, without a path")
    return origins


def _parse_instructions(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ValueError("expected a readable UTF-8 text file after @") from None


def _parse_emotions(text: str) -> dict[str, str]:
    emotions = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        written, equals, emotion = entry.partition("=")
        if not (written and equals and emotion):
            raise ValueError("expected written=emotion,written=emotion")
        emotions[written.strip()] = emotion.strip()
    return emotions


def _parse_fallback(text: str) -> tuple[tuple[str, str, str | None], ...]:
    providers = []
    for entry in text.split():
        base_url, _, rest = entry.partition(",")
        model, comma, key = rest.partition(",")
        if not model or (comma and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", key)):
            raise ValueError("expected BASE-URL,MODEL or BASE-URL,MODEL,KEY with the name of an environment variable")
        providers.append((_parse_url(base_url), model, key or None))
    return tuple(providers)


def _parse_url(text: str) -> str:
    if not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/\[\]]+)(/\S*)?", text):
        raise ValueError("expected an address such as http://127.0.0.1:11434/v1")
    try:
        _ = urlsplit(text).port
    except ValueError:
        raise ValueError("expected a port from 0 to 65535") from None
    return text


def _parse_lang(text: str) -> str:
    if not LANGUAGE_TAG.match(text):
        raise ValueError("expected a BCP 47 language tag, such as en or pt-BR")
    return text


def _parse_number(text: str) -> str:
    if text.strip().lower().lstrip("+-") in ("inf", "infinity", "nan"):
        raise ValueError("expected a finite number")
    return text


_PARSE: Mapping[str, Any] = {
    "api_keys": _parse_keys,
    "allowed_origins": _parse_origins,
    "base_url": _parse_url,
    "emotions": _parse_emotions,
    "fallback": _parse_fallback,
    "instructions": _parse_instructions,
    "lang": _parse_lang,
    "log_level": str.upper,
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _lower(text: str) -> str:
    return (text[:1].lower() + text[1:]).replace("`", "")


def _shown(name: str, text: str) -> str:
    has_secret = name in _UNSHOWN or (name == "base_url" and re.search("[@?]", text))  # a password, a query's key
    return "what must not be shown" if has_secret else repr(text[:80])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voice-gateway",
        description="Turns a language model's tokens into speakable chunks for voice clients.",
        epilog=f"Each flag is also an environment variable: --base-url is {_ENV_PREFIX}BASE_URL. "
        f"API keys come from {_ENV_PREFIX}API_KEYS (key:user,key:user) only.",
        allow_abbrev=False,
    )
    for field in msgspec.structs.fields(Settings):
        if field.name in _ENV_ONLY:
            continue
        default = "" if field.default in (None, ()) else f" (default: {field.default})"
        parser.add_argument(
            _flag(field.name),
            metavar=_metavar(field.name),
            help=(description(field.name) + default).replace("%", "%%"),
        )
    return parser


def description(name: str) -> str:
    """What a setting is for, in a few words."""
    (meta,) = (meta for meta in _TYPES[name].__metadata__ if isinstance(meta, Meta))
    return meta.description or ""


def _metavar(name: str) -> str:
    base = _TYPES[name].__origin__
    if getattr(base, "__origin__", None) is Literal:
        return "|".join(base.__args__)
    return {int: "N", float: "X"}.get(base, "TEXT")
