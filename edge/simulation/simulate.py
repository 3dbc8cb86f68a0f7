"""``archstats-sensor --simulate``: the whole range in one go, every module in its own process as on a hub."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.clock.host import clock_pair, host_boot_id
from drivers.clock.instant import Instant
from edge.common.config.errors import ConfigError
from edge.common.config.settings import PushSettings, ServiceSettings
from edge.common.console import as_json, complain, iso, say
from edge.common.postgres.database import Database, open_database, wait_until_ready
from edge.common.postgres.embedded.paths import default_base_dir
from edge.common.postgres.feed import current_cursor
from edge.common.postgres.migrate import migrate
from edge.common.postgres.roles import Role
from edge.common.postgres.unreachable import connected
from edge.simulation.fault_options import WireFaults
from edge.simulation.follower import Course, Follower
from edge.simulation.only_range import only_range
from edge.simulation.processes import Children, Program
from edge.simulation.setup import (
    open_sessions,
    range_devices,
    refuse_real_data,
    register_arrows,
    register_devices,
)
from edge.simulation.teardown import close_in_order, close_what_is_open, told_until
from simulators.hosttime import HostTime
from simulators.world.range import Release, World

DECIDED_WITHIN_S = 60.0
"""After the last arrow is settled in the world the database has this long to know it; then something is broken."""

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What the command line asked for."""

    seed: int
    speed: float
    shots: int | None
    duration_s: float | None
    lanes: int
    faults: WireFaults
    as_json: bool
    force: bool


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the range's files are."""

    ports: Path
    """The devices' pseudo terminals; gone with the range."""
    logs: Path
    """What each process says; kept until the next range."""


async def simulate(
    options: SimulateOptions,
    service: ServiceSettings,
    push: PushSettings,
    environ: Mapping[str, str],
    stop: asyncio.Event,
) -> int:
    """Run the range until it has shot what was asked for or ``stop`` is set. Returns the exit status.

    Raises ConfigError when the settings, the port or the database forbid it, Refused when a range runs already.
    """
    refuse_taken_port(push)
    logging.getLogger("edge.common").setLevel(logging.WARNING)  # the terminal is for shots
    scratch = Path(tempfile.mkdtemp(prefix="archstats-"))
    try:
        async with open_database(service, application="archstats-sensor --simulate") as database:
            folders = Folders(scratch, log_folder(service))
            with only_range(folders.logs):
                return await _on_database(options, database, push, environ, folders, stop)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def _on_database(
    options: SimulateOptions,
    database: Database,
    push: PushSettings,
    environ: Mapping[str, str],
    folders: Folders,
    stop: asyncio.Event,
) -> int:
    await _migrate(database)
    database = database.acting_as(Role.OPERATOR)
    connection = await database.connect()
    try:
        await refuse_real_data(connection, force=options.force)
        clocks = clock_pair()
        start = clocks.instant(host_boot_id())
        world = bounded_world(options, start.at)
        lanes = [world.lane(number) for number in range(1, options.lanes + 1)]
        await register_devices(connection, range_devices(options.lanes))
        for lane in lanes:
            await register_arrows(connection, lane)
        since = await current_cursor(connection)
        sessions = await open_sessions(connection, world, lanes, start)
    finally:
        await connection.close()
    await wait_until_ready(database, stop=stop)
    _announce(options, world, push)

    children = Children()
    course = Course(
        world=world,
        host=HostTime(world.start_us, clocks.mono_ns),
        lanes=options.lanes,
        sessions=frozenset(sessions),
        since=since,
    )
    follower = Follower(database, course, as_json=options.as_json)
    try:
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(children.keep(p)) for p in programs(options, world, environ, folders)]
            following = tasks.create_task(follower.run())
            finished = await _until_done(world, follower, stop)
            if finished:
                until = world.release_limit_us
                settled_us = follower.settled_us()
                settled_mono_ns = course.host.mono_ns + (settled_us - course.host.utc_us) * 1000
                settled = Instant(instant(settled_us), settled_mono_ns, start.host_boot_id)
                await close_in_order(database, sessions, settled, stop)
            else:
                told_us = await told_until(database, sessions, course.host)
                until = world.start_us if told_us is None else follower.settled_until(told_us)
            await children.stop()
            for task in (*keepers, following):
                task.cancel()
    except BaseExceptionGroup as group:
        await children.stop()
        configuration, _ = group.split(ConfigError)
        if configuration is not None:
            raise _first(configuration) from group
        raise
    await close_what_is_open(database)
    if options.as_json:
        say(as_json({"event": "end", "since": iso(instant(world.start_us)), "until": iso(instant(until or 0))}))
    undecided = follower.undecided() if finished else []
    if undecided:
        complain(f"archstats-sensor: not decided in time: {_named(undecided)}; see the logs in {folders.logs}")
    return 1 if undecided else 0


