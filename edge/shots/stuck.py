"""The sessions that cannot be assembled or stored now: each is tried again after growing pauses and delays no other lane."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from edge.common.process.logs import Transitions

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
"""Pauses before a stuck session is loaded and tried again: the first, doubled with each failure up to the longest."""

log = logging.getLogger(__name__)


class SessionProgress(StrEnum):
    """Whether a session's shots are up to date, as logged."""

    STUCK = "stuck"
    RECOVERED = "assembled again"


class StuckSessions:
    """The stuck sessions, with the instant of the next attempt of each. Instants by the monotonic clock."""

    def __init__(self) -> None:
        self._logs: dict[UUID, Transitions] = {}
        self._failures: dict[UUID, int] = {}
        self._retry_at: dict[UUID, float] = {}

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._logs

    @property
    def next_retry(self) -> float:
        """Instant of the next attempt; infinity without one."""
        return min(self._retry_at.values(), default=math.inf)

    def due(self) -> set[UUID]:
        """The sessions to try again now."""
        now = time.monotonic()
        return {i for i, at in self._retry_at.items() if at <= now}

    def waiting(self) -> set[UUID]:
        """The sessions whose next attempt is later."""
        return self._retry_at.keys() - self.due()

    def add(self, session_id: UUID, reason: str) -> bool:
        """Note a failed attempt and log it once; returns whether the session was not stuck before."""
        is_new = session_id not in self._logs
        failures = self._failures[session_id] = self._failures.get(session_id, 0) + 1
        pause_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 10))
        self._retry_at[session_id] = time.monotonic() + pause_s
        self._logs.setdefault(session_id, Transitions(log, f"session {session_id}")).enter(
            SessionProgress.STUCK, f"{reason}. Other lanes continue. Please report this as a bug."
        )
        return is_new

    def recover(self, session_id: UUID) -> None:
        """Note that the session is assembled and stored again, if it was stuck."""
        if (state_log := self._logs.get(session_id)) is not None:
            state_log.enter(SessionProgress.RECOVERED)
            self.forget([session_id])

    def forget(self, sessions: Iterable[UUID]) -> None:
        """Leave sessions that were deleted."""
        for session_id in sessions:
            self._logs.pop(session_id, None)
            self._failures.pop(session_id, None)
            self._retry_at.pop(session_id, None)
