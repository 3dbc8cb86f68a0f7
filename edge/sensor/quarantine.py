"""Store a batch although some of it can never be stored: found by halving, and set aside with the reason."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from drivers.contract import ClockModel, Reading, StreamStart
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import Value, to_fields
from edge.sensor.sqlstate import Verdict, verdict_on

Write = Callable[[list[Storable]], Awaitable[None]]
SetAside = Callable[[Storable, str, str], Awaitable[None]]


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    stored: list[Storable] = field(default_factory=list)
    quarantined: list[Storable] = field(default_factory=list)
    why: str | None = None
    """The first that was quarantined, and the database's reason, for people."""


async def store_or_set_aside(batch: Sequence[Storable], write: Write, set_aside: SetAside) -> Outcome:
    """Write all that can be stored, oldest first, and set aside what cannot.

    ``write`` stores all it is given or nothing. ``set_aside`` takes the report, the reason and its SQLSTATE. Whatever is
    no row's own fault is raised; what was stored before it stays so, and is harmless to write again.
    """
    outcome = Outcome()
    waiting = [list(batch)]
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        try:
            await write(part)
        except asyncpg.PostgresError as fault:
            sqlstate = fault.sqlstate or ""
            if verdict_on(sqlstate) is not Verdict.ROW:
                raise
            if len(part) == 1:
                await set_aside(part[0], str(fault), sqlstate)
                outcome.quarantined.append(part[0])
                outcome.why = (
                    outcome.why or f"{name_of(part[0])} can never be stored and is quarantined: {fault} ({sqlstate})"
                )
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
        else:
            outcome.stored += part
    return outcome


def name_of(report: Storable) -> str:
    """The report in a few words, for people."""
    match report:
        case Reading():
            return f"{report.kind.value} {report.seq} of stream {report.stream_id}"
        case StreamStart():
            return f"the beginning of stream {report.stream_id}"
        case ClockModel():
            return f"the clock of stream {report.stream_id}"


def quarantined_form(report: Storable) -> tuple[str, str, str, str]:
    """What of a report goes into the quarantine: what it is, its stream, its number (0 without one), all of it as JSON."""
    fields = to_fields(report)
    seq = report.seq if isinstance(report, Reading) else 0
    return str(fields["what"]), str(report.stream_id), str(seq), json.dumps(_storable(fields))


def plain(text: str) -> str:
    """Text that any database takes: without NUL and half characters."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _storable(value: Value | dict[str, Value]) -> Value | dict[str, Value]:
    """The same as JSON proper: no NUL, no half characters, no infinity."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]  # type: ignore[misc]
    if isinstance(value, dict):
        return {name: _storable(one) for name, one in value.items()}  # type: ignore[misc]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
