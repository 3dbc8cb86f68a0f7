"""Decisions about shots and landings that the running assembler computes: one at a time for each session, each on the last value."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeAlias
from uuid import UUID

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.shots.store.shares import has_assembler

COMPUTED_WITHIN_S: Final = 10.0
"""Longest wait for an assembler that is busy."""
POLL_S: Final = 0.03
"""First interval between two looks at whether it is computed."""
LONGEST_POLL_S: Final = 0.25
LOOK_FOR_ASSEMBLER_S: Final = 1.0
"""Interval between two looks at whether an assembler runs."""


Borrow: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends a connection for a moment, so that those who wait keep none from others."""


@asynccontextmanager
async def deciding(borrow: Borrow, session_id: UUID, *, on_last_value: bool) -> AsyncIterator[Connection]:
    """Let one operator at a time decide about the shots of a session, within a transaction on the connection that it lends.

    With ``on_last_value`` everything decided before is computed first, so that a revision is compared with the last one.
    Raises CommandError when that does not happen within 10 s.
    """
    ends_by = time.monotonic() + COMPUTED_WITHIN_S
    while True:
        async with borrow() as connection, connection.transaction():
            await connection.execute("select from sessions where id = $1 for no key update", session_id)
            if not on_last_value or not await _is_pending(connection, session_id):
                yield connection
                return
        if time.monotonic() > ends_by or not await await_computed(borrow, session_id):
            raise not_computed("an earlier decision about this session", "nothing was decided now")


async def await_computed(borrow: Borrow, session_id: UUID) -> bool:
    """Wait until the assembler has computed every request of a session.

    Returns False when that took longer than 10 s, or no assembler runs. The requests stay.
    """
    ends_by = time.monotonic() + COMPUTED_WITHIN_S
    looks_at = 0.0
    pause_s = POLL_S
    while True:
        async with borrow() as connection:
            if not await _is_pending(connection, session_id):
                return True
            now = time.monotonic()
            if now > ends_by:
                return False
            if now >= looks_at:
                if not await has_assembler(connection):
                    return False
                looks_at = now + LOOK_FOR_ASSEMBLER_S
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_POLL_S, pause_s * 1.2)


def not_computed(subject: str, consequence: str) -> CommandError:
    """The error for what is recorded, and not in the shots yet."""
    return CommandError(
        f"{subject} is recorded and not computed yet, so {consequence}",
        hint="The assembler archstats-shots computes it as soon as it runs and is free; see its state and its log.",
        code=ErrorCode.PENDING,
    )


async def _is_pending(connection: Connection, session_id: UUID) -> bool:
    return bool(
        await connection.fetchval(
            "select exists (select from rebuilds where session_id = $1 and done_at is null)", session_id
        )
    )
