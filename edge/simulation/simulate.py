"""``archstats-sensor --simulate``: runs a whole simulated range, every module in its own process as on a hub."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from drivers.clock.host import clock_pair, host_boot_id
from drivers.clock.instant import Instant
from drivers.contract import DeviceKind
from edge.common.config.errors import ConfigError
from edge.common.config.settings import PushSettings, ServiceSettings
from edge.common.console import as_json, complain, local, local_iso, say
from edge.common.postgres.database import Database, open_database, wait_until_ready
from edge.common.postgres.feed import current_cursor
from edge.common.postgres.migrate import migrate
from edge.common.postgres.roles import Role
from edge.common.postgres.unreachable import connect_for_command, explained
from edge.common.process.addresses import page_urls
from edge.common.qr_code import show_qr_code
from edge.simulation.access import page_file, with_token
from edge.simulation.fault_options import WireFaults
from edge.simulation.follower import FollowedRange, RangeEvent, RangeFollower
from edge.simulation.processes import Children, Folders, control_link, log_folder, programs, range_lock
from edge.simulation.setup import (
    RangeDevice,
    open_sessions,
    range_devices,
    refuse_real_data,
    register_arrows,
    register_devices,
)
from edge.simulation.teardown import close_in_order, close_remaining, common_watermark_us
from simulators.hosttime import HostTime
from simulators.world.instants import to_datetime, to_iso
from simulators.world.range import Release, World

DECIDED_WITHIN_S = 60.0
"""Longest wait for the verdicts after the last result is final in the world."""

LEAST_LEAD = timedelta(seconds=6)
"""Shortest time for the daemons to start before the world does, where a device keeps no events."""
LEAD_FACTOR = 3
"""Ratio of that time to the range's own start so far, which is longer on a busy machine too."""
MOST_NAMED = 5
"""Most undecided shots that the final message names."""


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """Options of the command line."""

    seed: int
    speed: float
    shots: int | None
    duration_s: float | None
    lanes: int
    assemblers: int
    faults: WireFaults
    as_json: bool
    force: bool
    bow: str | None = None
    """Driver of the bows; None for the usual one."""
    target: str | None = None
    is_miscalibrated: bool = False
    has_scanner: bool = True
    """Whether the first lane has an arrow scanner."""

    @property
    def simulator_words(self) -> Sequence[str]:
        """Further options of the simulators' process."""
        return ("--miscalibrate",) if self.is_miscalibrated else ()


async def simulate(
    options: SimulateOptions,
    service: ServiceSettings,
    push: PushSettings,
    environ: Mapping[str, str],
    stop: asyncio.Event,
) -> int:
    """Run the range until its limit is reached or ``stop`` is set. Return the exit status.

    Raises ConfigError when the settings, the port or the database prevent it, CommandError when a range already runs.
    """
    began_s = time.monotonic()
    refuse_taken_port(push)
    shared_log = logging.getLogger("edge.common")
    level = shared_log.level
    shared_log.setLevel(logging.WARNING)  # the terminal shows shots
    scratch = Path(tempfile.mkdtemp(prefix="archstats-"))
    try:
        async with open_database(service, application="archstats-sensor --simulate") as database:
            folders = Folders(scratch, log_folder(service))
            with range_lock(folders.logs), control_link(folders):
                environ = with_token(environ, service)
                with page_file(folders.logs, push, environ):
                    return await _on_database(options, database, push, environ, folders, stop, began_s)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shared_log.setLevel(level)


async def _on_database(
    options: SimulateOptions,
    database: Database,
    push: PushSettings,
    environ: Mapping[str, str],
    folders: Folders,
    stop: asyncio.Event,
    began_s: float,
) -> int:
    devices = range_devices(options.lanes, options.bow, options.target, has_scanner=options.has_scanner)
    await _migrate(database)
    database = database.acting_as(Role.OPERATOR)
    connection = await connect_for_command(database)
    try:
        with explained(connection, database):
            await refuse_real_data(connection, force=options.force)
            clocks = clock_pair()
            opened = clocks.instant(host_boot_id())
            start = opened.at_utc(opened.at + lead(devices, time.monotonic() - began_s))
            world = bounded_world(options, start.at)
            lanes = [world.lane(number) for number in range(1, options.lanes + 1)]
            await register_devices(connection, devices)
            for lane in lanes:
                await register_arrows(connection, lane)
            since = await current_cursor(connection)
            sessions = await open_sessions(connection, world, lanes, opened)
    finally:
        await connection.close()
    await wait_until_ready(database, stop=stop)
    _announce(options, devices, world, push)

    children = Children()
    followed = FollowedRange(
        world=world,
        host=HostTime(world.start_us, start.mono_ns or clocks.mono_ns),
        lanes=options.lanes,
        sessions=frozenset(sessions),
        opened=opened.at,
        since=since,
    )
    follower = RangeFollower(database, followed, as_json=options.as_json)
    try:
        async with asyncio.TaskGroup() as tasks:
            keepers = [
                tasks.create_task(children.keep(program))
                for program in programs(
                    devices, world, options.faults, environ, folders, options.assemblers, options.simulator_words
                )
            ]
            following = tasks.create_task(follower.run())
            finished = await _until_done(world, follower, stop)
            if finished:
                until = world.release_limit_us
                settled_us = follower.settled_us()
                settled_mono_ns = followed.host.mono_ns + (settled_us - followed.host.utc_us) * 1000
                settled = Instant(to_datetime(settled_us), settled_mono_ns, start.host_boot_id)
                await close_in_order(database, sessions, settled, stop)
            else:
                await follower.read_removed()
                watermark_us = await common_watermark_us(database, sessions, followed.host)
                until = world.start_us if watermark_us is None else follower.decided_until(watermark_us)
            await children.stop()
            following.cancel()
            await asyncio.wait((following,))
            await follower.read_rest()  # the assemblers' last computation
            for task in keepers:
                task.cancel()
    except BaseExceptionGroup as group:
        await children.stop()
        configuration, _ = group.split(ConfigError)
        if configuration is not None:
            raise _first(configuration) from group
        raise
    await close_remaining(database)
    if options.as_json:
        say(as_json({"event": RangeEvent.END, "since": to_iso(world.start_us), "until": to_iso(until or 0)}))
    undecided = follower.undecided() if finished else []
    if undecided:
        complain(
            f"archstats-sensor: no verdict within {DECIDED_WITHIN_S:g} s on {_named(undecided)}. See the logs in {folders.logs}."
        )
    return 1 if undecided else 0


