"""Lanes of a range as rows: devices, arrows, open sessions, and the readings and watermarks that sensor daemons store.

Everything goes through the statements of the sensor daemon. One process stands in for all daemons, over a few connections:
hundreds of daemons beside the measured program would take the processor from it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from benchmarks.hub import Hub
from drivers.clock.host import host_boot_id, host_now
from drivers.clock.instant import Instant
from drivers.contract import DeviceKind, Reading, ReadingKind, Source, Stamp
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceState
from edge.sensor.queue.spooled import SpoolSize
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore

ARROWS_PER_END = 6
SPREAD_MM = 30.0
"""Standard deviation of a landing, so small that no arrow misses the face of 200 mm."""
FLIGHT_S = 0.33
"""Flight over 18 m at 55 m/s."""
NOCKED_S = 0.5
"""Time from nocking to release: short, so that one lane can shoot once a second."""
PULLED_S = 0.1
"""Time from the last landing of an end to the reading that the butt is empty."""
PAST_CADENCE_S, PAST_END_S = 5.0, 60.0
"""Time between two arrows, and between the first arrows of two ends, of what was shot before."""
HEARTBEAT_S = 1.0
"""Interval between the heartbeats of a link node, with which the daemon writes its status."""
WATERMARK_LAG_S = 0.5
"""Age of a watermark as it is written: no reading on its way is older."""
CONNECTIONS = 4
"""Connections for the readings, and as many for the status rows."""


class LaneDevice:
    """One device, its daemon's statements and its stream."""

    def __init__(self, kind: DeviceKind, lane: int) -> None:
        self.device = Device(f"{kind.value}-{lane}", kind, f"{kind.value}.link", lane, HEARTBEAT_S)
        self.stream = uuid4()
        self.seq = 0
        self.status = Status(DeviceState.READY)

    def reading(self, kind: ReadingKind, at: Instant, **values: object) -> Reading:
        """Return the next reading of the stream, received at once."""
        self.seq += 1
        stamp = Stamp(at.at, at.mono_ns, host_boot_id(), 0.0005)
        return Reading(self.device.id, self.stream, self.seq, kind, stamp, at.at, Source.SIMULATOR, **values)  # type: ignore[arg-type]


class Lane:
    """One lane with a bow, a target, an archer's arrows and an open session."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.number = number
        self.bow, self.target = LaneDevice(DeviceKind.BOW, number), LaneDevice(DeviceKind.TARGET, number)
        self.arrows = [uuid4() for _ in range(ARROWS_PER_END)]
        self.shot = 0
        """Arrows shot so far."""
        self._chance = chance

    def past(self, count: int, now: Instant) -> Iterator[Reading]:
        """Return the readings of the arrows that were shot before ``now``, in complete ends where possible."""
        began = past_began(count, now)
        for number in range(count):
            end, arrow = divmod(number, ARROWS_PER_END)
            t = began + timedelta(seconds=end * PAST_END_S + arrow * PAST_CADENCE_S)
            yield self.engage(now.at_utc(t - timedelta(seconds=NOCKED_S)))
            yield self.release(now.at_utc(t))
            yield from self.land(now.at_utc(t + timedelta(seconds=FLIGHT_S)))

    def engage(self, at: Instant) -> Reading:
        """Nock the next arrow."""
        return self.bow.reading(ReadingKind.ENGAGE, at, tag=self._tag())

    def release(self, at: Instant) -> Reading:
        """Shoot it."""
        return self.bow.reading(ReadingKind.RELEASE, at, tag=self._tag())

    def land(self, at: Instant) -> list[Reading]:
        """Return its landing, and after the last arrow of an end the reading of the empty butt."""
        x, y = (640 + self._chance.gauss(0, SPREAD_MM) for _ in range(2))
        readings = [self.target.reading(ReadingKind.LANDING, at, tag=self._tag(), x_mm=x, y_mm=y)]
        self.shot += 1
        if self.shot % ARROWS_PER_END == 0:
            readings.append(self.target.reading(ReadingKind.TAGS, after(at, PULLED_S), tags=()))
        return readings

    def _tag(self) -> str:
        return self.arrows[self.shot % ARROWS_PER_END].hex


class Range:
    """The lanes of one database, shooting."""

    def __init__(self, lanes: Sequence[Lane], readings: Sequence[Connection], statuses: Sequence[Connection]) -> None:
        self.lanes = lanes
        self._readings = [(connection, asyncio.Lock()) for connection in readings]
        self._statuses = statuses
        self.landed: dict[tuple[str, int], float] = {}
        """Time of commit of each landing shot by :meth:`shoot`, by device and number."""

    async def set_up(self, arrows: int) -> None:
        """Insert devices, arrows, sessions and the readings of the arrows that were shot before."""
        now, connection = host_now(), self._statuses[0]
        began = now.at_utc(past_began(arrows, now) - timedelta(seconds=60))
        async with connection.transaction():
            for lane in self.lanes:
                await _open_session(connection, lane, began)
                past = list(lane.past(arrows, now))
                for device in (lane.bow, lane.target):
                    own = [reading for reading in past if reading.device_id == device.device.id]
                    await SensorStore(connection, device.device).write(own, None)
        await self.write_statuses()

    async def write_statuses(self) -> None:
        """Write the status row of each device once, its watermark included."""
        for lane in self.lanes:
            for device in (lane.bow, lane.target):
                await self._write_status(self._statuses[lane.number % CONNECTIONS], device)

    async def keep_statuses(self) -> None:
        """Write the status of each device with each heartbeat, spread evenly, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for index, connection in enumerate(self._statuses):
                devices = [d for lane in self.lanes[index::CONNECTIONS] for d in (lane.bow, lane.target)]
                if devices:
                    tasks.create_task(self._keep(connection, devices))

    async def shoot(self, shots: int, rate: float) -> None:
        """Shoot that many arrows at so many a second, on one lane after the other."""
        began = time.monotonic() + NOCKED_S
        async with asyncio.TaskGroup() as tasks:
            for number in range(shots):
                lane = self.lanes[number % len(self.lanes)]
                tasks.create_task(self._shoot(lane, began + number / rate))

    async def chatter(self, rate: float) -> None:
        """Store landings of a sensor on a further lane, without a bow, at so many a second until cancelled; none at 0."""
        if not rate:
            return
        lane = Lane(len(self.lanes) + 1, random.Random(rate))  # noqa: S311  # where it reports landings
        await _open_session(self._statuses[0], lane, host_now(), [lane.target])
        due = time.monotonic()
        while True:
            await self._store(lane.target, lane.land(host_now())[:1])
            due += 1 / rate
            await _sleep_until(due)

    async def _keep(self, connection: Connection, devices: Sequence[LaneDevice]) -> None:
        due = time.monotonic()
        while True:
            for device in devices:
                await self._write_status(connection, device)
                due = max(due + HEARTBEAT_S / len(devices), time.monotonic() - HEARTBEAT_S)
                await _sleep_until(due)

    async def _write_status(self, connection: Connection, device: LaneDevice) -> None:
        status = device.status
        status.readings_total = device.seq
        watermark = after(host_now(), -WATERMARK_LAG_S)
        await SensorStore(connection, device.device).write_status(
            status, watermark, 0, {"frames": device.seq}, SpoolSize()
        )

    async def _shoot(self, lane: Lane, at: float) -> None:
        await _sleep_until(at - NOCKED_S)
        await self._store(lane.bow, [lane.engage(host_now())])
        await _sleep_until(at)
        await self._store(lane.bow, [lane.release(host_now())])
        await _sleep_until(at + FLIGHT_S)
        landing, *pulled = lane.land(host_now())
        await self._store(lane.target, [landing])
        self.landed[landing.device_id, landing.seq] = time.perf_counter()
        if pulled:
            await asyncio.sleep(PULLED_S)
            await self._store(lane.target, pulled)

    async def _store(self, device: LaneDevice, readings: Sequence[Reading]) -> None:
        connection, lock = self._readings[(device.device.lane or 0) % CONNECTIONS]
        async with lock:
            await SensorStore(connection, device.device).write(readings, None)


