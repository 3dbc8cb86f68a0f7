"""The certificate of a session: what watched it, when that was proven to work, and what operators decided. Pure.

Whether a device is proven to have worked follows from the same coverage that makes an arrow without a landing a miss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from edge.common.vocabulary import CorrectionKind, DeviceKind, Flag, OrphanStatus, Result, UnwatchedCause
from edge.operator.export.files import head_facts
from edge.operator.export.sheet import SheetHead, SheetSource, ShotRow, shot_rows
from edge.operator.rescoring import RecordedRescore, basis_changes
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.coverage import Watch, device_watch
from edge.shots.assembly.flight import landing_window_s
from edge.shots.assembly.placement import UNKNOWN_PLACEMENT
from edge.shots.assembly.timeline import Axis


@dataclass(frozen=True, slots=True)
class GapReason:
    """One stored gap of a device on the session's axis, with its reason."""

    device_id: str
    since: float
    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class StoredCalibration:
    """An active calibration, as it is stored."""

    version: int
    who: str
    at: datetime
    face: str | None


@dataclass(frozen=True, slots=True)
class WatchedPart:
    """An interval in which a device is proven to have worked, or is not."""

    since: datetime
    until: datetime
    is_proven: bool
    causes: Sequence[UnwatchedCause]
    """Why it is not proven."""
    reasons: Sequence[str]
    """Reasons of its gaps, as the daemon recorded them."""


@dataclass(frozen=True, slots=True)
class CertifiedDevice:
    """A device of the session."""

    id: str
    kind: DeviceKind
    driver: str | None
    stored_until: datetime | None
    """Its watermark: every event up to this instant is stored."""
    parts: Sequence[WatchedPart]
    """The session cut into the intervals in which it is proven to have worked, and those in which it is not."""
    proven_s: float
    """Seconds in which it is proven to have worked."""
    watched_s: float
    """Seconds of the session and of the landing window after it."""


@dataclass(frozen=True, slots=True)
class ActiveCalibration:
    """The calibration of a target from an instant of the session on."""

    device_id: str
    since: datetime
    calibration_id: UUID | None
    """None for the nominal place of the sensor."""
    version: int | None
    sigma_mm: float
    """Standard deviation of a position in one direction; an assumption without a calibration."""
    who: str | None
    calibrated_at: datetime | None
    face: str | None
    shots: int
    """Landings of the session that it placed."""


@dataclass(frozen=True, slots=True)
class CertifiedCorrection:
    """A decision of an operator."""

    at: datetime
    who: str
    kind: CorrectionKind
    reason: str
    shot: int | None
    """Number of the shot in the sheet; None for a landing that is in no shot."""
    old: Mapping[str, object]
    new: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of shots and landings."""

    shots: int
    """Without let-downs and void ones."""
    sighters: int
    surplus: int
    misses: int
    """Arrows that landed nowhere while the target is proven to have worked, or that an operator made misses."""
    off_face: int
    """Hits beside the face, of value M."""
    unknown: int
    pending: int
    void: int
    not_shot: int
    line_calls: int
    line_calls_ruled: int
    """Line calls that an operator gave a value."""
    shaft_known: int
    shaft_assumed: int
    orphans_open: int
    orphans_assigned: int
    orphans_voided: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything that a certificate says."""

    head: SheetHead
    sources: Sequence[str]
    """Where the readings of its shots come from: hardware, simulator, replay."""
    devices: Sequence[CertifiedDevice]
    calibrations: Sequence[ActiveCalibration]
    corrections: Sequence[CertifiedCorrection]
    rescores: Sequence[RecordedRescore]
    counts: Counts
    faces: Sequence[str]
    """Each face with the version of its definition."""
    assembly_versions: Sequence[int]
    """Versions of the rules that its shots were assembled by, as they are stored with the shots."""
    made_at: datetime


def certified_devices(
    context: SessionContext,
    axis: Axis,
    devices: Mapping[str, tuple[DeviceKind, str | None]],
    gaps: Sequence[GapReason],
) -> list[CertifiedDevice]:
    """When each device is proven to have worked, from the start to the last instant at which an arrow of the session could land."""
    ends = certified_until(context)
    found = []
    for device, (kind, driver) in sorted(devices.items()):
        parts = device_watch(device, 0.0, ends, context)
        stored = context.watermarks.get(device)
        found.append(
            CertifiedDevice(
                id=device,
                kind=kind,
                driver=driver,
                stored_until=None if stored is None else axis.utc_of(stored),
                parts=[_part(device, part, axis, gaps) for part in parts],
                proven_s=sum(part.until - part.since for part in parts if not part.causes),
                watched_s=ends,
            )
        )
    return found


