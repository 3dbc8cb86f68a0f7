"""Store a batch although some of its rows can never be stored: find them by halving, and quarantine them."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from drivers.contract import ClockModel, Reading, StreamStart
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import JsonValue, kind_of, to_fields
from edge.sensor.sqlstate import ErrorClass, classify

WriteBatch = Callable[[list[Storable]], Awaitable[None]]
"""Stores all reports in one transaction, or none."""
QuarantineReport = Callable[[Storable, str, str], Awaitable[None]]
"""Takes the report, the database's reason and its SQLSTATE."""


@dataclass(slots=True)
class BatchResult:
    """The result of storing a batch."""

    stored: list[Storable] = field(default_factory=list)
    quarantined: list[Storable] = field(default_factory=list)
    first_refusal: str | None = None
    """The first quarantined report and the database's reason, for the log."""


async def store_or_quarantine(
    batch: Sequence[Storable], write: WriteBatch, quarantine: QuarantineReport
) -> BatchResult:
    """Write all reports that the database accepts, oldest first, and quarantine the others.

    Raises every database error that is no single row's fault. Parts stored before it stay stored; writing them again is
    harmless.
    """
    result = BatchResult()
    waiting = [list(batch)]
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        try:
            await write(part)
        except asyncpg.PostgresError as fault:
            sqlstate = fault.sqlstate or ""
            if classify(sqlstate) is not ErrorClass.ROW:
                raise
            if len(part) == 1:
                await quarantine(part[0], str(fault), sqlstate)
                result.quarantined.append(part[0])
                if result.first_refusal is None:
                    result.first_refusal = (
                        f"{describe_report(part[0])} can never be stored and is quarantined: {fault} ({sqlstate})"
                    )
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
        else:
            result.stored += part
    return result


def describe_report(report: Storable) -> str:
    """The report in a few words, for the log."""
    match report:
        case Reading():
            return f"{report.kind.value} {report.seq} of stream {report.stream_id}"
        case StreamStart():
            return f"the start of stream {report.stream_id}"
        case ClockModel():
            return f"the clock of stream {report.stream_id}"


def quarantine_row(report: Storable) -> tuple[str, str, str, str]:
    """Kind, stream, number (0 without one) and JSON of a report, as the quarantine stores them."""
    fields = {name: _storable(value) for name, value in to_fields(report).items()}
    seq = report.seq if isinstance(report, Reading) else 0
    return kind_of(report).value, str(report.stream_id), str(seq), json.dumps(fields)


def plain(text: str) -> str:
    """The text as every database accepts it: NUL and lone surrogates replaced."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _storable(value: JsonValue) -> JsonValue:
    """The value as standard JSON without NUL, lone surrogates, infinity or NaN."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {name: _storable(one) for name, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
