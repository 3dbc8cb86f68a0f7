"""The push process: serves at once, whether the database is there or not, and says which."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import NoReturn

from edge.common.config.settings import PushSettings
from edge.common.postgres.database import Database
from edge.common.postgres.listener import Listener
from edge.common.process.progress import Tick
from edge.common.process.supervision import Supervision
from edge.push.app import build_app
from edge.push.health import Health
from edge.push.http.addresses import is_loopback, shown
from edge.push.http.read_pool import Store
from edge.push.http.server import Server, open_sockets, serve
from edge.push.stream.feed_reader import Following
from edge.push.stream.frames import HEARTBEAT_S
from edge.push.stream.hub import Hub

log = logging.getLogger(__name__)

BEAT_LOOP_S = 3 * HEARTBEAT_S


async def run_push(
    database: Database,
    push: PushSettings,
    stop: asyncio.Event,
    *,
    sockets: Sequence[socket.socket] = (),
    hub: Hub | None = None,
    supervision: Supervision | None = None,
) -> None:
    """Serve the live page and the feed until ``stop``, then end every stream within a second.

    ``sockets`` are listening sockets inherited from whoever started us; without them the settings' address is opened.
    Raises ConfigError (in an exception group) when the database is not one for this build.
    """
    hub = hub or Hub()
    supervision = supervision or Supervision()
    listener = Listener(database, [database.channel], tick=supervision.loop("listener"))
    following = Following(database, listener, hub, supervision.loop("feed"))
    store = Store(database)
    server = Server(build_app(hub, store, Health(hub, following, listener)), stop)
    try:
        async with asyncio.TaskGroup() as tasks:
            places: list[str] = []
            background = [
                tasks.create_task(work)
                for work in (
                    listener.run(),
                    following.run(),
                    following.watch(),
                    _beat(hub, supervision.loop("heartbeat", BEAT_LOOP_S)),
                    supervision.run(lambda: _headline(places, hub)),
                )
            ]
            tasks.create_task(_end_streams(hub, stop, supervision))
            opened = sockets or await open_sockets(push.server_host, push.server_port, stop)
            if opened:
                places += map(shown, opened)
                log.info("serving %s, %s", " and ".join(places), _for_whom(opened))
                await serve(server, opened)
            for task in background:
                task.cancel()
    finally:
        hub.close()
        store.close()


async def _beat(hub: Hub, tick: Tick) -> NoReturn:
    while True:
        tick()
        await asyncio.sleep(HEARTBEAT_S)
        hub.beat()


async def _end_streams(hub: Hub, stop: asyncio.Event, supervision: Supervision) -> None:
    await stop.wait()
    supervision.stopping()
    hub.close()


def _headline(places: Sequence[str], hub: Hub) -> str:
    database = "database ok" if hub.connected else "waiting for the database"
    if not places:
        return f"waiting for the address to serve on, {database}"
    return f"serving {' and '.join(places)} to {hub.clients} streams, {database}"


def _for_whom(opened: Sequence[socket.socket]) -> str:
    return (
        "to this machine only" if is_loopback(opened) else "to all who reach this machine; nothing can be changed here"
    )