def certified_until(context: SessionContext) -> float:
    """The last instant of a certificate: now, or the end of the landing window after the closing."""
    if context.closes is None:
        return max(context.now, 0.0)
    return max(min(context.now, context.closes + landing_window_s(context)), 0.0)


def active_calibrations(
    context: SessionContext, axis: Axis, stored: Mapping[UUID, StoredCalibration], shots: Mapping[UUID | None, int]
) -> list[ActiveCalibration]:
    """The calibrations of each target, one after the other; ``shots`` are the landings that each of them placed."""
    found: list[ActiveCalibration] = []
    ends = certified_until(context)
    for device in sorted(context.targets):
        placement = context.placements.get(device, UNKNOWN_PLACEMENT)
        starts = sorted({0.0, *(one.since for one in placement.activations if 0.0 < one.since < ends)})
        before: UUID | None = None
        for number, start in enumerate(starts):
            calibration = placement.calibration_at(start)
            own = None if calibration is None else calibration.id
            if number and own == before:
                continue
            before = own
            known = None if own is None else stored.get(own)
            found.append(
                ActiveCalibration(
                    device_id=device,
                    since=axis.utc_of(start),
                    calibration_id=own,
                    version=known.version if known else None,
                    sigma_mm=context.parameters.sigma_mm if calibration is None else calibration.sigma_mm,
                    who=known.who if known else None,
                    calibrated_at=known.at if known else None,
                    face=known.face if known else None,
                    shots=shots.get(own, 0),
                )
            )
    return found


def counts_of(source: SheetSource, orphans: Mapping[OrphanStatus, int]) -> Counts:
    """Numbers of shots and landings, by the rows of the sheet."""
    rows = shot_rows(source)
    shot = [row for row in rows if row.shot.is_shot]
    calls = [row for row in shot if row.details.line_call]
    results = Counter(row.result for row in rows)
    sized = [row for row in shot if row.details.shaft_mm is not None]
    assumed = sum(row.details.shaft_assumed for row in sized)
    return Counts(
        shots=len(shot),
        sighters=sum(row.is_sighter for row in shot),
        surplus=sum(row.is_surplus for row in shot),
        misses=results[Result.MISS],
        off_face=results[Result.OFF_FACE] + results[Result.OFF_VIEW],
        unknown=results[Result.UNKNOWN],
        pending=results[Result.PENDING],
        void=results[Result.VOID],
        not_shot=results[Result.NOT_SHOT],
        line_calls=len(calls),
        line_calls_ruled=sum(_is_ruled(row) for row in calls),
        shaft_known=len(sized) - assumed,
        shaft_assumed=assumed,
        orphans_open=orphans.get(OrphanStatus.OPEN, 0),
        orphans_assigned=orphans.get(OrphanStatus.ASSIGNED, 0),
        orphans_voided=orphans.get(OrphanStatus.VOIDED, 0),
    )


def certificate_facts(certificate: Certificate) -> dict[str, object]:
    """The certificate for programs."""
    return {
        "session": head_facts(certificate.head),
        "sources": list(certificate.sources),
        "devices": [asdict(one) for one in certificate.devices],
        "calibrations": [asdict(one) for one in certificate.calibrations],
        "corrections": [asdict(one) for one in certificate.corrections],
        "rescores": [
            {"at": one.at, "who": one.who, "reason": one.reason, "changes": list(basis_changes(one.old, one.new))}
            for one in certificate.rescores
        ],
        "counts": asdict(certificate.counts),
        "faces": list(certificate.faces),
        "assembly_versions": list(certificate.assembly_versions),
        "made_at": certificate.made_at,
    }


def _part(device: str, part: Watch, axis: Axis, gaps: Iterable[GapReason]) -> WatchedPart:
    reasons = {
        gap.reason
        for gap in gaps
        if part.causes and gap.device_id == device and gap.since < part.until and gap.until > part.since
    }
    causes = [cause for cause in UnwatchedCause if cause in part.causes]
    return WatchedPart(axis.utc_of(part.since), axis.utc_of(part.until), not causes, causes, sorted(reasons))


def _is_ruled(row: ShotRow) -> bool:
    return Flag.CORRECTED in row.shot.flags
