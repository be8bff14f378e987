"""What a turn leaves in its conversation: what was heard, and the tools that were called, each answered."""

from __future__ import annotations

from pipeline.agent.service import Message
from pipeline.events import ToolCall
from pipeline.message_processor import ConversationTurn

__all__ = ["reply_messages"]

CANCELLED = '{"error": {"code": "cancelled", "message": "The user interrupted before this was done."}}'
"""The answer to a call whose tool had none when the turn ended."""


class _Round:
    """Tool calls that the model made at once, and where in the reply."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.calls: list[ToolCall] = []
        self.outputs: dict[str, str] = {}

    @property
    def is_answered(self) -> bool:
        return len(self.outputs) == len(self.calls)


def reply_messages(turn: ConversationTurn) -> list[Message]:
    """Messages in the order in which they were said and done, in the shape that models take.

    The text is cut at the heard position; a turn of which nothing was heard leaves no text, and without
    tools no message at all.
    """
    heard = turn.heard_text
    messages: list[Message] = []
    said = 0
    for called in _rounds(turn):
        messages.append(
            Message(role="assistant", content=heard[said : called.at].strip("\n"), tool_calls=_calls(called))
        )
        for call in called.calls:
            output = called.outputs.get(call.tool_call_id, CANCELLED)
            messages.append(Message(role="tool", content=output, tool_call_id=call.tool_call_id))
        said = called.at
    if rest := heard[said:].lstrip("\n") if messages else heard:
        messages.append(Message(role="assistant", content=rest))
    return messages


def _rounds(turn: ConversationTurn) -> list[_Round]:
    rounds: list[_Round] = []
    for at, event in turn.tool_events:
        if isinstance(event, ToolCall):
            if not rounds or rounds[-1].is_answered or rounds[-1].at != at:
                rounds.append(_Round(at))
            rounds[-1].calls.append(event)
        elif rounds:
            rounds[-1].outputs[event.tool_call_id] = event.output
    return rounds


def _calls(called: _Round) -> list[dict[str, object]]:
    return [
        {
            "id": call.tool_call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for call in called.calls
    ]
