"""SpeechRules: what is said of code, tables, links, emoji and written forms, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args, get_type_hints

from pipeline.text.speech_languages.model import words_of

__all__ = ["DEFAULT_EMOTIONS", "SpeechRules"]

DEFAULT_EMOTIONS: Mapping[str, str] = MappingProxyType(
    {
        # stage directions, as (laughs), [whispers] or <sigh/>
        **dict.fromkeys(words_of("laugh laughs laughing laughter chuckle chuckles chuckling"), "laugh"),
        **dict.fromkeys(words_of("giggle giggles giggling"), "laugh"),
        **dict.fromkeys(words_of("whisper whispers whispering whispered softly quietly"), "whisper"),
        **dict.fromkeys(words_of("sigh sighs sighing"), "sigh"),
        **dict.fromkeys(words_of("gasp gasps gasping"), "gasp"),
        **dict.fromkeys(words_of("shout shouts shouting yells yelling"), "shout"),
        **dict.fromkeys(words_of("smile smiles smiling grins happy happily cheerful"), "happy"),
        **dict.fromkeys(words_of("cheerfully warmly"), "happy"),
        **dict.fromkeys(words_of("sad sadly cries crying sobs sobbing"), "sad"),
        **dict.fromkeys(words_of("angry angrily"), "angry"),
        **dict.fromkeys(words_of("excited excitedly"), "excited"),
        **dict.fromkeys(words_of("surprised surprise"), "surprised"),
        **dict.fromkeys(words_of("calm calmly"), "calm"),
        **dict.fromkeys(words_of("nervous nervously"), "nervous"),
        **dict.fromkeys(words_of("sarcastic sarcastically"), "sarcastic"),
        # emoji
        **dict.fromkeys("😀😃😄😁😊🙂☺😇🥰😍", "happy"),
        **dict.fromkeys("😂🤣😆", "laugh"),
        **dict.fromkeys("😢😭😞😔🙁☹😿", "sad"),
        **dict.fromkeys("😠😡🤬", "angry"),
        **dict.fromkeys("🎉🥳🤩", "excited"),
        **dict.fromkeys("😮😲😱", "surprised"),
        **dict.fromkeys("😌", "calm"),
    }
)


@dataclass(frozen=True, slots=True)
class SpeechRules:
    """A choice per kind of text; a value that is not one of the named ones raises `ValueError`.

    `emotions` leads from a stage direction ("laughs"), a tag's name or an emoji to the emotion of the chunk;
    `<emotion value="…"/>` needs no entry.
    """

    code: Literal["announce", "skip", "read"] = "announce"
    tables: Literal["rows", "skip"] = "rows"
    urls: Literal["host", "skip", "full"] = "host"
    emoji: Literal["drop", "name"] = "drop"
    math: Literal["announce", "skip"] = "announce"
    list_numbers: bool = True
    normalise: Literal["full", "off"] = "full"
    emotions: Mapping[str, str] = field(default_factory=lambda: DEFAULT_EMOTIONS, hash=False)

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}; not {value!r}")
        if not isinstance(self.list_numbers, bool):
            raise ValueError(f"list_numbers must be true or false; not {self.list_numbers!r}")
        for written, emotion in self.emotions.items():
            if not (isinstance(written, str) and isinstance(emotion, str) and written and emotion):
                raise ValueError(f"emotions must lead from a text to a text; not {written!r} to {emotion!r}")


_CHOICES = {
    name: get_args(hint)
    for name, hint in get_type_hints(SpeechRules).items()
    if name not in ("list_numbers", "emotions")
}
