"""A whole text at once: for tests, scripts and notebooks."""

from __future__ import annotations

from pipeline.text.chunk_processor import TextChunkProcessor
from pipeline.text.limits import ChunkLimits
from pipeline.text.models import SpeechChunk
from pipeline.text.tts_processor import SpeechRules, TTSTextProcessor

__all__ = ["speak"]

_LIMITS = ChunkLimits()
_RULES = SpeechRules()


def speak(
    text: str, *, lang: str = "en", limits: ChunkLimits = _LIMITS, rules: SpeechRules = _RULES
) -> list[SpeechChunk]:
    """What would be spoken of `text`, chunk by chunk."""
    chunker = TextChunkProcessor(lang=lang, limits=limits)
    normaliser = TTSTextProcessor(lang=lang, rules=rules)
    spoken = [normaliser.process(chunk) for chunk in chunker.feed(text) + chunker.flush()]
    return [chunk for chunk in spoken if chunk is not None]
