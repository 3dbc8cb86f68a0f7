"""The push process: serves at once, whether the database is there or not, and says which."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import NoReturn

from edge.common.database import Database
from edge.common.listener import Listener
from edge.common.settings import PushSettings
from edge.push.app import build_app
from edge.push.following import Following
from edge.push.frames import HEARTBEAT_S
from edge.push.health import Health
from edge.push.hub import Hub
from edge.push.server import Server, open_sockets, serve
from edge.push.store import Store


async def run_push(
    database: Database,
    push: PushSettings,
    stop: asyncio.Event,
    *,
    sockets: Sequence[socket.socket] = (),
    hub: Hub | None = None,
) -> None:
    """Serve the live page and the feed until ``stop``, then end every stream within a second.

    ``sockets`` are listening sockets inherited from whoever started us; without them the settings' address is opened.
    Raises ConfigError (in an exception group) when the database is not one for this build.
    """
    hub = hub or Hub()
    listener = Listener(database, [database.channel])
    following = Following(database, listener, hub)
    store = Store(database)
    server = Server(build_app(hub, store, Health(hub, following, listener)), stop)
    try:
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(work) for work in (listener.run(), following.run(), following.watch(), _beat(hub))
            ]
            tasks.create_task(_end_streams(hub, stop))
            opened = sockets or await open_sockets(push.server_host, push.server_port, stop)
            if opened:
                await serve(server, opened)
            for task in background:
                task.cancel()
    finally:
        hub.close()
        store.close()


async def _beat(hub: Hub) -> NoReturn:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        hub.beat()


async def _end_streams(hub: Hub, stop: asyncio.Event) -> None:
    await stop.wait()
    hub.close()
