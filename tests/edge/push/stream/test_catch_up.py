"""The hand-over from the table to the live feed, with a hub that is behind the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import current_cursor, read_page
from edge.push.http.read_pool import ReadPool
from edge.push.stream.catch_up import catch_up
from edge.push.stream.client import Client
from edge.push.stream.frames import Form, Frame, of_event
from edge.push.stream.hub import Hub
from tests.edge.lane_rows import LaneRows
from tests.edge.push.fake_transport import FakeTransport
from tests.edge.push.serving import WITHIN_S
from tests.edge.shot_rows import add_shot


def sent(peer: FakeTransport) -> list[str]:
    """Return the ids of the shots that were written as server-sent events."""
    lines = b"".join(peer.writes).splitlines()
    envelopes = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]
    return [envelope["data"]["id"] for envelope in envelopes]


async def test_a_client_ahead_of_the_hub_gets_no_event_twice(
    database_settings: ServiceSettings, lane: LaneRows, connection: Connection
) -> None:
    hub, peer = Hub(), FakeTransport()
    before = await current_cursor(connection)
    shots = [str(await add_shot(lane))]
    hub.begin(await current_cursor(connection))  # the hub stays here
    shots += [str(await add_shot(lane)) for _ in range(2)]
    client = Client(peer, lane=None, form=Form.TEXT)

    async def send(frames: Sequence[Frame]) -> None:
        for frame in frames:
            peer.write(frame.text)

    async with open_database(database_settings, application="test") as database, asyncio.timeout(WITHIN_S):
        pool = ReadPool(database)
        try:
            await catch_up(hub, pool, client, before, send)
        finally:
            pool.close()
    assert sent(peer) == shots, "everything comes from the table while the hub does not move"
    shots.append(str(await add_shot(lane)))
    assert hub.live is not None
    page = await read_page(connection, hub.live, 100)
    hub.publish(map(of_event, page.events), page.cursor)
    assert sent(peer) == shots
