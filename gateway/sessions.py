"""Sessions: all the sessions of a gateway, those that wait for their client included."""

from __future__ import annotations

import asyncio
from typing import Final

from loguru import logger

from gateway.channel import Connection
from gateway.errors import GatewayError
from gateway.live_turns import LiveTurns
from gateway.session import Session
from gateway.settings import Settings
from gateway.store import Store
from gateway.turn_log import TurnLog
from gateway.wire.native import Resume
from pipeline.agent.service import AgentService

__all__ = ["Sessions"]

_MAX_REMEMBERED: Final = 10_000


class Sessions:
    """Opens sessions, finds them again for a client that comes back, and closes them in the end.

    A session whose connection was lost is kept for `resume_window_s`. There are at most `max_sessions`;
    when they are all there, the one that has waited longest for its client goes first.
    """

    def __init__(
        self, *, agent: AgentService, settings: Settings, store: Store, turn_log: TurnLog, live_turns: LiveTurns
    ) -> None:
        self._agent = agent
        self._settings = settings
        self._store = store
        self._turn_log = turn_log
        self._live_turns = live_turns
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._conversations: dict[str, tuple[str, str]] = {}
        """User and conversation of the last sessions that ended; the store knows only those that had a turn."""

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def all(self) -> tuple[Session, ...]:
        """Every open session."""
        return tuple(self._sessions.values())

    def open(self, user_id: str, *, playback: bool, conversation_id: str | None = None) -> Session:
        """A new session. Raises GatewayError (full)."""
        if len(self._sessions) >= self._settings.max_sessions:
            if not self._waiting:
                raise GatewayError("The gateway is full, try again later.", code="full", retryable=True)
            self.close_soon(next(iter(self._waiting)), "given up for a new session")
        session = Session(
            user_id=user_id,
            agent=self._agent,
            settings=self._settings,
            store=self._store,
            turn_log=self._turn_log,
            live_turns=self._live_turns,
            conversation_id=conversation_id,
            playback=playback,
        )
        self._sessions[session.session_id] = session
        return session

    def require_room(self, user_id: str) -> None:
        """Raises GatewayError (full) when this user can neither open a session nor has one to come back to."""
        is_full = len(self._sessions) >= self._settings.max_sessions and not self._waiting
        if is_full and not any(session.user_id == user_id for session in self._sessions.values()):
            raise GatewayError("The gateway is full, try again later.", code="full", retryable=True)

    async def resume(self, user_id: str, frame: Resume, connection: Connection, *, playback: bool) -> Session:
        """Let the session that the client asks for speak through this connection, or, when it cannot be gone on
        with, a new one on the same conversation, if that was the user's own.

        Raises ClientGoneError, and GatewayError (full).
        """
        session = self._sessions.get(frame.session_id)
        if session is not None and session.admits(user_id, frame.resume_token):
            if not session.is_broken and await self.attach(session, connection, last_seq=frame.last_seq):
                return session
            self.close_soon(session.session_id, "frames are missing")
        owner, conversation_id = self._conversation_of(session, frame.session_id)
        if owner != user_id:
            conversation_id = await self._store.conversation_of(user_id, frame.session_id)
        session = self.open(user_id, playback=playback, conversation_id=conversation_id)
        await self.attach(session, connection)
        return session

    def _conversation_of(self, session: Session | None, session_id: str) -> tuple[str | None, str | None]:
        if session is not None:
            return session.user_id, session.conversation_id
        return self._conversations.get(session_id, (None, None))

    async def attach(self, session: Session, connection: Connection, *, last_seq: int | None = None) -> bool:
        """Let the session speak through this connection; False when not all frames after `last_seq` are there.

        Raises ClientGoneError.
        """
        self._stop_waiting(session.session_id)
        try:
            attached = await session.attach(connection, last_seq=last_seq)
        except BaseException:  # nobody will detach a connection that never was attached
            self._wait_for_client(session)
            raise
        self._stop_waiting(session.session_id)  # the one before may have left only now
        return attached

    def detach(self, session: Session, connection: Connection) -> None:
        """The connection is gone: the session waits for its client, unless another one serves it."""
        session.channel.detach(connection)
        if session.is_broken:
            self.close_soon(session.session_id, "broken")
        else:
            self._wait_for_client(session)

    def _wait_for_client(self, session: Session) -> None:
        if session.channel.connection is None and session.session_id in self._sessions:
            self._stop_waiting(session.session_id)
            self._waiting[session.session_id] = asyncio.get_running_loop().call_later(
                self._settings.resume_window_s, self.close_soon, session.session_id, "disconnected"
            )

    def _stop_waiting(self, session_id: str) -> None:
        if timer := self._waiting.pop(session_id, None):
            timer.cancel()

    async def close_all(self, reason: str) -> None:
        """End all sessions."""
        for session_id in list(self._sessions):
            self.close_soon(session_id, reason)
        if self._closing:
            await asyncio.wait(self._closing)

    def close_soon(self, session_id: str, reason: str) -> None:
        """End a session, without waiting for it; nothing happens when it has ended."""
        session = self._sessions.pop(session_id, None)
        self._stop_waiting(session_id)
        if session is not None:
            logger.debug("session {} ends: {}", session_id, reason)
            session.channel.give_up()  # at once: who resumes at this moment gets another session
            self._conversations[session_id] = (session.user_id, session.conversation_id)
            if len(self._conversations) > _MAX_REMEMBERED:
                del self._conversations[next(iter(self._conversations))]
            task = asyncio.get_running_loop().create_task(session.close(reason), name=f"closing {session_id}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
