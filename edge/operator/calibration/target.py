"""Calibrate a target: prepare a guided run, judge its points, and store the calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.common.config.errors import CommandError, UsageError
from edge.common.frames import ButtPoint, SensorMap, nominal_map
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel, ReadingKind, SensorOrigin
from edge.operator.butt.layout import FaceRequest, faces_on_butt
from edge.operator.calibration.plan import PlannedPoint, TargetPlan, face_of, points_of_face
from edge.operator.calibration.records import (
    CalibratedDevice,
    Calibration,
    NewCalibration,
    active_calibration,
    append_calibration,
    find_calibrated_device,
)
from edge.operator.calibration.runs import claim_device, end_run
from edge.operator.calibration.target_run import TargetRun, begin_run
from edge.shots.faces import FaceSpec
from edge.statistics.alignment import Alignment, AlignmentRefused, PointPair, align


@dataclass(frozen=True, slots=True)
class TargetRequest:
    """The options of ``calibrate target``."""

    device_id: str
    who: str
    face: str | None = None
    at: ButtPoint | None = None
    """Centre of the face on the butt."""
    ring: int | None = None
    points: tuple[PlannedPoint, ...] | None = None
    """Known places of a file, in place of those of a face."""
    with_arrows: bool = False
    restart: bool = False

    @property
    def names_points(self) -> bool:
        """Whether it says which points to take."""
        return self.points is not None or self.face is not None or self.at is not None or self.ring is not None


@dataclass(frozen=True, slots=True)
class TargetResult:
    """The judged points of a run."""

    alignment: Alignment
    pairs: Sequence[PointPair]
    limit_mm: float
    """Largest accepted sigma."""
    face_code: str | None
    centre_error_mm: float
    """Standard error at the centre of the face; without a face in the middle of the points."""

    @property
    def is_accepted(self) -> bool:
        """Whether sigma is within the limit of the face."""
        return self.alignment.sigma_mm <= self.limit_mm

    @property
    def outlier(self) -> PointPair | None:
        """The point that stands out."""
        found = self.alignment.outlier
        return None if found is None else self.pairs[found.index]


@dataclass(frozen=True, slots=True)
class _Butt:
    """The butt of the lane's last session, millimetres."""

    width: float
    height: float
    faces: Mapping[str, Sequence[ButtPoint]]
    """Centres of the spots, by the code of their face."""

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        return self.width, self.height


async def prepare_run(connection: Connection, request: TargetRequest) -> TargetRun:
    """Start a run of these points, or go on with the one under way.

    Raises CommandError and UsageError where that cannot be, with nothing changed.
    """
    device = await find_calibrated_device(connection, request.device_id, CalibrationKind.TARGET)
    await claim_device(connection, device.id)
    butt = await _last_butt(connection, device.lane)
    sensor_map = await _present_map(connection, device, butt)
    plan = None
    if request.names_points or request.with_arrows:
        plan = _plan(request, butt)
    run = await begin_run(connection, device, plan, sensor_map, request.who, restart=request.restart)
    if run is None:
        run = await begin_run(connection, device, _plan(request, butt), sensor_map, request.who)
    if run is None:
        raise RuntimeError("a run with a plan was not started")
    return run


async def refuse_open_session(connection: Connection, run: TargetRun) -> None:
    """Raise CommandError where the arrows of the calibration would become shots of an open session."""
    if run.plan.kind is not ReadingKind.LANDING or run.device.lane is None or not run.pending:
        return
    if await connection.fetchval("select exists (select from sessions where lane = $1 and is_opened)", run.device.lane):
        raise CommandError(
            f"lane {run.device.lane} has an open session, which would count the arrows of the calibration as shots",
            hint=f"Close it first: `archstats-sensor session close --lane {run.device.lane}`.",
        )


def judge(run: TargetRun, model: CalibrationModel = CalibrationModel.SIMILARITY) -> TargetResult:
    """Fit the points of a run. Raises AlignmentRefused when they give no calibration."""
    pairs = run.pairs
    alignment = align(pairs, model)
    centre = alignment.middle if run.plan.at is None else run.plan.at
    return TargetResult(
        alignment, pairs, run.plan.largest_sigma_mm, run.plan.face_code, alignment.standard_error_at(centre)
    )


async def store(
    connection: Connection, run: TargetRun, result: TargetResult, who: str, note: str | None
) -> Calibration:
    """Store the calibration as the next version of its device, and end the run."""
    async with connection.transaction():
        origin = await _sensor_origin(connection, run.device)
        stored = await append_calibration(connection, _calibration(run, result, origin, who, note))
        await end_run(connection, run.id)
    return stored


def _calibration(
    run: TargetRun, result: TargetResult, origin: SensorOrigin, who: str, note: str | None
) -> NewCalibration:
    found = result.alignment
    m = found.sensor_map
    width_mm, height_mm = run.plan.butt_mm or (None, None)
    return NewCalibration(
            device_id=run.device.id,
            kind=CalibrationKind.TARGET,
            parameters={
                "xx": m.xx, "xy": m.xy, "yx": m.yx, "yy": m.yy, "x0_mm": m.x0, "y0_mm": m.y0,
                "rotation_deg": found.rotation_deg, "scale": found.scale, "limit_mm": result.limit_mm,
                "butt_width_mm": width_mm, "butt_height_mm": height_mm, "sensor_origin": origin.value,
            },
            points=[_point_row(run, pair, index, found) for index, pair in enumerate(result.pairs)],
            who=who,
            model=found.model,
            sigma_mm=found.sigma_mm,
            centre_error_mm=result.centre_error_mm,
            face_code=result.face_code,
            is_accepted=result.is_accepted,
            note=note,
    )  # fmt: skip


