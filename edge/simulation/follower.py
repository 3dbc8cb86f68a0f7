"""Follower of a simulated range: reads the feed, prints each shot once it is decided, and detects when all are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn
from uuid import UUID

from drivers.clock.host import host_boot_id
from edge.common.console import say
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database
from edge.common.postgres.feed import RECHECK_S, FeedCursor, Page, read_page
from edge.common.postgres.listener import Listener
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.vocabulary import EventType, Flag, Result
from edge.operator.shot_format import json_line, text_line
from simulators.hosttime import HostTime
from simulators.world.range import Release, World
from simulators.world.range import Result as TrueResult

PAGE_SIZE = 500
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
REST_WITHIN_S = 2.0
"""Longest wait for the events of the last computation, because an operator waits for the range to stop."""
REMOVED_EVERY_S = 0.5
"""Interval between looks for let-downs that a bow reported as arrows taken off the string."""
SHOT_EVENTS = frozenset((EventType.SHOT_CREATED, EventType.SHOT_UPDATED, EventType.SHOT_VOIDED))

# In the format of the feed.
_SHOTS = """
select (to_jsonb(s) || jsonb_build_object('human_identifier', a.human_identifier, 'face', f.human_identifier))::text as shot
from shots s left join arrows a on a.id = s.arrow_id left join faces f on f.id = s.face_id
where s.session_id = any($1::uuid[])
order by coalesce(s.arrow_disengage_time, s.arrow_landing_time)
"""
_REMOVED = """
select s.lane, r.mono_ns from sessions s join session_devices d on d.session_id = s.id join readings r on r.device_id = d.device_id
where s.id = any($1::uuid[]) and r.kind = 'release' and r.cause = 'removed' and r.host_boot_id = $2
    and r.mono_ns >= s.start_mono_ns and not r.is_surplus
