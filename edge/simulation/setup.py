"""Preparation of a database for a simulated range: devices, arrows, sessions, and the refusal of real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from drivers.contract import Capability, DeviceKind, Source
from drivers.registry import load_driver
from edge.common.config.errors import ConfigError, UsageError
from edge.common.postgres.connection import Connection
from edge.operator.butt.layout import FacePlace
from edge.operator.opening import NewSession, open_session
from edge.operator.sessions import close_abandoned
from edge.simulation.variants import refuse_unknown_variant
from simulators.devices.registry import load_line_simulator, load_simulator, range_driver, simulator_names
from simulators.world.range import Lane, World

LOCATION = "simulated range"
END_TIMEOUT_S = 60.0
SCANNER_LANE = 1
"""Lane of the range's arrow scanner."""


@dataclass(frozen=True, slots=True)
class RangeDevice:
    """One device of a simulated range."""

    name: str
    kind: DeviceKind
    driver: str
    lane: int
    dead_time_s: float
    keeps_events: bool
    """Whether nothing is lost that happens before its daemon runs: the device keeps it until the hub has it, or senses none of it."""
    variant: str = ""
    """Variant of the simulated device; empty for the usual one."""


def chosen_device(kind: DeviceKind, text: str | None) -> tuple[str, str]:
    """The driver and the variant of the range's devices of a kind: the usual ones, unless ``DRIVER[:VARIANT]`` is given.

    The driver is given with or without the kind before it. Raises UsageError when no simulated device of the kind has such a
    driver, or that device has no such variant.
    """
    if text is None:
        return range_driver(kind), ""
    name, _, variant = text.partition(":")
    known = [driver for driver in simulator_names() if load_simulator(driver).kind is kind]
    full = name if "." in name else f"{kind}.{name}"
    if full in known:
        refuse_unknown_variant(f"--{kind} {text}", full, variant)
        return full, variant
    near = get_close_matches(full, known, n=1, cutoff=0.75)
    guess = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"--{kind} {name}: no simulated {kind} has this driver", hint=f"{guess}Choose one of: {', '.join(known)}."
    )


def range_devices(
    lanes: int, bow: str | None = None, target: str | None = None, *, has_scanner: bool = False
) -> list[RangeDevice]:
    """A bow and a target on each lane, each by ``DRIVER[:VARIANT]``, and the arrow scanner of the first lane.

    Where the bow reads no tags, the archer of that lane scans each arrow. Raises UsageError for a device that is not simulated.
    """
    chosen = {
        DeviceKind.BOW: chosen_device(DeviceKind.BOW, bow),
        DeviceKind.TARGET: chosen_device(DeviceKind.TARGET, target),
    }
    infos = {driver: load_driver(driver).info for driver, _ in chosen.values()}
    devices = [
        RangeDevice(
            f"{kind}-{lane}",
            kind,
            driver,
            lane,
            infos[driver].dead_time_s,
            keeps_events=Capability.ACKNOWLEDGES in infos[driver].capabilities,
            variant=variant,
        )
        for lane in range(1, lanes + 1)
        for kind, (driver, variant) in chosen.items()
    ]
    bow_driver, _ = chosen[DeviceKind.BOW]
    return [*devices, _scanner(bow_driver)] if has_scanner else devices


def _scanner(bow_driver: str) -> RangeDevice:
    driver = range_driver(DeviceKind.ARROW)
    info = load_driver(driver).info
    is_scanning = not load_simulator(bow_driver).reads_tags
    return RangeDevice(
        f"{DeviceKind.ARROW}-{SCANNER_LANE}",
        DeviceKind.ARROW,
        driver,
        SCANNER_LANE,
        info.dead_time_s,
        keeps_events=not is_scanning or Capability.ACKNOWLEDGES in info.capabilities,
        variant=load_line_simulator(driver).scanning_variant if is_scanning else "",
    )


async def register_devices(connection: Connection, devices: Sequence[RangeDevice]) -> None:
    """Insert the devices before their daemons run.

    Otherwise a lane whose bow starts last has no bow until then, and its first landings become shots without a release.
    """
    await connection.executemany(
        """
        insert into devices (id, kind, driver, lane, dead_time_s) values ($1, $2, $3, $4, $5)
        on conflict (id) do update set kind = excluded.kind, driver = excluded.driver, lane = excluded.lane,
            dead_time_s = excluded.dead_time_s
        """,
        [(device.name, device.kind, device.driver, device.lane, device.dead_time_s) for device in devices],
    )


async def refuse_real_data(connection: Connection, *, force: bool) -> None:
    """Refuse to mix simulated and real shots, unless forced.

    Raises ConfigError when the database holds readings of hardware.
    """
    if force:
        return
    if await connection.fetchval("select exists (select from readings where source = $1)", Source.HARDWARE):
        raise ConfigError(
            "this database holds readings of real devices",
            hint="Simulate into another database with --database-dir DIR, or add --force.",
        )


async def register_arrows(connection: Connection, lane: Lane) -> None:
    """Insert the arrows of a lane. Raises ConfigError when another arrow has one of their names."""
    try:
        await connection.executemany(
            """
            insert into arrows (id, human_identifier, length, diameter, is_programmed) values ($1, $2, $3, $4, true)
            on conflict (id) do nothing
            """,
            [(arrow.id, arrow.human_identifier, arrow.length_cm, arrow.diameter_mm) for arrow in lane.arrows],
        )
    except asyncpg.UniqueViolationError as error:
        raise ConfigError(
            f"an arrow name of lane {lane.number}, like {lane.arrows[0].human_identifier}, is already taken by another arrow",
            hint="Simulate into another database with --database-dir DIR.",
        ) from error


async def open_sessions(connection: Connection, world: World, lanes: list[Lane], start: Instant) -> dict[UUID, int]:
    """Open one session per lane from ``start``, after closing those that a killed simulation left open.

    Raises ConfigError when a lane has another open session.
    """
    await close_abandoned(connection, LOCATION, start)
    opened: dict[UUID, int] = {}
    for lane in lanes:
        face = lane.face
        new = NewSession(
            lane=lane.number,
            start=start,
            location=LOCATION,
            is_indoor=lane.is_indoor,
            arrows_per_end=lane.arrows_per_end,
            end_timeout_s=END_TIMEOUT_S / world.speed,
            distance_m=lane.distance_m,
            butt_width_mm=lane.butt_width_mm,
            butt_height_mm=lane.butt_height_mm,
            faces=[
                FacePlace(
                    "A", face.code, face.version, face.x_mm, face.y_mm, face.radii_mm, face.points, face.x_radius_mm
                )
            ],
        )
        try:
            opened[await open_session(connection, new)] = lane.number
        except asyncpg.UniqueViolationError as error:
            raise ConfigError(
                f"lane {lane.number} has an open session",
                hint=f"Close it with `archstats-sensor session close --lane {lane.number}`.",
            ) from error
    return opened
