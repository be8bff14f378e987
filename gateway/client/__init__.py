"""VoiceClient: talk to a gateway from Python. Lost connections are resumed, and no chunk is lost or doubled.

async with VoiceClient("ws://127.0.0.1:8080/ws", playback=True) as client:
    turn = await client.say("Count to twenty")
    async for chunk in turn:
        await speak(chunk.text)
        await turn.spoken(chunk)
    print(turn.outcome)

It needs nothing of the gateway but a running one.
"""

from gateway.client.connection import GatewayUnavailableError, backoff_delays
from gateway.client.models import (
    Caption,
    Chunk,
    Completed,
    Event,
    Failed,
    Interrupted,
    Notice,
    Outcome,
    Timing,
    ToolCall,
    ToolResult,
    Usage,
)
from gateway.client.turn import Turn
from gateway.client.voice_client import VoiceClient

__all__ = [
    "Caption",
    "Chunk",
    "Completed",
    "Event",
    "Failed",
    "GatewayUnavailableError",
    "Interrupted",
    "Notice",
    "Outcome",
    "Timing",
    "ToolCall",
    "ToolResult",
    "Turn",
    "Usage",
    "VoiceClient",
    "backoff_delays",
]
