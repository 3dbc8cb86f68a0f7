"""The push process: serves at once, with the database or without it, and reports which."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final, NoReturn

from edge.common.config.settings import PushSettings
from edge.common.postgres.database import Database
from edge.common.postgres.listener import Listener
from edge.common.process.progress import Tick
from edge.common.process.supervision import Supervision
from edge.common.qr_code import show_qr_code
from edge.push.api.operation import Api
from edge.push.app import build_app
from edge.push.health import Health
from edge.push.http.access import Access, OperatorToken
from edge.push.http.admission import Admission
from edge.push.http.hosts import HostNames, own_names
from edge.push.http.protocol import HttpConnections
from edge.push.http.read_pool import ReadPool
from edge.push.http.refusals import Refusals
from edge.push.http.server import Server, describe_address, is_loopback, open_sockets, serve, urls
from edge.push.http.write_pool import MAX_LONG, WritePool
from edge.push.metrics.endpoint import Metrics, OwnValues
from edge.push.stream.feed_reader import FeedReader
from edge.push.stream.frames import HEARTBEAT_S
from edge.push.stream.hub import Hub
from edge.push.stream.websocket import SocketStreams

log = logging.getLogger(__name__)

DISTRIBUTION: Final = "archstats-edge"
BEAT_LOOP_S = 3 * HEARTBEAT_S
"""Deadline of the heartbeat's loop before the watchdog reports it."""


async def run_push(
    database: Database,
    push: PushSettings,
    stop: asyncio.Event,
    *,
    sockets: Sequence[socket.socket] = (),
    hub: Hub | None = None,
    supervision: Supervision | None = None,
    token: OperatorToken | None = None,
) -> None:
    """Serve the live page and the feed until ``stop``, then end every stream within a second.

    ``sockets`` are listening sockets inherited from systemd; without them the settings' address is opened.
    ``token`` is what changes from other machines need; without one they are refused. Raises ConfigError (in an exception group) when the database does not fit this build.
    """
    hub = hub or Hub()
    supervision = supervision or Supervision()
    listener = Listener(database, [database.channel], tick=supervision.loop("listener"))
    reader = FeedReader(database, listener, hub, supervision.loop("feed"))
    pool, writing, long = ReadPool(database), WritePool(database), WritePool(database, MAX_LONG)
    refusals = Refusals()
    admission = Admission(refusals, push.connections_per_address)
    names = HostNames(push.names, lambda: {push.server_host, *own_names()}, refusals)
    health = Health(hub, reader, listener, admission, refusals)
    build = version(DISTRIBUTION)
    metrics = Metrics(OwnValues(hub, reader, listener, admission, refusals, build), hub, pool)
    server = Server(
        build_app(
            hub, Api(pool, writing, long), health, metrics, admission, refusals, names, Access(token, refusals), build
        ),
        HttpConnections(admission, refusals),
        SocketStreams(hub, pool, admission, names, refusals),
        stop,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            addresses: list[str] = []
            background = [
                tasks.create_task(work)
                for work in (
                    listener.run(),
                    reader.run(),
                    reader.publish_state(),
                    _beat(hub, supervision.loop("heartbeat", BEAT_LOOP_S)),
                    supervision.run(lambda: _headline(addresses, hub)),
                )
            ]
            tasks.create_task(_end_streams(hub, stop, supervision))
            opened = sockets or await open_sockets(push.server_host, push.server_port, stop)
            if opened:
                addresses += map(describe_address, opened)
                log.info(
                    "serving %s, %s", " and ".join(addresses), _describe_reach(opened, has_token=token is not None)
                )
                if not is_loopback(opened):
                    show_qr_code(next((url for one in opened for url in urls(one)), ""), sys.stderr)
                await serve(server, opened)
            for task in background:
                task.cancel()
    finally:
        hub.close()
        pool.close()
        writing.close()
        long.close()
        admission.close()
        refusals.close()


async def _beat(hub: Hub, tick: Tick) -> NoReturn:
    while True:
        tick()
        await asyncio.sleep(HEARTBEAT_S)
        hub.beat()


async def _end_streams(hub: Hub, stop: asyncio.Event, supervision: Supervision) -> None:
    await stop.wait()
    supervision.stopping()
    hub.close()


def _headline(addresses: Sequence[str], hub: Hub) -> str:
    database = "database ok" if hub.connected else "waiting for the database"
    if not addresses:
        return f"waiting for the address to serve on, {database}"
    return f"serving {' and '.join(addresses)} to {hub.clients} streams, {database}"


def _describe_reach(opened: Sequence[socket.socket], *, has_token: bool) -> str:
    if is_loopback(opened):
        return "to this machine only; for phones set ARCH_STATS_SERVER_HOST=0.0.0.0"
    if has_token:
        return "to every machine that reaches this one; changes from others need the operator token"
    return "to every machine that reaches this one; changes from others are refused, because no operator token is set"
