"""A technician at the target of a lane: presses the pin, or puts in arrows, at the points that a calibration asks for."""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import uuid4

from edge.common.config.settings import ServiceSettings
from edge.common.frames import ButtPoint, SensorMap, SensorPoint
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database

PRESS_EVERY_S = 0.15
"""Interval between two presses at one point: the target may not have been listened to yet."""
WITHIN_S = 30.0


def mounted(degrees: float = 0.0, scale: float = 1.0, x0: float = 0.0, y0: float = 0.0) -> SensorMap:
    """The true place of a sensor."""
    a, b = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return SensorMap(a, -b, b, a, x0, y0)


class Presser:
    """Presses at each planned point until its reading is taken."""

    def __init__(
        self,
        settings: ServiceSettings,
        true: SensorMap,
        *,
        kind: str = "pin",
        wrong: Mapping[str, tuple[float, float]] | None = None,
        noise_mm: float = 0.05,
        after: Mapping[int, Callable[[], object]] | None = None,
    ) -> None:
        """``wrong`` are points that are pressed beside their place; ``after`` runs once so many points are taken."""
        self._settings = settings
        self._true = true
        self._kind = kind
        self.wrong = dict(wrong or {})
        self._noise = random.Random(1)
        self._noise_mm = noise_mm
        self.after = dict(after or {})
        self._stream, self._seq = uuid4(), 0
        self.at_end: Callable[[], None] | None = None
        """Runs once when the calibration is stored."""
        self.left_out: tuple[str, ...] = ()
        """Points that the technician does not press."""
        self.stopped = threading.Event()

    async def run(self) -> None:
        """Press until the run ends or the test stops it."""
        async with open_database(self._settings, application="presser") as database:
            connection = await database.connect()
            try:
                await self._press(connection)
            finally:
                await connection.close()

    async def _press(self, connection: Connection) -> None:
        pressed_at: dict[str, float] = {}
        while not self.stopped.is_set():
            await asyncio.sleep(0.02)
            row = await connection.fetchrow("select plan, taken from calibration_runs where ended_at is null")
            if row is None:
                if pressed_at and self.at_end is not None:
                    self.at_end()
                    self.at_end = None
                continue
            taken = [one["name"] for one in json.loads(row["taken"])]
            for count in [count for count in self.after if count <= len(taken)]:
                self.after.pop(count)()
            pending = [one for one in json.loads(row["plan"])["points"] if one["name"] not in (*taken, *self.left_out)]
            if not pending:
                continue
            name, now = pending[0]["name"], time.monotonic()
            if now - pressed_at.get(name, -math.inf) < PRESS_EVERY_S:
                continue
            pressed_at[name] = now
            dx, dy = self.wrong.get(name, (0.0, 0.0))
            await self._add(connection, ButtPoint(pending[0]["x_mm"] + dx, pending[0]["y_mm"] + dy))

    async def _add(self, connection: Connection, place: ButtPoint) -> None:
        self._seq += 1
        sensed = self._true.to_sensor(place)
        noisy = SensorPoint(*(value + self._noise.gauss(0, self._noise_mm) for value in (sensed.x, sensed.y)))
        await connection.execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source, x_mm, y_mm)
            values ('target-1', $1, $2, $3, now(), $1, now(), 'simulator', $4, $5)
            """,
            self._stream, self._seq, self._kind, noisy.x, noisy.y,
        )  # fmt: skip


@contextmanager
def pressing(presser: Presser) -> Iterator[None]:
    """The technician works while the block runs."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(presser.run())
        except BaseException as fault:  # noqa: BLE001 - reported by the test's own thread
            failures.append(fault)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        presser.stopped.set()
        thread.join(WITHIN_S)
        assert not failures, failures


def points_csv(true: SensorMap, places: Sequence[tuple[str, float, float]], *, sensed: bool = True) -> str:
    """A file of known places."""
    lines = ["name,x_mm,y_mm,sensed_x_mm,sensed_y_mm" if sensed else "name,x_mm,y_mm"]
    for name, x, y in places:
        found = true.to_sensor(ButtPoint(x, y))
        lines.append(f"{name},{x},{y},{found.x},{found.y}" if sensed else f"{name},{x},{y}")
    return "\n".join(lines) + "\n"
