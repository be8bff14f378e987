"""placeholder"""

from __future__ import annotations

from pipeline.agent.service import Message


def trim_history(messages: list[Message], *, max_messages: int, max_chars: int) -> list[Message]:
    return messages[-max_messages:]
