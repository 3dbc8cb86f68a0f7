"""One guided calibration of a target: which points are taken, and where the next reading is expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from edge.common.config.errors import CommandError, UsageError
from edge.common.console import iso
from edge.common.frames import SensorMap, SensorPoint
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel
from edge.operator.calibration.plan import PlannedPoint, TargetPlan
from edge.operator.calibration.records import CalibratedDevice
from edge.operator.calibration.runs import open_run, save_run, start_run
from edge.statistics.alignment import LEAST_POINTS, PointPair

FIRST_WITHIN_MM = 500.0
"""Farthest that the first reading may lie from its expected place: an uncalibrated sensor may count from elsewhere."""
WITHIN_MM = (60.0, 150.0)
"""Bounds of that distance for the later ones, which are expected relative to the first."""
SHARE_OF_SPACING = 0.6
"""Share of the distance of the closest two points that it may be, so that a point is not taken for its neighbour."""


@dataclass(frozen=True, slots=True)
class SensedPoint:
    """A reading with a position."""

    device_id: str
    stream_id: UUID
    seq: int
    at: datetime
    position: SensorPoint


@dataclass(slots=True)
class TargetRun:
    """The state of a run, stored after each change."""

    id: UUID
    device: CalibratedDevice
    plan: TargetPlan
    sensor_map: SensorMap
    """The map by which the first reading is expected: the active calibration's, or the nominal one."""
    taken: dict[str, SensorPoint] = field(default_factory=dict)
    """The sensed place of each point taken."""
    readings: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """The reading of each point taken, as it is stored."""
    skipped: set[str] = field(default_factory=set)
    resumed: bool = False
    """Whether it goes on where an earlier command stopped."""

    @property
    def pending(self) -> Sequence[PlannedPoint]:
        """The points that are neither taken nor skipped, in their order."""
        return [p for p in self.plan.points if p.name not in self.taken and p.name not in self.skipped]

    @property
    def pairs(self) -> list[PointPair]:
        """The points taken, in the order of the plan."""
        return [
            PointPair(point.name, point.place, self.taken[point.name])
            for point in self.plan.points
            if point.name in self.taken
        ]

    def expected(self, point: PlannedPoint) -> SensorPoint:
        """The position that the sensor should report for a point: shifted as the points taken so far are."""
        sensed = self.sensor_map.to_sensor(point.place)
        others = [self.plan.point(name) for name in self.taken if name != point.name]
        if not others:
            return sensed
        usual = [self.sensor_map.to_sensor(other.place) for other in others]
        dx = sum(self.taken[o.name].x - u.x for o, u in zip(others, usual, strict=True)) / len(others)
        dy = sum(self.taken[o.name].y - u.y for o, u in zip(others, usual, strict=True)) / len(others)
        return SensorPoint(sensed.x + dx, sensed.y + dy)

    def distance_mm(self, point: PlannedPoint, sensed: SensorPoint) -> float:
        """The distance of a sensed position from the expected one."""
        expected = self.expected(point)
        return math.hypot(sensed.x - expected.x, sensed.y - expected.y)

    def within_mm(self, point: PlannedPoint) -> float:
        """The farthest distance from the expected place at which a reading counts as that of a point."""
        if not self.taken.keys() - {point.name}:
            return FIRST_WITHIN_MM
        least, most = WITHIN_MM
        return max(least, min(most, SHARE_OF_SPACING * self.plan.closest_mm))

    async def take(self, connection: Connection, point: PlannedPoint, sensed: SensedPoint) -> None:
        """Take a reading for a point."""
        self.put(point.name, sensed.position, {
            "stream_id": str(sensed.stream_id), "seq": sensed.seq, "at": iso(sensed.at),
        })  # fmt: skip
        await self._save(connection)

    async def take_given(self, connection: Connection) -> None:
        """Take the sensed values that the plan itself gives, once: a point that is taken again later awaits a reading."""
        if self.resumed:
            return
        for point in self.pending:
            if point.sensed is not None:
                self.put(point.name, point.sensed, {})
        await self._save(connection)

    async def skip(self, connection: Connection, name: str) -> None:
        """Leave a point out. Raises UsageError when there is none of this name."""
        self._forget(name)
        self.skipped.add(name)
        await self._save(connection)

    async def redo(self, connection: Connection, name: str) -> None:
        """Take a point again. Raises UsageError when there is none of this name."""
        self._forget(name)
        await self._save(connection)

    def last_taken(self) -> PlannedPoint | None:
        """The point taken last; None before the first."""
        return self.plan.point(next(reversed(self.taken))) if self.taken else None

    def put(self, name: str, position: SensorPoint, reading: Mapping[str, object]) -> None:
        """Set a point, without storing it."""
        self.skipped.discard(name)
        self.taken[name], self.readings[name] = position, reading

    def _forget(self, name: str) -> None:
        point = self.plan.point(name)
        self.taken.pop(point.name, None)
        self.readings.pop(point.name, None)
        self.skipped.discard(point.name)

    async def _save(self, connection: Connection) -> None:
        rows: list[dict[str, object]] = [
            {"name": name, "sensed_x_mm": position.x, "sensed_y_mm": position.y, "reading": dict(self.readings[name])}
            for name, position in self.taken.items()
        ]
        rows += [{"name": name, "skipped": True} for name in sorted(self.skipped)]
        await save_run(connection, self.id, rows)


