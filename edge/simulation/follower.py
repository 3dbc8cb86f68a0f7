"""Watch the feed of a simulated range: print each shot once it is decided, know when all of them are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from tenacity import AsyncRetrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from edge.common.console import say
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database
from edge.common.postgres.feed import LOOK_AGAIN_S, FeedCursor, read_page
from edge.common.postgres.listener import Listener
from edge.operator.shot_format import json_line, text_line
from simulators.hosttime import HostTime
from simulators.world.range import Release, World

PAGE = 500
BACKOFF = wait_random_exponential(multiplier=0.05, max=2.0)

# As the feed tells them.
_SHOTS = """
select (to_jsonb(s) || jsonb_build_object('human_identifier', a.human_identifier, 'face', f.human_identifier))::text as shot
from shots s left join arrows a on a.id = s.arrow_id left join faces f on f.id = s.face_id
where s.session_id = any($1::uuid[])
order by coalesce(s.arrow_disengage_time, s.arrow_landing_time)
"""


@dataclass(frozen=True, slots=True)
class Course:
    """What is shot, and where it will be told."""

    world: World
    host: HostTime
    """The world's time: the wall clock as it was at the world's start, which no step moves."""
    lanes: int
    sessions: frozenset[UUID]
    since: FeedCursor
    """A place in the feed before the first shot."""


class Follower:
    """Reads the ``shot.*`` events of a course, each once, also through a database that goes away and comes back."""

    def __init__(self, database: Database, course: Course, *, as_json: bool) -> None:
        self._database = database
        self._world = course.world
        self._now_us = course.host.now_us
        self._lanes = range(1, course.lanes + 1)
        self._sessions = {str(session) for session in course.sessions}
        self._cursor = course.since
        self._line = json_line if as_json else text_line
        self._results: dict[tuple[object, int], str] = {}
        self._printed: dict[str, tuple[object, ...]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever; cancelled to stop."""
        listener = Listener(self._database, [self._database.channel])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.run())
            tasks.create_task(self._follow(listener))

    async def _follow(self, listener: Listener) -> NoReturn:
        while True:
            async for attempt in AsyncRetrying(wait=BACKOFF, retry=retry_if_exception_type(DATABASE_FAULTS)):
                with attempt:
                    await self._one_connection(listener)

    async def _one_connection(self, listener: Listener) -> None:
        """Read until the connection is lost. Returns when it had worked, else raises one of DATABASE_FAULTS."""
        connection = await self._database.connect()
        worked = False
        try:
            while True:
                page = await read_page(connection, self._cursor, PAGE)
                worked = True
                if page.gap:
                    await self._take_all(connection)
                for event in page.events:
                    if event.type.startswith("shot."):
                        self._take(event.data)
                self._cursor = page.cursor
                if not page.events:
                    await listener.wait(LOOK_AGAIN_S if page.more_soon else None)
        except DATABASE_FAULTS:
            if not worked:
                raise
        finally:
            connection.terminate()

    async def all_decided(self, within_s: float) -> None:
        """Wait until every release of the bounded world is settled there and decided in the database.

        No longer than ``within_s`` after the last one is settled: :meth:`undecided` then tells what is missing.
        """
        await asyncio.sleep(max(0.0, self.settled_in_s()))
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.undecided():
                    self._changed.clear()
                    await self._changed.wait()

    def undecided(self) -> list[Release]:
        """The releases of the bounded world that the database has no verdict on."""
        expected = self._releases(self._world.release_limit_us or self._now_us())
        return [release for release in expected if not self._is_decided(release)]

    def settled_in_s(self) -> float:
        """Seconds until :meth:`settled_us`; negative when that is over."""
        return (self.settled_us() - self._now_us()) / 1_000_000

    def settled_us(self) -> int:
        """When the world itself will know the result of the last release for good."""
        now = self._now_us()
        releases = self._releases(self._world.release_limit_us or now)
        return max((release.settled_us for release in releases), default=now)

    def settled_until(self, told_us: int) -> int:
        """Everything released before this instant is settled and decided; up to ``told_us`` every device has told all.

        Where an arrow landed, its verdict is of that landing. That none did, as after a miss or a let-down, is sure only
        once everybody has told: a landing of the next arrow passes for its own while that one's release is still on a line
        that is behind.
        """
        now = self._now_us()

        def is_sure(release: Release) -> bool:
            known_us = now if release.landed_us is not None else min(now, told_us)
            return release.settled_us <= known_us and self._is_decided(release)

        return min((r.released_us for r in self._releases(now) if not is_sure(r)), default=now)

    def _releases(self, until_us: int) -> list[Release]:
        return [r for lane in self._lanes for r in self._world.releases(lane, self._world.start_us, until_us)]

    def _is_decided(self, release: Release) -> bool:
        near = (self._results.get((release.lane, release.released_us // 1000 + step)) for step in range(-5, 6))
        return any(result not in (None, "pending", "void") for result in near)

    async def _take_all(self, connection: Connection) -> None:
        """What the feed cannot tell any more, as after a restore of the database: the shots as they are now."""
        rows = await connection.fetch(_SHOTS, list(self._sessions))
        self._results.clear()
        for row in rows:
            self._take(json.loads(row["shot"]))

    def _take(self, shot: Mapping[str, Any]) -> None:
        if str(shot["session_id"]) not in self._sessions:
            return
        released = shot.get("arrow_disengage_time")
        if isinstance(released, str):
            instant = datetime.fromisoformat(released).astimezone(UTC)
            taken_back = shot["result"] == "void" and "superseded" not in (shot.get("flags") or ())
            verdict = "taken back" if taken_back else str(shot["result"])  # a person's void is a verdict, too
            self._results[shot["lane"], int(instant.timestamp() * 1000)] = verdict
        self._changed.set()
        if shot["result"] == "pending":
            return
        identity = str(shot["id"])
        told = (shot["result"], shot["points"], shot["arrow_id"])
        if identity not in self._printed:
            say(self._line("shot", shot))
        elif self._printed[identity] != told:
            say(self._line("revision", shot))
        self._printed[identity] = told
