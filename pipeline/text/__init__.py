"""Text to speakable chunks: pure stages without I/O, tasks or clocks."""

from pipeline.text.chunk_processor import TextChunkProcessor
from pipeline.text.limits import ChunkLimits
from pipeline.text.models import Block, Boundary, SpeechChunk, TextChunk
from pipeline.text.speech import speak
from pipeline.text.tts_processor import SpeechRules, TTSTextProcessor

__all__ = [
    "Block",
    "Boundary",
    "ChunkLimits",
    "SpeechChunk",
    "SpeechRules",
    "TTSTextProcessor",
    "TextChunk",
    "TextChunkProcessor",
    "speak",
]