def programs(options: SimulateOptions, world: World, environ: Mapping[str, str], folders: Folders) -> list[Program]:
    """The processes of the range. Sensors stop before the simulated devices, so that nothing looks like a fault."""
    base = {key: value for key, value in environ.items() if not key.startswith("ARCH_STATS_")}
    base |= {key: value for key, value in environ.items() if key in SHARED_VARIABLES}
    base["ARCH_STATS_WORLD"] = world.to_json()
    here = Path(sys.executable).parent
    links, logs = folders.ports, folders.logs
    devices = range_devices(options.lanes)
    listed = ",".join(f"{device.name}:{device.driver}" for device in devices)
    simulators = [
        sys.executable,
        "-m",
        "simulators",
        "--world",
        world.to_json(),
        "--links",
        str(links),
        "--devices",
        listed,
        *options.faults.arguments(),
    ]
    result = [Program("simulators", simulators, base, logs / "simulators.log", stop_order=2)]
    for device in devices:
        own = {
            "ARCH_STATS_DRIVER": device.driver,
            "ARCH_STATS_PORT": str(links / device.name),
            "ARCH_STATS_LANE": str(device.lane),
            "ARCH_STATS_SPOOL_DIR": environ.get("ARCH_STATS_SPOOL_DIR") or str(links / "spool"),
        }
        argv = [str(here / "archstats-sensor"), "run", device.name]
        result.append(Program(device.name, argv, {**base, **own}, logs / f"{device.name}.log"))
    modules = ("archstats-shots", "archstats-push")
    return result + [Program(name, [str(here / name)], base, logs / f"{name}.log") for name in modules]


SHARED_VARIABLES = (
    "ARCH_STATS_DEV_MODE", "ARCH_STATS_WS_CHANNEL", "ARCH_STATS_DATABASE_DIR",
    "ARCH_STATS_SERVER_HOST", "ARCH_STATS_SERVER_PORT",
)  # fmt: skip


def bounded_world(options: SimulateOptions, start: datetime) -> World:
    """The world from ``start``, in which no arrow leaves the string after what was asked for."""
    start_us = round(start.timestamp() * 1_000_000)
    free = World(options.seed, start_us, options.speed)
    limits = []
    if options.shots is not None:
        limits.append(free.nth_release(options.shots + 1, options.lanes).released_us)
    if options.duration_s is not None:
        limits.append(start_us + round(options.duration_s * 1_000_000))
    return World(options.seed, start_us, options.speed, release_limit_us=min(limits)) if limits else free


def refuse_taken_port(push: PushSettings) -> None:
    """Say at once that the page cannot be served, not in a log file. Raises ConfigError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((push.server_host, push.server_port))
        except OSError as fault:
            raise ConfigError(
                f"port {push.server_port} on {push.server_host} cannot be used ({fault.strerror})",
                hint="Set ARCH_STATS_SERVER_PORT to a free one, for example 8001",
            ) from fault


def log_folder(service: ServiceSettings) -> Path:
    """Beside the embedded database: what the processes of the range say."""
    return (service.database.database_dir or default_base_dir()) / "logs"


def new_seed() -> int:
    """A seed for a range that nobody asked a seed for; printed, so that it can be repeated."""
    return secrets.randbelow(1_000_000)


def instant(us: int) -> datetime:
    """Microseconds since the epoch as aware UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


async def _until_done(world: World, follower: Follower, stop: asyncio.Event) -> bool:
    """True when everything that was asked for is decided (or ought to be), False when told to stop."""
    if world.release_limit_us is None:
        await stop.wait()
        return False
    stopping = asyncio.create_task(stop.wait())
    deciding = asyncio.create_task(follower.all_decided(DECIDED_WITHIN_S))
    try:
        await asyncio.wait({stopping, deciding}, return_when=asyncio.FIRST_COMPLETED)
        return not stop.is_set()
    finally:
        for task in (stopping, deciding):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _migrate(database: Database) -> None:
    connection = await connected(database)
    try:
        await migrate(connection, database.channel)
    finally:
        await connection.close()


def _named(releases: Sequence[Release]) -> str:
    """Which they are, as ``truth`` counts them; the first few, and how many more."""
    names = [f"lane {r.lane} shot {r.shot} released {iso(instant(r.released_us))}" for r in releases[:MOST_NAMED]]
    more = len(releases) - len(names)
    return ", ".join([*names, *([f"and {more} more"] if more else [])])


def _announce(options: SimulateOptions, world: World, push: PushSettings) -> None:
    page = f"http://{push.server_host}:{push.server_port}/"
    start = iso(instant(world.start_us))
    if options.as_json:
        facts = {"event": "start", "seed": world.seed, "start": start, "speed": world.speed, "lanes": options.lanes}
        say(as_json({**facts, "fault": options.faults.text or None, "page": page, "pid": os.getpid()}))
        return
    say(f"A simulated range: {options.lanes} lane(s), seed {world.seed}, start {start}, speed {world.speed:g}")
    if options.faults.text:
        say(f"Faults on the lines: {options.faults.text}")
    say(f"Live page: {page}")
    say("Shots, as they are decided (Ctrl-C ends it):")


def _first(group: BaseExceptionGroup[ConfigError]) -> ConfigError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
