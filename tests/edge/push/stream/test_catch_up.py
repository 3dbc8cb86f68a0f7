"""Where the table ends and the live feed begins, with a hub that is behind the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import current_cursor, read_page
from edge.push.http.read_pool import Store
from edge.push.stream.catch_up import catch_up
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame, of_event
from edge.push.stream.hub import Hub
from tests.edge.push.range_rows import Floor
from tests.edge.push.serving import WITHIN_S


class Taken(asyncio.WriteTransport):
    """A peer that takes everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """One frame."""
        self.told.append(json.loads(bytes(data))["data"]["id"])

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def is_closing(self) -> bool:
        """It stays."""
        return False


async def test_a_client_that_overtook_the_hub_is_told_nothing_twice(
    database_settings: ServiceSettings, floor: Floor, connection: Connection
) -> None:
    hub, peer = Hub(), Taken()
    before = await current_cursor(connection)
    shots = [str(await floor.shoot())]
    hub.begin(await current_cursor(connection))  # here the hub is held back
    shots += [str(await floor.shoot()) for _ in range(2)]
    client = Client(peer, lane=None, form=lambda frame: frame.envelope)

    async def send(frames: Sequence[Frame]) -> None:
        for frame in frames:
            peer.write(frame.envelope)

    async with open_database(database_settings, application="test") as database, asyncio.timeout(WITHIN_S):
        store = Store(database)
        try:
            await catch_up(hub, store, client, before, send)
        finally:
            store.close()
    assert peer.told == shots, "all of it from the table, while the hub has not moved"
    shots.append(str(await floor.shoot()))
    assert hub.live is not None
    page = await read_page(connection, hub.live, 100)
    hub.publish(map(of_event, page.events), page.cursor)
    assert peer.told == shots
