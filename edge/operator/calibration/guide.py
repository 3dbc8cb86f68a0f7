"""The dialogue of a guided calibration: asks for one point after the other and takes its reading.

Yields what a command shows; the command owns the words and the keyboard.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ReadingKind
from edge.operator.calibration.plan import PlannedPoint
from edge.operator.calibration.sensed import NoPosition, SensedReadings, trouble_of
from edge.operator.calibration.target_run import SensedPoint, TargetRun

STATE_EVERY_S: Final = 2.0
"""Interval between checks of the device's state."""


class Key(StrEnum):
    """An operator's answer while a reading is awaited."""

    KEEP = "k"
    """Take the last reading, although it is far from the expected place."""
    SKIP = "s"
    """Leave this point out."""
    REDO = "r"
    """Take the point before this one again."""
    QUIT = "q"
    """Stop; the points taken are kept."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A point is asked for."""

    point: PlannedPoint
    number: int
    """Place of the point among all of the run, from 1."""
    total: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading was taken for a point."""

    point: PlannedPoint
    sensed: SensedPoint
    distance_mm: float
    """Distance from the expected place."""


@dataclass(frozen=True, slots=True)
class TooFar:
    """A reading was not taken: it lies too far from the expected place."""

    point: PlannedPoint
    sensed: SensedPoint
    distance_mm: float
    within_mm: float


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A reading had no position."""

    point: PlannedPoint
    reason: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A point was left out."""

    point: PlannedPoint


@dataclass(frozen=True, slots=True)
class DeviceTrouble:
    """The device stopped reporting; None when it reports again."""

    error: CommandError | None


Step = Asked | Taken | TooFar | Unplaced | LeftOut | DeviceTrouble


class Stopped(Exception):
    """The operator stopped; the points taken are kept."""


@dataclass(slots=True)
class Guide:
    """Takes the pending points of a run."""

    connection: Connection
    run: TargetRun
    readings: SensedReadings
    keys: asyncio.Queue[Key]
    wait_s: float
    """Longest wait for one point."""
    within_mm: float | None = None
    """Farthest that a reading may lie from the expected place; None for the usual distances."""

    async def steps(self) -> AsyncIterator[Step]:
        """Take every pending point.

        Raises CommandError when no reading comes in time, Stopped when the operator stops.
        """
        while pending := self.run.pending:
            point, total = pending[0], len(self.run.plan.points)
            yield Asked(point, self.run.plan.points.index(point) + 1, total)
            async for step in self._take(point):
                yield step

    async def _take(self, point: PlannedPoint) -> AsyncIterator[Step]:
        """Wait for one point until it is taken or left out, or until another one is to be taken first."""
        until, checked_at = time.monotonic() + self.wait_s, time.monotonic()
        far: SensedPoint | None = None
        trouble: CommandError | None = None
        while (left := until - time.monotonic()) > 0:
            key = None if self.keys.empty() else self.keys.get_nowait()
            if key is Key.QUIT:
                raise Stopped
            if key is Key.SKIP:
                await self.run.skip(self.connection, point.name)
                yield LeftOut(point)
                return
            if key is Key.REDO and (last := self.run.last_taken()) is not None:
                await self.run.redo(self.connection, last.name)
                return
            if key is Key.KEEP and far is not None:
                yield await self._keep(point, far)
                return
            reading = await self.readings.next(min(left, 1.0))
            if isinstance(reading, NoPosition):
                yield Unplaced(point, reading.reason)
            elif reading is not None:
                distance, within = self.run.distance_mm(point, reading.position), self._within(point)
                if distance <= within:
                    yield await self._keep(point, reading)
                    return
                far = reading
                yield TooFar(point, reading, distance, within)
            elif time.monotonic() - checked_at >= STATE_EVERY_S:
                checked_at, former = time.monotonic(), trouble
                trouble = await trouble_of(self.connection, self.run.device.id)
                if (trouble is None) != (former is None):
                    yield DeviceTrouble(trouble)
        raise self._too_late(point, trouble, far)

    async def _keep(self, point: PlannedPoint, reading: SensedPoint) -> Taken:
        distance = self.run.distance_mm(point, reading.position)
        await self.run.take(self.connection, point, reading)
        return Taken(point, reading, distance)

    def _within(self, point: PlannedPoint) -> float:
        return self.run.within_mm(point) if self.within_mm is None else self.within_mm

    def _too_late(self, point: PlannedPoint, trouble: CommandError | None, far: SensedPoint | None) -> CommandError:
        device = self.run.device.id
        what = "pin" if self.run.plan.kind is ReadingKind.PIN else "landing"
        message = (
            f"{device} reported no {what} for point '{point.name}' within {self.wait_s:g} s; "
            f"{len(self.run.taken)} of {len(self.run.plan.points)} points are kept"
        )
        if trouble is not None:
            return CommandError(
                f"{message}: {trouble.message}",
                hint=f"{trouble.hint} Then run the same command again: it goes on with this point.",
            )
        if far is not None:
            return CommandError(
                f"{message}. Its last reading was {self.run.distance_mm(point, far.position):.0f} mm from the expected place",
                hint="Take the points in their order, or give --within to accept readings from farther away. "
                "Then run the same command again: it goes on with this point.",
            )
        remedy = (
            "Press the pin until the target reports it; for a target without a pin add --arrows."
            if self.run.plan.kind is ReadingKind.PIN
            else "Check that the target detects the arrow."
        )
        return CommandError(message, hint=f"{remedy} Then run the same command again: it goes on with this point.")
