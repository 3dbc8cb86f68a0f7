"""The way of a judge's decision: one at a time for each session, on the revision that the operator saw, and its outcome awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from starlette.responses import Response

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.operator.records.decisions import await_computed, deciding, not_computed
from edge.push.api.operation import Api, Call
from edge.push.api.parameters import Answer, B, Q
from edge.push.api.rows import accepted
from edge.push.http.read_pool import DatabaseAwayError
from edge.push.http.write_pool import rejection

PENDING: Final = {
    409: "The state of things does not allow it; `pending`: it is recorded, or what came before it is, and not done yet."
}
"""Error of operations that wait for the assembler."""

Found = TypeVar("Found")


class Decided(Answer):
    """The outcome of a decision."""

    done: bool
    """False while the assembler has not computed it; it is recorded all the same."""


async def decide(
    api: Api,
    call: Call[Q, B],
    find: Callable[[Connection], Awaitable[Found]],
    session_of: Callable[[Found], UUID],
    record: Callable[[Connection, Found], Awaitable[None]],
) -> bool:
    """Record a decision about the row that ``find`` returns; whether it is computed by now.

    ``record`` gets the row again, within the transaction that holds off other operators, and checks the condition.
    """
    borrow = api.writing.connection
    async with borrow() as connection:
        session_id = session_of(await find(connection))
    try:
        async with deciding(borrow, session_id, on_last_value=call.if_match is not None) as connection:
            await record(connection, await find(connection))
    except CommandError as fault:
        raise rejection(fault) from fault
    try:
        return await await_computed(borrow, session_id)
    except DatabaseAwayError:
        return False  # it is recorded all the same


def decided(*, done: bool) -> Response:
    """Return the answer to a decision."""
    return accepted({"done": done})


def require_computed(*, done: bool, subject: str) -> None:
    """Raise RequestRejected (409) for a decision that is recorded and not computed yet."""
    if not done:
        raise rejection(not_computed(subject, "it is still shown as it was"))
