"""The feed's reader: each event is read once, as soon as the doorbell rings, and handed to the hub."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import NoReturn

from tenacity import AsyncRetrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.postgres.feed import LOOK_AGAIN_S, HeldBack, current_cursor, held_back, read_page
from edge.common.postgres.listener import Listener
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.push.stream.frames import of_event
from edge.push.stream.hub import Hub

log = logging.getLogger(__name__)

# Few enough to be written to a thousand clients before the next ones are read: in a burst, too, they get time to read.
PAGE_EVENTS = 100
BACKOFF = wait_random_exponential(multiplier=0.05, max=2.0)
WATCH_EVERY_S = 0.5


class Following:
    """Reads the feed for ever, on a connection of its own so that no question of a page comes in between."""

    def __init__(self, database: Database, listener: Listener, hub: Hub, tick: Tick = no_tick) -> None:
        self.reading = False
        """Whether the table could be read the last time."""
        self.fault = "not connected yet"
        """Why it could not be."""
        self.held_back: HeldBack | None = None
        """Who keeps the feed from moving on, when it has stood still for 2 s."""
        self._database = database
        self._listener = listener
        self._hub = hub
        self._tick = tick
        self._connection: Connection | None = None
        self._ask_again_at = 0.0
        self._told = Transitions(log, "reading the feed")

    async def run(self) -> NoReturn:
        """For ever. Raises ConfigError when the database is not one for this build."""
        while True:
            await wait_until_ready(self._database, tick=self._tick)
            async for attempt in AsyncRetrying(wait=BACKOFF, retry=retry_if_exception_type(DATABASE_FAULTS)):
                self._tick()
                with attempt:
                    await self._one_connection()

    async def watch(self) -> NoReturn:
        """Tell the clients when the feed can be read and when not. A frozen database is found by the listener."""
        while True:
            if self._connection is not None and self.reading and not self._listener.connected:
                self._connection.terminate()  # else a question to a frozen server waits out its whole deadline
            self._tell_clients()
            await asyncio.sleep(WATCH_EVERY_S)

    def _tell_clients(self) -> None:
        self._hub.tell_state(connected=self.reading and self._listener.connected)

    async def _one_connection(self) -> None:
        """Read until the connection is lost. Returns when it had worked, else raises one of DATABASE_FAULTS."""
        connection = None
        try:
            self._connection = connection = await self._database.connect()
            connection.add_termination_listener(lambda _: self._listener.ring())  # else it is found at the next event
            await self._find_place(connection)
            while True:
                more_soon = await self._read(connection)
                await self._listener.wait(LOOK_AGAIN_S if more_soon else None)
        except DATABASE_FAULTS as fault:
            self.fault = describe_error(fault)
            self._told.enter("lost", f"{self.fault}; trying again")
            if not self.reading:
                raise
        finally:
            self.reading = False
            self._connection = None
            if connection is not None:
                connection.terminate()

    async def _find_place(self, connection: Connection) -> None:
        """Go on where the last connection ended, unless this is another life of the database."""
        present = await current_cursor(connection)
        live = self._hub.live
        if live is None or live.epoch != present.epoch or live.xid > present.xid:
            self._hub.begin(present)

    async def _read(self, connection: Connection) -> bool:
        """Hand on everything that may be told. True when there is more that may not be told yet."""
        while True:
            self._tick()
            after = self._hub.live
            if after is None:
                raise AssertionError("read before the place was found")
            page = await read_page(connection, after, PAGE_EVENTS)
            if page.gap:
                self._hub.begin(page.cursor)
            else:
                self._hub.publish(map(of_event, page.events), page.cursor)
            if not self.reading:
                self.reading = True
                self._told.enter("live")
            self._tell_clients()
            if len(page.events) < PAGE_EVENTS:
                await self._note_held_back(connection, stuck=page.more_soon and not page.events)
                return page.more_soon

    async def _note_held_back(self, connection: Connection, *, stuck: bool) -> None:
        """Find out who it is, at most once a second."""
        if not stuck:
            self.held_back = None
        elif time.monotonic() >= self._ask_again_at:
            self._ask_again_at = time.monotonic() + 1.0
            self.held_back = await held_back(connection)