async def begin_run(
    connection: Connection,
    device: CalibratedDevice,
    plan: TargetPlan | None,
    sensor_map: SensorMap,
    who: str,
    *,
    restart: bool = False,
) -> TargetRun | None:
    """Start a run, or go on with the one under way; None when there is neither a plan nor a run.

    Raises CommandError when the run under way has other points.
    """
    stored = None if restart else await open_run(connection, device.id, CalibrationKind.TARGET)
    if stored is None:
        if plan is None:
            return None
        added = await start_run(connection, device.id, CalibrationKind.TARGET, plan.to_json(), who)
        return TargetRun(added.id, device, plan, sensor_map)
    under_way = TargetPlan.of_json(stored.plan)
    if plan is not None and plan != under_way and not any(row.get("reading") for row in stored.taken):
        return await begin_run(
            connection, device, plan, sensor_map, who, restart=True
        )  # nothing would have to be taken again
    if plan is not None and plan != under_way:
        raise CommandError(
            f"a calibration of {device.id} with other points is under way ({len(stored.taken)} of "
            f"{len(under_way.points)} points)",
            hint="Go on with it by the same command without these options, or add --restart to give it up.",
        )
    run = TargetRun(stored.id, device, under_way, sensor_map, resumed=bool(stored.taken))
    for row in stored.taken:
        name = str(row["name"])
        if row.get("skipped"):
            run.skipped.add(name)
        else:
            reading = row.get("reading")
            run.put(
                name,
                SensorPoint(float(str(row["sensed_x_mm"])), float(str(row["sensed_y_mm"]))),
                reading if isinstance(reading, Mapping) else {},
            )
    return run


def require_points(run: TargetRun, *, redo: Sequence[str], skip: Sequence[str]) -> None:
    """Raise UsageError when the plan has no point of one of these names, or when every point would be left out."""
    for name in (*redo, *skip):
        run.plan.point(name)
    if run.plan.points and all(point.name in skip for point in run.plan.points):
        raise UsageError("every point would be left out", hint="Skip only the points that cannot be reached.")


def require_enough(run: TargetRun, model: CalibrationModel, skip: Sequence[str]) -> None:
    """Raise UsageError when the plan has too few points for an affine map: before they are taken in vain."""
    points = sum(point.name not in (*skip, *run.skipped) for point in run.plan.points)
    if model is CalibrationModel.AFFINE and points < LEAST_POINTS[model]:
        raise UsageError(
            f"an affine map needs {LEAST_POINTS[model]} points, and there are {points}",
            hint="Give --points FILE with places that are spread over the face, or leave out --affine.",
        )
