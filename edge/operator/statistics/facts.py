"""The statistics of a session for programs: one form for commands and HTTP API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from uuid import UUID

from edge.operator.statistics.reading import StatisticsState
from edge.statistics import SessionFacts, SessionStatistics, session_statistics


def statistics_facts(state: StatisticsState, found: SessionStatistics) -> dict[str, object]:
    """The statistics for programs: the same names and numbers from the command and from the HTTP API."""
    about = {"lane": state.lane, "session_id": str(state.session_id), "revision": f"{state.shots}-{state.revisions}"}
    return about | _members(found)


def empty_statistics(lane: int | None) -> dict[str, object]:
    """The statistics of a lane that had no session yet, in the same form."""
    nothing = session_statistics(SessionFacts(None, 0, (), ()))
    return {"lane": lane, "session_id": None, "revision": "0-0"} | _members(nothing)


def _members(value: object) -> dict[str, object]:
    """The fields of a dataclass as JSON takes them."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if is_dataclass(value):
        return _members(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, UUID) else value
