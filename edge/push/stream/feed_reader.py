"""The reader of the feed: reads each event once, as soon as the doorbell rings, and passes it to the hub."""

from __future__ import annotations

import asyncio
import logging
import time
from enum import StrEnum
from typing import NoReturn

from edge.common.postgres.connection import Connection, use_index_plans
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.postgres.epoch import heal_foreign_xids
from edge.common.postgres.feed import RECHECK_S, HeldBack, current_cursor, held_back, read_page
from edge.common.postgres.listener import Listener
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.push.http.public_errors import public_cause
from edge.push.stream.frames import of_event
from edge.push.stream.hub import Hub

log = logging.getLogger(__name__)

PAGE_EVENTS = 100
"""Events per query: few enough to leave a thousand clients time to read during a burst."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
"""Limits of the pause before a new connection."""
PUBLISH_STATE_S = 0.5
"""Interval between checks of the connection's state."""


class ReadingState(StrEnum):
    """The state of reading the feed, as logged."""

    LIVE = "live"
    LOST = "lost"


class FeedReader:
    """Reads the feed on its own connection, so that no request of a page delays it."""

    def __init__(self, database: Database, listener: Listener, hub: Hub, tick: Tick = no_tick) -> None:
        self.reading = False
        """Whether the last read of the table succeeded."""
        self.fault = "not connected yet"
        """Cause of the last failed read, in the words of the log."""
        self.public_fault = "it is not connected yet"
        """The same in words for every client."""
        self.held_back: HeldBack | None = None
        """The transaction that holds the feed back, once it has done so for 2 s."""
        self._database = database
        self._listener = listener
        self._hub = hub
        self._tick = tick
        self._connection: Connection | None = None
        self._next_check_at = 0.0
        self._state_log = Transitions(log, "reading the feed")

    async def run(self) -> NoReturn:
        """Read until cancelled. Raises ConfigError when the database does not fit this build."""
        async for attempt in reconnecting(
            self._database,
            self._on_fault,
            first_pause_s=FIRST_PAUSE_S,
            longest_pause_s=LONGEST_PAUSE_S,
            tick=self._tick,
        ):
            with attempt:
                await wait_until_ready(self._database, tick=self._tick, longest_pause_s=LONGEST_PAUSE_S)
                await self._one_connection(attempt)
        raise AssertionError("a connection is read until it is lost")

    async def publish_state(self) -> NoReturn:
        """Report to the clients whether the feed is readable. The listener detects a frozen database.

        The loss of the listening connection ends the reader's own once: a query to a frozen server would wait for its whole
        deadline. A connection that is made after the loss is another server's, or has its own deadlines.
        """
        was_listening = False
        while True:
            is_listening = self._listener.connected
            if self._connection is not None and self.reading and was_listening and not is_listening:
                self._connection.terminate()
            was_listening = is_listening
            self._update_clients()
            await asyncio.sleep(PUBLISH_STATE_S)

    def _update_clients(self) -> None:
        self._hub.set_connected(connected=self.reading and self._listener.connected)

    def _on_fault(self, fault: Exception) -> None:
        self.fault, self.public_fault = describe_error(fault), public_cause(fault)
        self._state_log.enter(ReadingState.LOST, f"{self.fault}; trying again")

    async def _one_connection(self, attempt: Attempt) -> NoReturn:
        """Read until the connection is lost, which raises one of DATABASE_FAULTS."""
        try:
            self._connection = connection = await attempt.connect()
            connection.add_termination_listener(lambda _: self._listener.ring())  # wakes the loop below
            await use_index_plans(connection)
            await self._set_position(connection)
            while True:
                more_soon = await self._read(connection)
                attempt.succeed()
                await self._listener.wait(RECHECK_S if more_soon else None)
        finally:
            self.reading = False
            self._connection = None

    async def _set_position(self, connection: Connection) -> None:
        """Continue at the position of the last connection, unless the database has another epoch."""
        present = await current_cursor(connection)
        live = self._hub.live
        if live is None or live.epoch != present.epoch or live.xid > present.xid:
            self._hub.begin(present)

    async def _read(self, connection: Connection) -> bool:
        """Publish every readable event. Returns whether further events are still held back."""
        while True:
            self._tick()
            after = self._hub.live
            if after is None:
                raise AssertionError("the position is set before the first read")
            page = await read_page(connection, after, PAGE_EVENTS)
            if page.gap:
                if await heal_foreign_xids(connection, self._tick):
                    continue
                self._hub.begin(page.cursor)
            else:
                self._hub.publish(map(of_event, page.events), page.cursor)
            if not self.reading:
                self.reading = True
                self._state_log.enter(ReadingState.LIVE)
            self._update_clients()
            if len(page.events) < PAGE_EVENTS:
                await self._note_held_back(connection, stuck=page.more_soon and not page.events)
                return page.more_soon

    async def _note_held_back(self, connection: Connection, *, stuck: bool) -> None:
        """Look up the transaction that holds the feed back, at most once a second."""
        if not stuck:
            self.held_back = None
        elif time.monotonic() >= self._next_check_at:
            self._next_check_at = time.monotonic() + 1.0
            self.held_back = await held_back(connection)
            if (
                self.held_back is not None and self.held_back.pid is None
            ):  # rows from another server wait for no process
                await heal_foreign_xids(connection, self._tick)