def refused(run: TargetRun, fault: AlignmentRefused) -> CommandError:
    """The error for points that give no calibration; the run can go on."""
    named = None if fault.outlier is None else run.pairs[fault.outlier.index].name
    return CommandError(
        f"{run.device.id} is not calibrated: {fault.message}", hint=" ".join((fault.hint, redo_hint(run, named)))
    )


def redo_hint(run: TargetRun, name: str | None = None) -> str:
    """The command that takes a point again; for a point of a file also the other remedy."""
    point = "POINT" if name is None else f'"{name}"'
    hint = f"`archstats-sensor calibrate target {run.device.id} --redo {point}` awaits a new reading of it."
    is_given = not all(run.readings.values()) if name is None else not run.readings[name]
    return f"{hint} Or correct it in the file, and give that again with --points." if is_given else hint


def _point_row(run: TargetRun, pair: PointPair, index: int, found: Alignment) -> dict[str, object]:
    residual = found.residuals[index]
    return {
        "name": pair.name,
        "x_mm": pair.known.x,
        "y_mm": pair.known.y,
        "sensed_x_mm": pair.sensed.x,
        "sensed_y_mm": pair.sensed.y,
        "residual_x_mm": residual.dx,
        "residual_y_mm": residual.dy,
        "residual_mm": residual.length,
        "reading": dict(run.readings[pair.name]) or None,
    }


def _plan(request: TargetRequest, butt: _Butt | None) -> TargetPlan:
    kind = ReadingKind.LANDING if request.with_arrows else ReadingKind.PIN
    if request.points is not None:
        if request.ring is not None:
            raise UsageError("--ring belongs to the points of a face", hint="Leave out --ring, or --points.")
        if request.face is not None:
            face_of(request.face)
        return TargetPlan(request.points, kind, request.face, request.at, None if butt is None else butt.size_mm)
    code = request.face or _only_face(butt)
    face = face_of(code)
    at = request.at or _place_of(code, butt)
    size_mm = faces_on_butt([FaceRequest(code)])[:2] if butt is None else butt.size_mm
    _refuse_off_butt(face, at, size_mm)
    return TargetPlan(points_of_face(face, at, request.ring), kind, code, at, size_mm)


def _refuse_off_butt(face: FaceSpec, at: ButtPoint, size_mm: tuple[float, float]) -> None:
    """Raise CommandError for a face that does not lie wholly on the butt, as ``session open`` does."""
    (across, along), (width, height) = face.reach_mm, size_mm
    if across <= at.x <= width - across and along <= at.y <= height - along:
        return
    has_room = 2 * across <= width and 2 * along <= height
    room = f"from {across:g} to {width - across:g} mm across, from {along:g} to {height - along:g} mm up"
    raise CommandError(
        f"face {face.code} with its centre at {at.x:g}, {at.y:g} mm does not lie wholly on the butt of {width:g} by {height:g} mm",
        hint=(f"Correct --at: the centre has room {room}. " if has_room else "Correct --face. ")
        + "Another butt is known once a session was opened with its --butt-width and --butt-height.",
    )


def _only_face(butt: _Butt | None) -> str:
    if butt is None or len(butt.faces) != 1:
        raise UsageError(
            "the face is not known: the lane had no session with one face yet",
            hint="Give --face, and --at X,Y where it does not hang in the middle of the butt.",
        )
    return next(iter(butt.faces))


def _place_of(code: str, butt: _Butt | None) -> ButtPoint:
    """The place of a face: as in the lane's last session, else the middle of the butt."""
    if butt is None:
        width, height, _ = faces_on_butt([FaceRequest(code)])
        return ButtPoint(width / 2, height / 2)
    spots = butt.faces.get(code, ())
    if spots and len(spots) == len(face_of(code).spots):
        return ButtPoint(sum(spot.x for spot in spots) / len(spots), sum(spot.y for spot in spots) / len(spots))
    if spots:
        raise UsageError(
            f"the butt carries several faces {code}", hint="Give --at X,Y: the centre of the one that is used."
        )
    return ButtPoint(butt.width / 2, butt.height / 2)


async def _last_butt(connection: Connection, lane: int | None) -> _Butt | None:
    rows = await connection.fetch(
        """
        select t.max_x, t.max_y, f.code, f.x, f.y
        from (select t.* from sessions s join targets t on t.session_id = s.id
              where s.lane = $1 order by s.number desc limit 1) t
        left join faces f on f.target_id = t.id order by f.human_identifier
        """,
        lane,
    )
    if not rows:
        return None
    faces: dict[str, list[ButtPoint]] = {}
    for row in rows:
        if row["code"] is not None:
            faces.setdefault(row["code"], []).append(ButtPoint(row["x"], row["y"]))
    return _Butt(rows[0]["max_x"], rows[0]["max_y"], faces)


async def _present_map(connection: Connection, device: CalibratedDevice, butt: _Butt | None) -> SensorMap:
    """The map that places the target's positions now."""
    active = await active_calibration(connection, device.id, CalibrationKind.TARGET)
    if active is not None and active.fits:
        names = ("xx", "xy", "yx", "yy", "x0_mm", "y0_mm")
        return SensorMap(*(float(str(active.parameters[name])) for name in names))
    return nominal_map(await _sensor_origin(connection, device), None if butt is None else (butt.width, butt.height))


async def _sensor_origin(connection: Connection, device: CalibratedDevice) -> SensorOrigin:
    """The point that the positions of a target count from, as its driver states it."""
    return SensorOrigin(await connection.fetchval("select sensor_origin from devices where id = $1", device.id))