def lead(devices: Sequence[RangeDevice], started_in_s: float) -> timedelta:
    """Time between the start of the programs and that of the world: none where every device keeps its events for its daemon.

    ``started_in_s`` is the time that the range itself took until now.
    """
    if all(device.keeps_events for device in devices):
        return timedelta()
    return max(LEAST_LEAD, LEAD_FACTOR * timedelta(seconds=started_in_s))


def bounded_world(options: SimulateOptions, start: datetime) -> World:
    """Return the world from ``start``, in which no arrow is released after the requested number or duration."""
    start_us = round(start.timestamp() * 1_000_000)
    free = World(options.seed, start_us, options.speed)
    limits = []
    if options.shots is not None:
        limits.append(free.nth_release(options.shots + 1, options.lanes).released_us)
    if options.duration_s is not None:
        limits.append(start_us + round(options.duration_s * 1_000_000))
    return World(options.seed, start_us, options.speed, release_limit_us=min(limits)) if limits else free


def refuse_taken_port(push: PushSettings) -> None:
    """Raise ConfigError when the page's port is taken, so that the operator sees it here and not in a log."""
    try:
        found = socket.getaddrinfo(
            push.server_host.strip("[]"), push.server_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        raise ConfigError(
            f"port {push.server_port} on {push.server_host} cannot be used ({error.strerror})",
            hint="Set ARCH_STATS_SERVER_PORT to a free port, for example 8001, and ARCH_STATS_SERVER_HOST to an address of this machine.",
        ) from error


def new_seed() -> int:
    """Draw a seed; it is printed, so that the range can be repeated."""
    return secrets.randbelow(1_000_000)


async def _until_done(world: World, follower: RangeFollower, stop: asyncio.Event) -> bool:
    """Wait for the verdicts or the stop. Return True when every requested release is decided or timed out, False on stop."""
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
    connection = await connect_for_command(database)
    try:
        with explained(connection, database):
            await migrate(connection, database.channel)
    finally:
        await connection.close()


def _named(releases: Sequence[Release]) -> str:
    """Name the first releases as ``truth`` numbers them, and count the others."""
    names = [f"lane {r.lane} shot {r.shot} released {local(to_datetime(r.released_us))}" for r in releases[:MOST_NAMED]]
    more = len(releases) - len(names)
    return ", ".join([*names, *([f"and {more} more"] if more else [])])


def _announce(options: SimulateOptions, devices: Sequence[RangeDevice], world: World, push: PushSettings) -> None:
    drivers = sorted({device.driver for device in devices})
    pages = page_urls(push.server_host, push.server_port)
    scanner = next((device for device in devices if device.kind is DeviceKind.ARROW), None)
    if options.as_json:
        facts = {
            "event": RangeEvent.START,
            "seed": world.seed,
            "start": to_iso(world.start_us),
            "speed": world.speed,
            "lanes": options.lanes,
        }
        facts |= {"drivers": drivers, "miscalibrated": options.is_miscalibrated, "fault": options.faults.text or None}
        facts |= {"scanner": None if scanner is None else scanner.name}
        say(as_json({**facts, "page": pages[0], "pid": os.getpid()}))
        return
    start = local_iso(to_datetime(world.start_us))
    say(f"Simulated range: {options.lanes} lane(s), seed {world.seed}, start {start}, speed {world.speed:g}")
    if options.bow or options.target:
        say(f"Devices: {' and '.join(drivers)}")
    if scanner is not None:
        scans = "the archer scans each arrow" if scanner.variant else "a blank tag is on its pad"
        say(
            f"Arrow scanner: {scanner.name} on lane {scanner.lane}; {scans} (see `archstats-sensor place {scanner.name} --show`)"
        )
    if options.is_miscalibrated:
        say("Miscalibrated: each target is mounted askew, and places its arrows up to some centimetres off.")
    if options.faults.text:
        say(f"Faults on the lines: {options.faults.text}")
    say(f"Live page: {' and '.join(pages)}")
    show_qr_code(pages[0])
    say("Shots as they are decided (press Ctrl-C to stop):")


def _first(group: BaseExceptionGroup[ConfigError]) -> ConfigError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
