"""Watch the feed of a simulated range: print each shot once it is decided, know when all of them are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from edge.cli.printing import say
from edge.cli.shot_lines import json_line, text_line
from edge.common import hostclock
from edge.common.database import Database
from edge.common.feed import FeedCursor, FeedEvent, current_cursor, read_page
from edge.common.listener import Listener
from simulators.world import Release, World

PAGE = 500
LOOK_AGAIN_S = 0.02


class Follower:
    """Reads ``shot.*`` events of the given sessions from the moment it is built."""

    def __init__(
        self, database: Database, world: World, lanes: int, sessions: Mapping[UUID, int], *, as_json: bool
    ) -> None:
        self._database = database
        self._world = world
        self._lanes = range(1, lanes + 1)
        self._sessions = {str(session) for session in sessions}
        self._line = json_line if as_json else text_line
        self._results: dict[tuple[object, int], str] = {}
        self._printed: dict[str, tuple[object, ...]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever; cancelled to stop."""
        listener = Listener(self._database, [self._database.channel])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.run())
            cursor: FeedCursor | None = None
            while True:
                connection = await self._database.connect()
                try:
                    while True:
                        cursor = cursor or await current_cursor(connection)
                        page = await read_page(connection, cursor, PAGE)
                        cursor = page.cursor
                        for event in page.events:
                            self._take(event)
                        if not page.events:
                            await listener.wait(LOOK_AGAIN_S if page.more_soon else None)
                finally:
                    connection.terminate()

    async def all_decided(self) -> None:
        """Wait until every release of the bounded world is settled there and decided in the database."""
        while True:
            wait_s = (self.settled_us() - _now_us()) / 1_000_000
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif not self.undecided():
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def undecided(self) -> int:
        """How many releases of the bounded world the database has no verdict on."""
        expected = self._releases(self._world.release_limit_us or _now_us())
        return len(expected) - sum(self._is_decided(release) for release in expected)

    def settled_us(self) -> int:
        """When the world itself will know the result of the last release for good."""
        return max((r.settled_us for r in self._releases(self._world.release_limit_us or _now_us())), default=_now_us())

    def settled_until(self) -> int:
        """Everything released before this instant is settled and decided."""
        now = _now_us()
        releases = self._releases(now)
        return min((r.released_us for r in releases if r.settled_us > now or not self._is_decided(r)), default=now)

    def _releases(self, until_us: int) -> list[Release]:
        return [r for lane in self._lanes for r in self._world.releases(lane, self._world.start_us, until_us)]

    def _is_decided(self, release: Release) -> bool:
        near = (self._results.get((release.lane, release.released_us // 1000 + step)) for step in range(-5, 6))
        return any(result not in (None, "pending", "void") for result in near)

    def _take(self, event: FeedEvent) -> None:
        shot = event.data
        if not event.type.startswith("shot.") or str(shot["session_id"]) not in self._sessions:
            return
        released = shot.get("arrow_disengage_time")
        if isinstance(released, str):
            instant = datetime.fromisoformat(released).astimezone(UTC)
            self._results[shot["lane"], int(instant.timestamp() * 1000)] = str(shot["result"])
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


def _now_us() -> int:
    return round(hostclock.now().at.timestamp() * 1_000_000)
