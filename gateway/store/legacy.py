"""MemoryStore: conversations for as long as the process lives."""

from __future__ import annotations

from collections import OrderedDict

from pipeline.agent.service import Message

__all__ = ["MemoryStore"]


class MemoryStore:
    """Messages by owner and conversation. Past `max_conversations` the one unused for longest is forgotten."""

    def __init__(self, *, max_conversations: int = 10_000) -> None:
        self._max_conversations = max_conversations
        self._conversations: OrderedDict[tuple[str, str], list[Message]] = OrderedDict()

    def history(self, user_id: str, conversation_id: str) -> list[Message]:
        """A copy of the conversation's messages, oldest first; empty for one that does not exist."""
        return list(self._conversations.get((user_id, conversation_id), ()))

    def append(self, user_id: str, conversation_id: str, message: Message) -> None:
        """Add a message to a conversation, which begins with its first one."""
        key = (user_id, conversation_id)
        self._conversations.setdefault(key, []).append(message)
        self._conversations.move_to_end(key)
        if len(self._conversations) > self._max_conversations:
            self._conversations.popitem(last=False)
