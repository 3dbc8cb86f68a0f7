"""Conversion of instants between microseconds since the Unix epoch and ISO 8601 text in UTC. Exact both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def from_iso(text: str) -> int:
    """Return the microseconds since the epoch of an ISO 8601 instant.

    Raises ValueError when the text is not an instant or has no time zone.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone. Append Z for UTC, or an offset.")
    return (at - _EPOCH) // _MICROSECOND


def to_iso(at_us: int) -> str:
    """Return ISO 8601 text in UTC, for example ``2026-01-01T00:00:00.000000Z``."""
    return to_datetime(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_datetime(at_us: int) -> datetime:
    """Return the instant as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=at_us)
