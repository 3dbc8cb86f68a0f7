"""The words of a target's guided calibration: its steps and its result, for people and for programs. Pure."""

from __future__ import annotations

from edge.common.vocabulary import CalibrationModel, ReadingKind
from edge.operator.calibration.guide import Asked, DeviceTrouble, LeftOut, Step, Taken, TooFar, Unplaced
from edge.operator.calibration.target import TargetResult
from edge.operator.calibration.target_run import TargetRun


def step_lines(step: Step, kind: ReadingKind, *, can_keep: bool) -> list[str]:
    """A step for people."""
    match step:
        case Asked(point, number, total):
            act = "press the pin" if kind is ReadingKind.PIN else "put in an arrow"
            place = f"{point.place.x:.1f}, {point.place.y:.1f} mm"
            where = f"at the {point.text} ({place})" if point.text else f"at {place}"
            return [f"point {number} of {total}, {point.name}: {act} {where}"]
        case Taken(point, sensed, distance):
            return [
                f"  taken: sensed {sensed.position.x:.2f}, {sensed.position.y:.2f} mm, {distance:.1f} mm from the expected place"
            ]
        case TooFar(point, sensed, distance, within):
            keep = " If it is right all the same, type k; if the point before was wrong, type r." if can_keep else ""
            return [
                (
                    f"  not taken: sensed {sensed.position.x:.2f}, {sensed.position.y:.2f} mm, {distance:.0f} mm from the expected "
                    f"place and more than {within:.0f} mm. Take the point that is asked for.{keep}"
                )
            ]
        case Unplaced(_, reason):
            return [f"  not taken: the reading has no position ({reason or 'no reason given'}). Take the point again."]
        case LeftOut(point):
            return [f"  left out: {point.name}"]
        case DeviceTrouble(error):
            return ["  the device reports again" if error is None else f"  waiting: {error.message}. {error.hint}"]


def step_facts(step: Step) -> dict[str, object]:
    """A step for programs."""
    match step:
        case Asked(point, number, total):
            place = {"x_mm": point.place.x, "y_mm": point.place.y}
            return {"type": "asked", "point": point.name, "number": number, "total": total, **place}
        case Taken(point, sensed, distance):
            return {"type": "taken", "point": point.name, **_sensed(sensed.position.x, sensed.position.y, distance)}
        case TooFar(point, sensed, distance, within):
            facts = _sensed(sensed.position.x, sensed.position.y, distance)
            return {"type": "too_far", "point": point.name, **facts, "within_mm": within}
        case Unplaced(point, reason):
            return {"type": "no_position", "point": point.name, "reason": reason}
        case LeftOut(point):
            return {"type": "left_out", "point": point.name}
        case DeviceTrouble(error):
            return {"type": "device", "error": None if error is None else error.message}


def _sensed(x: float, y: float, distance: float) -> dict[str, object]:
    return {"sensed_x_mm": x, "sensed_y_mm": y, "distance_mm": distance}


def result_lines(run: TargetRun, result: TargetResult) -> list[str]:
    """The points and the accuracy of a result for people."""
    found = result.alignment
    centre = run.plan.at or found.middle
    now = found.sensor_map.to_butt(run.sensor_map.to_sensor(centre))
    face = f"the limit of face {result.face_code}" if result.face_code else "the strictest limit, for no face is given"
    lines = [
        f"  {pair.name:<14} known {pair.known.x:8.1f} {pair.known.y:8.1f}  sensed {pair.sensed.x:8.2f} {pair.sensed.y:8.2f}  "
        f"residual {residual.length:.2f} mm"
        for pair, residual in zip(result.pairs, found.residuals, strict=True)
    ]
    lines += [
        (
            f"  moves the centre by {now.x - centre.x:+.1f}, {now.y - centre.y:+.1f} mm; rotation {found.rotation_deg:+.3f} degrees, "
            f"scale {found.scale:.5f}, model {found.model}"
        ),
        (
            f"  sigma {found.sigma_mm:.2f} mm in one direction, {'within' if result.is_accepted else 'above'} {result.limit_mm:g} mm, "
            f"{face}; standard error of the centre {result.centre_error_mm:.2f} mm"
        ),
    ]
    if result.outlier is not None and found.outlier is not None:
        lines.append(
            f"  point '{result.outlier.name}' stands out: {found.outlier.distance_mm:.1f} mm from where the other points put it; "
            f"without it sigma is {found.outlier.sigma_without_mm:.2f} mm"
        )
    if found.model is CalibrationModel.SIMILARITY and found.needs_affine and found.affine_chance is not None:
        lines.append(
            f"  two scales fit clearly better (chance {found.affine_chance:.1%}): check the places; if the sensor's axes differ, "
            "add --affine"
        )
    return lines
