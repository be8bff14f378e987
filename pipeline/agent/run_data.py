"""RunData: the record of one run, as its loop writes it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from pipeline.agent.messages import ThreadMessage, ToolTracker, iso_now
from pipeline.agent.service import Message
from pipeline.agent.waits import RunCancelledError, Waits
from pipeline.agent.wire import Output
from pipeline.events import Usage

__all__ = ["RunData", "RunStatus"]

RunStatus: TypeAlias = Literal["in_progress", "requires_action", "completed", "incomplete", "failed", "cancelled"]


class RunData(msgspec.Struct):
    """What is known of one run; the loop writes it, everybody else reads.

    `incomplete`: the model stopped early (its token limit); what it said was said. `messages` are those
    that the run adds to its thread after the user's.
    """

    id: str
    thread_id: str
    correlation_id: str
    waits: Waits
    status: RunStatus = "in_progress"
    created_at: str = msgspec.field(default_factory=iso_now)
    ended_at: str | None = None
    error_code: str | None = None
    usage: Usage | None = None
    tracker: ToolTracker = msgspec.field(default_factory=ToolTracker)
    prompt: list[Message] = []
    outputs: dict[int, Output] = {}  # what messages with calls were made from, by their place in `prompt`
    messages: list[ThreadMessage] = []
    saved: int = 0
    pieces: list[str] = []  # of the message being said
    speaking_since: str = ""
    closed: bool = False  # all is saved: the thread is free

    @property
    def is_live(self) -> bool:
        return self.ended_at is None

    @property
    def has_spoken(self) -> bool:
        """In a message that is complete."""
        return any(message.role == "assistant" and message.content for message in self.messages)

    def end(self, status: RunStatus) -> None:
        """Only the first end counts."""
        if self.is_live:
            self.status = status
            self.ended_at = iso_now()

    def check(self) -> None:
        """Raises RunCancelledError once the run was cancelled: nothing more is passed on."""
        if self.waits.cancelled:
            raise RunCancelledError

    def add(self, *messages: ThreadMessage) -> None:
        self.messages.extend(messages)
        self.prompt.extend(message.for_model() for message in messages)
