"""A function's signature as a contract: the JSON schema a model is given, and the check of what it sends."""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pipeline.errors import ToolError

__all__ = ["ToolContext", "ToolSignature"]

MAX_UNKNOWN = 5  # arguments that are named in an error
MAX_NAME_CHARS = 60
MAX_PROBLEM_CHARS = 300


class ToolContext(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling. A tool that wants to know takes a parameter of this type; models never see it."""

    tool_call_id: str = ""
    correlation_id: str = ""
    thread_id: str = ""
    run_id: str = ""
    user_id: str = ""


class ToolSignature:
    """Made once per tool. Raises ValueError, naming tool and parameter, for hints that are no JSON."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.context_parameter: str | None = None
        self._hints: dict[str, Any] = {}
        self._required: list[str] = []
        self._takes_anything = False
        defaults: dict[str, Any] = {}
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):  # many builtins have none
            raise ValueError(f"tool {name}: its signature cannot be read") from None
        hints = _type_hints(name, function)
        for parameter in parameters.values():
            hint = hints.get(parameter.name, Any)
            if hint is ToolContext or ToolContext in typing.get_args(hint):
                self.context_parameter = parameter.name
            elif parameter.kind is parameter.VAR_KEYWORD:
                self._takes_anything = True
            elif parameter.kind is parameter.POSITIONAL_ONLY:
                raise ValueError(f"tool {name}: parameter {parameter.name} cannot be passed by name")
            elif parameter.kind is not parameter.VAR_POSITIONAL:
                self._hints[parameter.name] = hint
                if parameter.default is parameter.empty:
                    self._required.append(parameter.name)
                else:
                    defaults[parameter.name] = parameter.default
        self.schema = self._make_schema(inspect.getdoc(function) or "", defaults)

    def _make_schema(self, doc: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
        summary, descriptions = _read_docstring(doc)
        try:
            schemas, definitions = msgspec.json.schema_components(self._hints.values(), ref_template="#/$defs/{name}")
        except TypeError as error:
            raise ValueError(f"tool {self.name}: a parameter's type hint is no JSON: {error}") from None
        properties: dict[str, Any] = {}
        for parameter, schema in zip(self._hints, schemas, strict=True):
            properties[parameter] = dict(schema)
            if parameter in descriptions:
                properties[parameter]["description"] = descriptions[parameter]
            if parameter in defaults and _is_json(defaults[parameter]):
                properties[parameter]["default"] = defaults[parameter]
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": properties,
            "required": list(self._required),
            "additionalProperties": self._takes_anything,
        }
        if definitions:
            parameters["$defs"] = definitions
        return {"name": self.name, "description": summary, "parameters": parameters}

    def validate(self, arguments: str | bytes | Mapping[str, Any] | None) -> dict[str, Any]:
        """The arguments as the function takes them; raises ToolError that names everything wrong with them."""
        given = self._parse(arguments)
        unknown = [key for key in given if self._is_unknown(key)]
        problems = [f"unknown argument {str(key)[:MAX_NAME_CHARS]}" for key in unknown[:MAX_UNKNOWN]]
        if len(unknown) > MAX_UNKNOWN:
            problems.append(f"{len(unknown) - MAX_UNKNOWN} more unknown arguments")
        problems += [f"missing argument {key}" for key in self._required if key not in given]
        converted: dict[str, Any] = {}
        for key, value in given.items():
            if key not in self._hints:
                converted[key] = value
                continue
            try:
                converted[key] = msgspec.convert(value, self._hints[key])
            except msgspec.ValidationError as error:
                problems.append(f"argument {key}: {str(error)[:MAX_PROBLEM_CHARS]}")
        if problems:
            raise ToolError("; ".join(problems), code="invalid_tool_arguments")
        return converted

    def _is_unknown(self, key: object) -> bool:
        if not isinstance(key, str) or key == self.context_parameter:
            return True
        return not (key in self._hints or self._takes_anything)

    @staticmethod
    def _parse(arguments: str | bytes | Mapping[str, Any] | None) -> dict[str, Any]:
        if isinstance(arguments, Mapping):
            return dict(arguments)
        if arguments is not None and not isinstance(arguments, str | bytes):
            raise ToolError("the arguments are not a JSON object", code="invalid_tool_arguments")
        if not arguments or not arguments.strip():  # a call without arguments, as some models send it
            return {}
        try:
            given = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ToolError("the arguments are not valid JSON", code="invalid_tool_arguments") from None
        if not isinstance(given, dict):
            raise ToolError("the arguments are not a JSON object", code="invalid_tool_arguments")
        return given


def _type_hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    target = inspect.unwrap(function)
    if not inspect.isroutine(target):
        target = getattr(target, "func", None) or type(target).__call__  # a partial, or an object that can be called
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError) as error:
        raise ValueError(f"tool {name}: a type hint cannot be resolved: {error}") from None


def _read_docstring(doc: str) -> tuple[str, dict[str, str]]:
    """The text up to the "Args:" section, and that section's descriptions by parameter."""
    summary, _, rest = doc.partition("\nArgs:\n")
    section = re.split(r"\n(?=\S)", rest, maxsplit=1)[0]
    descriptions = {}
    for match in re.finditer(r"^ +(\w+)(?: \([^)]*\))?: (.+(?:\n {8,}.+)*)", section, re.MULTILINE):
        descriptions[match[1]] = " ".join(match[2].split())
    return summary.strip(), descriptions


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
