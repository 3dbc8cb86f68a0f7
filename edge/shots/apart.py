"""How the assembler of all lanes and that of the slow sessions divide the sessions of one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from edge.shots.store.results import SessionResult


class Apart(Protocol):
    """Where sessions that take long are assembled, beside all others."""

    def __contains__(self, session_id: UUID) -> bool:
        """Whether a session is assembled there."""

    def take(self, session_id: UUID, lane: int) -> None:
        """Assemble a session there from now on."""


Guard = Callable[[Sequence[SessionResult]], AbstractAsyncContextManager[Sequence[SessionResult]]]
"""Entered for a write: yields the results whose lanes no other assembler takes before the context ends."""