@asynccontextmanager
async def open_range(running: Hub, database: str, lanes: int, seed: int = 1) -> AsyncIterator[Range]:
    """Open the connections of a range in a database; nothing is written yet."""
    chance = random.Random(seed)  # noqa: S311  # where arrows land
    async with AsyncExitStack() as stack:
        connections = [await running.connect(database) for _ in range(2 * CONNECTIONS)]
        for connection in connections:
            stack.push_async_callback(connection.close)
        made = [Lane(number, chance) for number in range(1, lanes + 1)]
        yield Range(made, connections[:CONNECTIONS], connections[CONNECTIONS:])


def past_began(count: int, now: Instant) -> datetime:
    """Return the first release of that many arrows, of which the last end is over before ``now``."""
    ends = -(-count // ARROWS_PER_END)
    return now.at - timedelta(seconds=ends * PAST_END_S)


def after(instant: Instant, seconds: float) -> Instant:
    """Return the instant so much later."""
    return instant.at_utc(instant.at + timedelta(seconds=seconds))


async def _sleep_until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.monotonic()))


async def _open_session(
    connection: Connection, lane: Lane, began: Instant, devices: Sequence[LaneDevice] | None = None
) -> UUID:
    """Register the lane's devices, by default both, and its arrows, and open its session at 18 m on a 40 cm face."""
    for device in (lane.bow, lane.target) if devices is None else devices:
        await SensorStore(connection, device.device).register()
    await connection.executemany(
        "insert into arrows (id, human_identifier, length, diameter) values ($1, $2, 70, 6)",
        [(arrow, f"{lane.number}-{number}") for number, arrow in enumerate(lane.arrows, 1)],
    )
    session_id: UUID = await connection.fetchval(
        """
        insert into sessions (lane, start_time, start_mono_ns, start_host_boot_id, location, is_indoor)
        values ($1, $2, $3, $4, 'Range', true) returning id
        """,
        lane.number,
        *began.columns,
    )
    await connection.execute(
        """
        with target as (
            insert into targets (session_id, max_x, max_y, distance) values ($1, 1280, 1280, 18) returning id
        )
        insert into faces (target_id, human_identifier, code, version, x, y, radii, points, x_radius)
        select id, 'A', 'wa_40', 1, 640, 640, $2, $3, 10 from target
        """,
        session_id,
        [20.0 * ring for ring in range(1, 11)],
        list(range(10, 0, -1)),
    )
    return session_id
