"""Find the one row that an operator means: by its id, the first characters of its id, or ``last``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from edge.common.config.errors import CommandError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode

LAST = "last"
"""Reference to the newest row, in place of an id."""
FEWEST_CHARACTERS = 4
"""Length of the shortest beginning of an id that is accepted."""

_Row = TypeVar("_Row")

_NEWEST_FIRST = "s.number desc"
"""Order of sessions, which no wall clock decides."""
_LAST_OF_EACH_LANE = f"""
select * from (
    select distinct on (s.lane) s.id, s.lane, t.distance, s.start_time, s.end_time, s.is_opened,
        row_number() over (order by {_NEWEST_FIRST}) as place
    from sessions s left join targets t on t.session_id = s.id
    where $1::integer is null or s.lane = $1
    order by s.lane, s.is_opened desc, {_NEWEST_FIRST}
) last order by place
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that a reference names."""

    id: UUID
    lane: int
    distance: Decimal | None
    """Metres; None for a session without a target."""
    start_time: datetime
    end_time: datetime | None
    is_opened: bool

    def __str__(self) -> str:
        """The session for people: the beginning of its id, lane, distance and start."""
        distance = "no target" if self.distance is None else f"{float(self.distance):g} m"
        return f"session {str(self.id)[:8]}: lane {self.lane}, {distance}, opened {local(self.start_time)}"


async def last_session(connection: Connection, lane: int | None = None) -> FoundSession | None:
    """The session that ``last`` means, on one lane or on all; None when there is no session.

    It is the open one, else the newest. Raises AmbiguousLast when sessions are open on several lanes, or when the newest ones
    of several lanes were shot at the same time.
    """
    rows = await connection.fetch(_LAST_OF_EACH_LANE, lane)
    found = [FoundSession(**{name: value for name, value in row.items() if name != "place"}) for row in rows]
    candidates = [one for one in found if one.is_opened] or found
    if not candidates:
        return None
    newest = candidates[0]
    meanwhile = [
        one for one in candidates[1:] if one.is_opened or (one.end_time or newest.start_time) > newest.start_time
    ]
    if meanwhile:
        raise AmbiguousLast([newest, *meanwhile])
    return newest


class AmbiguousLast(CommandError):
    """``last`` may mean the sessions of several lanes."""

    def __init__(self, sessions: Sequence[FoundSession]) -> None:
        is_open = "are open" if sessions[0].is_opened else "were shot at the same time"
        self.sessions = tuple(sorted(sessions, key=lambda one: one.lane))
        lanes = ", ".join(str(one.lane) for one in self.sessions)
        super().__init__(
            f"'{LAST}' is not clear: sessions {is_open} on the lanes {lanes}", hint=self._choices("--lane {0.lane}")
        )

    def by_id(self, command: str) -> CommandError:
        """The same error for a command that takes the id of a session, ``shots list --session``."""
        return CommandError(self.message, hint=self._choices(f"`archstats-sensor {command} {{0.id}}`"))

    def _choices(self, form: str) -> str:
        options = [form.format(one) for one in self.sessions]
        width = max(map(len, options))
        lines = [f"  {option:<{width}}  {one}" for option, one in zip(options, self.sessions, strict=True)]
        return "\n".join(["Type the command with one of these:", *lines])


def id_pattern(reference: str, listing: str) -> str:
    """A LIKE pattern for the ids that begin with ``reference``; ``listing`` is the command that shows them.

    Raises CommandError for a text that is not part of an id.
    """
    if not re.fullmatch(rf"[0-9a-f-]{{{FEWEST_CHARACTERS},36}}", reference.lower()):
        raise CommandError(
            f"'{reference}' is not an id",
            hint=f"Give '{LAST}', or at least {FEWEST_CHARACTERS} characters of an id from `archstats-sensor {listing}`.",
        )
    return reference.lower() + "%"


def exactly_one(found: Sequence[_Row], noun: str, reference: str, listing: str) -> _Row:
    """The only row found. Raises CommandError when there is none, or more than one."""
    if not found:
        raise CommandError(
            f"there is no {noun} '{reference}'", hint=f"See `archstats-sensor {listing}`.", code=ErrorCode.NOT_FOUND
        )
    if len(found) > 1:
        raise CommandError(f"more than one {noun} begins with '{reference}'", hint="Give more characters of its id.")
    return found[0]


def nothing_found(message: str, listing: str) -> CommandError:
    """The error for a ``last`` that refers to no row."""
    return CommandError(message, hint=f"See `archstats-sensor {listing}`.")
