"""Past sessions, newest first: each archer's totals, average and spread, and the best total of the same format.

A format is a distance, the code of the archer's face, the number of counting arrows and the rules with their version. An
archer's personal best is the highest total of a closed session of that format, at a centre of all hubs; of equal ones the
first. Archers are the same by name, letter for letter; on a butt without slots they are not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import NO_SHOT, NOT_COUNTED
from edge.operator.export.reading import no_session, one_instant, sheet_source
from edge.operator.export.sheet import Place, SheetSource, archer_sheets
from edge.statistics import Spread, group, located
from edge.statistics.model import DECIDED

LIMIT = 20
"""Sessions of a page by default."""
MOST = 50
"""Most sessions of a page: each costs two statements and the spread of its archers."""


@dataclass(frozen=True, slots=True)
class Format:
    """Sessions of one format have comparable totals."""

    distance_m: float | None
    face: str
    """Code of the archer's face."""
    arrows: int
    rules: str


@dataclass(frozen=True, slots=True)
class Best:
    """The best total of an archer in a format."""

    points: int
    session_id: UUID
    """The first session with it."""
    start_time: datetime
    sessions: int
    """Closed sessions of the format, this one included."""


@dataclass(frozen=True, slots=True)
class PastArcher:
    """One archer in a past session."""

    slot: str | None
    archer: str | None
    arrows: int
    undecided: int
    points: int
    average: float | None
    """Points per scored arrow."""
    xs: int
    spread: Spread | None
    """Sigma with its 95 % interval; None with too few arrows on the butt."""
    best: Best | None
    """Personal best in the format of this session; None without a name."""
    is_best: bool
    """Whether this session has it, and is not the only one of its format."""


@dataclass(frozen=True, slots=True)
class PastSession:
    """One past session."""

    id: UUID
    lane: int
    start_time: datetime
    end_time: datetime | None
    location: str
    is_indoor: bool
    distance_m: float | None
    faces: Sequence[str]
    rule_set: str
    arrows: int
    points: int
    archers: Sequence[PastArcher]


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """The sessions that are asked for."""

    lane: int | None = None
    archer: str | None = None
    """Only sessions in which an archer of this name shot; upper and lower case are equal."""
    limit: int = LIMIT
    after: UUID | None = None
    """The last session of the page before."""


@dataclass(frozen=True, slots=True)
class History:
    """One page of past sessions."""

    sessions: Sequence[PastSession]
    following: UUID | None
    """The value of ``after`` for the next page; None for the last one."""


# On a hub the order of opening decides, which no wall clock changes. Numbers of two hubs of a centre do not compare.
_KEY = "case when (select is_centre from installation) then extract(epoch from s.start_time) else s.number end"
_PAGE = f"""
select s.id from sessions s
where not s.is_opened and ($1::integer is null or s.lane = $1)
    and ($2::text is null or exists (
        select from slots p join archers a on (a.id, a.hub_id) = (p.archer_id, p.hub_id)
        where p.session_id = s.id and a.name = $2))
    and ($3::uuid is null or ({_KEY}, s.id) < (select {_KEY}, s.id from sessions s where s.id = $3))
order by {_KEY} desc, s.id desc limit $4
"""  # noqa: S608 - fixed text
# Totals of whole sessions by the rules of edge.statistics.totals; a test compares both.
_BESTS = """
with mine as materialized (
    select a.name, p.id as slot_id, p.hub_id, s.id as session_id, s.start_time, s.sighter_ends, t.distance::float8 as distance_m,
        coalesce((select min(f.code) from faces f where f.target_id = t.id and f.name = p.face), '') as face,
        s.rule_set || '@' || s.rule_set_version as rules
    from archers a join slots p on (p.archer_id, p.hub_id) = (a.id, a.hub_id)
    join sessions s on s.id = p.session_id left join targets t on t.session_id = s.id
    where a.name = any($1) and not s.is_opened
), totals as materialized (
    -- session by session, so that the index finds the shots whatever the planner expects
    select h.* from (select distinct session_id, hub_id, sighter_ends from mine) m cross join lateral (
        select slot_id, hub_id, count(*) as arrows, coalesce(sum(points) filter (where result = any($3)), 0) as points
        from shots where (session_id, hub_id) = (m.session_id, m.hub_id)
            and result <> all($2) and not flags && $4 and (end_number > m.sighter_ends) is not false
        group by slot_id, hub_id
    ) h
)
select distinct on (name, distance_m, face, rules, arrows) name, distance_m, face, rules, arrows, points, session_id, start_time,
    count(*) over (partition by name, distance_m, face, rules, arrows) as sessions
from mine join totals using (slot_id, hub_id) order by name, distance_m, face, rules, arrows, points desc, start_time, session_id
"""


