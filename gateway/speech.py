"""How a turn is cut and spoken: the settings, and what a turn wants differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Protocol

import msgspec

from gateway.wire.native import SpeechOptions
from pipeline.text import ChunkLimits, SpeechRules

__all__ = ["SpeechSettings", "speech_of"]

_LIMITS = frozenset(field.name for field in fields(ChunkLimits))
_RULES = frozenset(field.name for field in fields(SpeechRules))


class SpeechSettings(Protocol):
    """The part of the settings that is about speech; limits that are None are the profile's."""

    @property
    def profile(self) -> str: ...
    @property
    def emotions(self) -> Mapping[str, str]: ...


def speech_of(settings: SpeechSettings, options: SpeechOptions | None = None) -> tuple[ChunkLimits, SpeechRules]:
    """Limits and rules of a turn. Raises ValueError, which names the field and what was expected.

    A turn that names a profile gets that profile's limits instead of the settings'.
    """
    chosen = _given(options)
    limits = ChunkLimits.profile(chosen.get("profile", settings.profile))
    if "profile" not in chosen:
        limits = _changed(limits, _given(settings), _LIMITS)
    rules = _changed(SpeechRules(), _given(settings) | {"emotions": _emotions(settings.emotions)}, _RULES)
    if "emotions" in chosen:
        chosen["emotions"] = {**rules.emotions, **chosen["emotions"]}
    return _changed(limits, chosen, _LIMITS), _changed(rules, chosen, _RULES)


def _emotions(more: Mapping[str, str]) -> Mapping[str, str]:
    known = SpeechRules().emotions
    return {**known, **more} if more else known


def _given(options: Any) -> dict[str, Any]:
    if options is None:
        return {}
    values = msgspec.structs.asdict(options)
    return {name: value for name, value in values.items() if value is not None}


def _changed(base: Any, values: Mapping[str, Any], names: frozenset[str]) -> Any:
    changes = {name: value for name, value in values.items() if name in names}
    return replace(base, **changes) if changes else base
