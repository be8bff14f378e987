"""How much of a conversation a model gets to read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pipeline.agent.service import Message

__all__ = ["trim_history"]


def trim_history(messages: Sequence[Message], max_messages: int, max_chars: int) -> list[Message]:
    """The end of `messages` that keeps within both limits, whole exchanges at a time.

    What is left out goes oldest first, and what stays begins with a message of the user (unless all stays):
    no reply without its question, no tool answer without its call. The last message of the user, with
    whatever follows it, always stays. Characters are those of contents and of tool calls, as JSON.
    """
    start = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=len(messages))
    chars = 0
    unanswered: set[str] = set()
    """Calls that lie before the current place, of answers at or behind it."""
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        chars += _chars(message)
        if chars > max_chars or len(messages) - at > max_messages:
            break
        if "tool_call_id" in message:
            unanswered.add(message["tool_call_id"])
        unanswered.difference_update(str(call.get("id")) for call in message.get("tool_calls", ()))
        if not unanswered and (at == 0 or message["role"] == "user"):
            start = at
    return list(messages[start:])


def _chars(message: Message) -> int:
    calls = message.get("tool_calls")
    return len(message["content"] or "") + (len(msgspec.json.encode(calls)) if calls else 0)