async def read_history(connection: Connection, wanted: HistoryFilter) -> History:
    """Read one page of past sessions. Raises CommandError when ``after`` names no session."""
    async with one_instant(connection):
        if wanted.after is not None and not await connection.fetchval(
            "select exists (select from sessions where id = $1)", wanted.after
        ):
            raise no_session(wanted.after)
        limit = min(wanted.limit, MOST)
        ids = [row["id"] for row in await connection.fetch(_PAGE, wanted.lane, wanted.archer, wanted.after, limit + 1)]
        sources = [await sheet_source(connection, one, is_whole=False) for one in ids[:limit]]
        names = sorted({place.archer for source in sources for place in source.places if place.archer is not None})
        bests = await _bests(connection, names)
    return History([past_session(source, bests) for source in sources], ids[limit - 1] if len(ids) > limit else None)


def past_session(source: SheetSource, bests: Mapping[tuple[str, Format], Best]) -> PastSession:
    """One session with the totals of its archers. Pure."""
    head = source.head
    archers = []
    for sheet in archer_sheets(source):
        best = bests.get((sheet.place.archer or "", format_of(source, sheet.place, sheet.totals.arrows)))
        archers.append(
            PastArcher(
                slot=sheet.place.letter,
                archer=sheet.place.archer,
                arrows=sheet.totals.arrows,
                undecided=sheet.totals.undecided,
                points=sheet.totals.points,
                average=sheet.totals.average,
                xs=sheet.totals.xs,
                spread=_spread(source, sheet.place.letter),
                best=best,
                is_best=best is not None and best.session_id == head.session_id and best.sessions > 1,
            )
        )
    return PastSession(
        id=head.session_id,
        lane=head.lane,
        start_time=head.start_time,
        end_time=head.end_time,
        location=head.location,
        is_indoor=head.is_indoor,
        distance_m=head.distance_m,
        faces=head.faces,
        rule_set=head.rule_set,
        arrows=sum(one.arrows for one in archers),
        points=sum(one.points for one in archers),
        archers=archers,
    )


def format_of(source: SheetSource, place: Place, arrows: int) -> Format:
    """The format in which an archer shot a session. Pure."""
    head = source.head
    return Format(head.distance_m, place.face or "", arrows, f"{head.rule_set}@{head.rule_set_version}")


def _spread(source: SheetSource, letter: str | None) -> Spread | None:
    facts = source.of_place(letter)
    counting = [shot for shot in facts.shots if shot.is_shot and not facts.is_sighter(shot)]
    found = group([place for shot in counting if (place := located(shot, facts)) is not None])
    return None if found is None else found.spread


async def _bests(connection: Connection, names: Sequence[str]) -> dict[tuple[str, Format], Best]:
    rows = await connection.fetch(_BESTS, names, sorted(NO_SHOT), sorted(DECIDED), sorted(NOT_COUNTED)) if names else []
    return {
        (row["name"], _format(row)): Best(row["points"], row["session_id"], row["start_time"], row["sessions"])
        for row in rows
    }


def _format(row: asyncpg.Record) -> Format:
    return Format(row["distance_m"], row["face"], row["arrows"], row["rules"])
