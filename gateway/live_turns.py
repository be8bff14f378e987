"""LiveTurns: which conversations are being answered, over HTTP or over WebSockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from gateway.http_turns import HTTPTurn
    from gateway.session import SessionTurn

__all__ = ["LiveTurns", "TurnTable"]


class _Turn(Protocol):
    @property
    def is_live(self) -> bool: ...


T = TypeVar("T", bound=_Turn)


class TurnTable(Generic[T]):
    """Turns by user and conversation. Whoever adds one removes it when it is over."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], set[T]] = {}

    def add(self, user_id: str, conversation_id: str, turn: T) -> None:
        """The turn begins."""
        self._turns.setdefault((user_id, conversation_id), set()).add(turn)

    def remove(self, user_id: str, conversation_id: str, turn: T) -> None:
        """The turn is over."""
        turns = self._turns[user_id, conversation_id]
        turns.remove(turn)
        if not turns:
            del self._turns[user_id, conversation_id]

    def live(self, user_id: str, conversation_id: str) -> list[T]:
        """The live turns of this conversation."""
        return [turn for turn in self._turns.get((user_id, conversation_id), ()) if turn.is_live]


class LiveTurns:
    """The turns of HTTP requests, of which a conversation has one at a time, and those of sessions.

    A conversation is answered in one of the two ways at a time: a session interrupts the turn of a request, a request
    that of a session whose client is away. How turns of several sessions go together is theirs.
    """

    def __init__(self) -> None:
        self.requests: TurnTable[HTTPTurn] = TurnTable()
        self.sessions: TurnTable[SessionTurn] = TurnTable()