"""
_STARTED = "select min(start_time) from sessions where id = any($1::uuid[])"


class RangeEvent(StrEnum):
    """The type of one line that ``--simulate --json`` prints."""

    START = "start"
    """The range starts: seed, start, speed, lanes."""
    SHOT = "shot"
    """The first verdict on a shot."""
    REVISION = "revision"
    """A changed verdict on a shot."""
    END = "end"
    """The range ends: the interval in which every release is decided."""


@dataclass(frozen=True, slots=True)
class FollowedRange:
    """The simulated range, and its sessions in the database."""

    world: World
    host: HostTime
    """The world's time: the wall clock at the world's start, continued without steps."""
    lanes: int
    sessions: frozenset[UUID]
    opened: datetime
    """Start of the sessions by the wall clock at that time."""
    since: FeedCursor
    """Position in the feed before the first shot."""


class RangeFollower:
    """Reads the shot events of a range, each once, and reconnects when the database fails."""

    def __init__(self, database: Database, followed: FollowedRange, *, as_json: bool) -> None:
        self._database = database
        self._world = followed.world
        self._host = followed.host
        self._opened = followed.opened
        self._dated_later = timedelta()
        """Time by which the database dates the shots later than the world: the wall clock is behind, or was at the start."""
        self._now_us = followed.host.now_us
        self._lanes = range(1, followed.lanes + 1)
        self._sessions = followed.sessions
        self._cursor = followed.since
        self._line = json_line if as_json else text_line
        self._decided: dict[tuple[object, int], bool] = {}
        """Whether a shot is decided, by lane and millisecond of its release."""
        self._removed: set[tuple[int, int]] = set()
        """Lane and millisecond of each arrow that a bow reported as taken off the string: it makes no shot."""
        self._printed: dict[str, tuple[object, ...]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        listener = Listener(self._database, [self._database.channel])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.run())
            tasks.create_task(self._follow(listener))

    async def _follow(self, listener: Listener) -> NoReturn:
        async for attempt in reconnecting(
            self._database, _leave_to_listener, first_pause_s=FIRST_PAUSE_S, longest_pause_s=LONGEST_PAUSE_S
        ):
            with attempt:
                await self._one_connection(attempt, listener)
        raise AssertionError("a connection is read until it is lost")

    async def read_rest(self) -> None:
        """Read the events that are stored, after :meth:`run` was cancelled; for at most ``REST_WITHIN_S``."""
        with suppress(*DATABASE_FAULTS):
            async with asyncio.timeout(REST_WITHIN_S):
                connection = await self._database.connect()
                try:
                    page = await self._read_page(connection)
                    while page.events or page.more_soon:
                        if not page.events:
                            await asyncio.sleep(RECHECK_S)
                        page = await self._read_page(connection)
                finally:
                    connection.terminate()

    async def read_removed(self) -> None:
        """Read the arrows that bows reported as taken off the string: such a let-down makes no shot, and so no event.

        Their instants are by the monotonic clock, which the world runs by.
        """
        with suppress(*DATABASE_FAULTS):
            async with asyncio.timeout(REST_WITHIN_S):
                connection = await self._database.connect()
                try:
                    rows = await connection.fetch(_REMOVED, list(self._sessions), host_boot_id())
                finally:
                    connection.terminate()
            at = [(row["lane"], self._host.utc_us + (row["mono_ns"] - self._host.mono_ns) // 1000) for row in rows]
            self._removed = {(lane, at_us // 1000) for lane, at_us in at}

    async def _read_page(self, connection: Connection) -> Page:
        """Read the next events; the table when the feed has a gap, for example after a restore of the database."""
        page = await read_page(connection, self._cursor, PAGE_SIZE)
        shots = [event.data for event in page.events if event.type in SHOT_EVENTS]
        if page.gap:
            self._decided.clear()
            shots = [json.loads(row["shot"]) for row in await connection.fetch(_SHOTS, list(self._sessions))]
        if shots:
            # The clock may be set at any time. Then the sessions are dated anew first, and each shot has a later event.
            started = await connection.fetchval(_STARTED, list(self._sessions))
            if started is not None:  # a backup from before the range was not restored meanwhile
                self._dated_later = started - self._opened
        for shot in shots:
            self._on_shot(shot)
        self._cursor = page.cursor
        return page

    async def _one_connection(self, attempt: Attempt, listener: Listener) -> NoReturn:
        """Read until the connection is lost, which raises one of DATABASE_FAULTS."""
        connection = await attempt.connect()
        while True:
            page = await self._read_page(connection)
            attempt.succeed()
            if not page.events:
                await listener.wait(RECHECK_S if page.more_soon else None)

    async def all_decided(self, within_s: float) -> None:
        """Wait until every release of the bounded world is final there and decided in the database.

        Waits at most ``within_s`` after the last one is final; :meth:`undecided` then lists the missing ones.
        """
        await asyncio.sleep(max(0.0, self.settled_in_s()))
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while undecided := self.undecided():
                    if any(release.result is TrueResult.NOT_SHOT for release in undecided):
                        await self.read_removed()
                    self._changed.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(REMOVED_EVERY_S):
                            await self._changed.wait()

    def undecided(self) -> list[Release]:
        """The releases of the bounded world without a verdict in the database."""
        expected = self._releases(self._world.release_limit_us or self._now_us())
        return [release for release in expected if not self._is_decided(release)]

    def settled_in_s(self) -> float:
        """Seconds until :meth:`settled_us`; negative when it has passed."""
        return (self.settled_us() - self._now_us()) / 1_000_000

    def settled_us(self) -> int:
        """Instant at which the result of the last release is final in the world."""
        now = self._now_us()
        releases = self._releases(self._world.release_limit_us or now)
        return max((release.settled_us for release in releases), default=now)

    def decided_until(self, watermark_us: int) -> int:
        """Instant before which every release is final and decided; every device event up to ``watermark_us`` is stored.

        The verdict on an arrow that landed rests on that landing. A miss or a let-down is final only when the watermark of
        every device covers it: the landing of the next arrow is assigned to it as long as that arrow's own release is still
        in transit.
        """
        now = self._now_us()

        def is_final(release: Release) -> bool:
            known_us = now if release.landed_us is not None else min(now, watermark_us)
            return release.settled_us <= known_us and self._is_decided(release)

        return min((r.released_us for r in self._releases(now) if not is_final(r)), default=now)

    def _releases(self, until_us: int) -> list[Release]:
        return [r for lane in self._lanes for r in self._world.releases(lane, self._world.start_us, until_us)]

    def _is_decided(self, release: Release) -> bool:
        at_ms, near = release.released_us // 1000, range(-5, 6)
        if release.result is TrueResult.NOT_SHOT and any(
            (release.lane, at_ms + step) in self._removed for step in near
        ):
            return True
        return any(self._decided.get((release.lane, at_ms + step), False) for step in near)

    def _on_shot(self, shot: Mapping[str, Any]) -> None:
        if UUID(shot["session_id"]) not in self._sessions:
            return
        released = shot.get("arrow_disengage_time")
        if isinstance(released, str):
            instant = datetime.fromisoformat(released).astimezone(UTC) - self._dated_later
            # An operator's void is a verdict; a superseded shot has none.
            superseded = shot["result"] == Result.VOID and Flag.SUPERSEDED in (shot.get("flags") or ())
            is_decided = shot["result"] != Result.PENDING and not superseded
            self._decided[shot["lane"], int(instant.timestamp() * 1000)] = is_decided
        self._changed.set()
        if shot["result"] == Result.PENDING:
            return
        identity = str(shot["id"])
        verdict = (shot["result"], shot["points"], shot["arrow_id"])
        if identity not in self._printed:
            say(self._line(RangeEvent.SHOT, shot))
        elif self._printed[identity] != verdict:
            say(self._line(RangeEvent.REVISION, shot))
        self._printed[identity] = verdict


def _leave_to_listener(_fault: Exception) -> None:
    """Log nothing: the listener logs the same outage."""
