"""The tools that come with the gateway: `TOOL_MAP`, a tool's name and the function behind it.

A tool is a plain or async function with type hints; its docstring tells a model what it is for. What it
returns becomes the tool's output, as JSON if it is no string. What it raises is logged and reported to the
model as a failure without its text, so a tool says what the model should know in its return value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.agent import arithmetic
from pipeline.agent.cities import find_zone

__all__ = ["TOOL_MAP", "Tool", "make_tools"]

Tool = Callable[..., Any]


def local_now() -> datetime:
    """The system's clock, in the system's time zone."""
    return datetime.now(UTC).astimezone()


def calculate(expression: str) -> dict[str, str]:
    """Work out an arithmetic expression exactly.

    Args:
        expression: Numbers with + - * / ^ % and brackets, or in words, such as "15 percent of 80".
    """
    try:
        value = arithmetic.calculate(expression)
    except ValueError as error:
        return {"error": str(error)}
    text = arithmetic.format_number(value)
    return {"result": text, "exact": str(value)} if text.replace(",", "") != str(value) else {"result": text}


def make_tools(clock: Callable[[], datetime] = local_now) -> dict[str, Tool]:
    """The tools over a given clock, which returns an aware datetime."""

    def get_time(place: str = "") -> dict[str, str]:
        """Tell the current date and time in a place.

        Args:
            place: A city, a country or a time zone, such as "Tokyo"; empty for the gateway's own place.
        """
        now = clock()
        found = {}
        if place:
            match = find_zone(place)
            if match is None:
                return {"error": "unknown place"}
            found["place"], found["zone"] = match
            now = now.astimezone(ZoneInfo(found["zone"]))
        return found | {
            "time": now.strftime("%H:%M"),
            "date": now.date().isoformat(),
            "weekday": now.strftime("%A"),
            "utc_offset": now.strftime("%z"),
        }

    return {"calculate": calculate, "get_time": get_time}


TOOL_MAP: Mapping[str, Tool] = make_tools()
