"""The pauses of a stuck session."""

from __future__ import annotations

import math
from uuid import uuid4

import pytest

from edge.shots.stuck import FIRST_RETRY_S, LONGEST_RETRY_S, StuckSessions


def test_pauses_grow_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sessions, one = StuckSessions(), uuid4()
    assert sessions.next_retry == math.inf
    pauses = []
    for _ in range(8):
        sessions.add(one, "it fails")
        assert (sessions.due(), sessions.waiting()) == (set(), {one})
        pauses.append(sessions.next_retry - now)
        now = sessions.next_retry
        assert (sessions.due(), sessions.waiting()) == ({one}, set())
    assert pauses == [FIRST_RETRY_S, 2.0, 4.0, 8.0, 16.0, LONGEST_RETRY_S, LONGEST_RETRY_S, LONGEST_RETRY_S]
    sessions.recover(one)
    assert (one in sessions, sessions.next_retry) == (False, math.inf)
