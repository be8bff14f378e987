"""Which agent answers, chosen from the settings."""

from __future__ import annotations

import os
import re

from gateway.errors import SettingsError
from gateway.settings import Settings
from pipeline.agent.instructions import SPEECH_INSTRUCTIONS
from pipeline.agent.model_stream import ModelTimeouts, check_key
from pipeline.agent.offline import OfflineAgent
from pipeline.agent.run_config import Fallback, RunConfig, load_tools
from pipeline.agent.run_processor import Run

__all__ = ["agent_name", "choose_agent", "describe_agent"]


def _uses_openai(settings: Settings) -> bool:
    if settings.agent == "auto":
        return bool(settings.base_url or os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"))
    return settings.agent == "openai"


def describe_agent(settings: Settings) -> str:
    """For the start line: who answers, and why."""
    if not _uses_openai(settings):
        why = "no key or base URL is set" if settings.agent == "auto" else "as asked"
        return f"offline ({why})"
    where = settings.base_url or os.environ.get("OPENAI_BASE_URL") or "OpenAI"
    shown = re.sub("//.*@", "//", re.sub("[?#].*", "", where))  # without a password, or a key in a query
    return f"openai ({settings.model} at {shown})"


def agent_name(settings: Settings) -> str:
    """The name under which HTTP clients find the agent: its model's, or `offline`."""
    return settings.model if _uses_openai(settings) else "offline"


def choose_agent(settings: Settings) -> Run | OfflineAgent:
    """The agent that the settings ask for. Raises SettingsError when it cannot be made."""
    if not _uses_openai(settings):
        return OfflineAgent(tokens_per_second=settings.tokens_per_second)
    if not (settings.base_url or os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")):
        raise SettingsError("--agent: openai needs OPENAI_API_KEY, or --base-url of a server without keys")
    try:
        config = RunConfig(
            model=settings.model,
            api=settings.api,
            instructions=SPEECH_INSTRUCTIONS if settings.instructions is None else settings.instructions,
            timeouts=ModelTimeouts(
                first_token_s=settings.first_token_timeout_s,
                stall_s=settings.stall_timeout_s,
                first_chunk_s=settings.first_chunk_timeout_s,
            ),
            fallbacks=tuple(
                Fallback(url, model, _key(number, variable))
                for number, (url, model, variable) in enumerate(settings.fallback, 1)
            ),
            tools=load_tools(settings.tools) if settings.tools else {},
            tool_timeout_s=settings.tool_timeout_s,
            max_tool_rounds=settings.max_tool_rounds,
            filler=settings.filler,
            filler_after_s=settings.filler_after_s,
        )
        return Run.open(config, base_url=settings.base_url)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _key(number: int, variable: str | None) -> str | None:
    """A fallback's key, from the environment. Raises ValueError, which names neither the variable nor the model:
    either may be the key itself, in the wrong place.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "")
    check_key(key, f"--fallback: the variable with the key of number {number}")
    return key
