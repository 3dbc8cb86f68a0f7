"""Rescore a session: derive its shots by other rules, by the present faces, or by chosen calibrations.

A rescore changes what the shots are derived by, and leaves a record of who did it and why. Corrections are applied
afterwards, as ever, so it undoes none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import CalibrationKind, DeviceKind, Result, SensorOrigin
from edge.operator.calibration.records import Calibration, active_calibration, find_calibration
from edge.operator.opening import rules_of
from edge.operator.rebuilds import await_rebuild
from edge.operator.statistics import facts_of_session
from edge.shots.faces import FaceSpec, load_all_faces, load_catalogue
from edge.statistics import session_totals

AT_LANDING = "landing"
"""Word for the calibrations that were active when the arrows landed."""
ACTIVE = "active"
"""Word for the calibrations that are active now."""
NOMINAL = "nominal"
"""Recorded for a target without a calibration."""


@dataclass(frozen=True, slots=True)
class ScoringBasis:
    """The versions that the shots of a session are derived by."""

    rule_set: str
    rule_set_version: int
    faces: Mapping[str, int]
    """Version of each face on the butt, by its name."""
    calibrations: Mapping[str, str]
    """Id of the calibration, or ``nominal``, of each target whose calibration was chosen; the others have that of the landing."""


@dataclass(frozen=True, slots=True)
class RescoredValue:
    """The value of one shot."""

    end_number: int | None
    result: Result
    points: int | None
    is_x: bool
    x: float | None
    y: float | None


@dataclass(frozen=True, slots=True)
class Rescore:
    """The outcome of one rescore."""

    session_id: UUID
    done: bool
    """False while a busy assembler has not computed it yet."""
    old: ScoringBasis
    new: ScoringBasis
    old_total: int
    new_total: int
    shots: int
    changed: Mapping[UUID, tuple[RescoredValue, RescoredValue]]
    """Each shot whose value or place changed, before and after."""

    @property
    def is_unchanged(self) -> bool:
        """Whether neither the shots nor what they are derived by changed."""
        return self.old == self.new and not self.changed


async def rescore_session(
    connection: Connection, session_id: UUID, who: str, reason: str, rules: str | None, calibration: str | None
) -> Rescore:
    """Derive a session's shots by the present versions of its faces and of its rules, or of other ``rules``.

    ``calibration`` is the reference of one, ``active`` or ``landing``; None keeps what an earlier rescore chose. Raises
    CommandError and UsageError; then nothing was changed.
    """
    if not who.strip() or not reason.strip():
        raise CommandError("a rescore needs a name and a reason", hint="Give --who and --why some text.")
    async with connection.transaction():
        await connection.execute("select from sessions where id = $1 for update", session_id)
        before, old_total = await _values(connection, session_id), await _total(connection, session_id)
        old = await _basis(connection, session_id)
        chosen = await _chosen_calibrations(connection, session_id, calibration)
        await _apply_rules(connection, session_id, rules or old.rule_set)
        await _apply_faces(connection, session_id)
        await _record(connection, session_id, who, reason, old, chosen)
        new = await _basis(connection, session_id)
    done = await await_rebuild(connection, session_id)
    after, new_total = await _values(connection, session_id), await _total(connection, session_id)
    changed = {i: (before[i], value) for i, value in after.items() if i in before and before[i] != value}
    return Rescore(session_id, done, old, new, old_total, new_total, len(after), changed)


async def _values(connection: Connection, session_id: UUID) -> dict[UUID, RescoredValue]:
    """The shots in order of shooting, without those that no longer result."""
    rows = await connection.fetch(
        """
        select id, end_number, result, points, is_x, x, y from shots where session_id = $1 and result <> $2
        order by coalesce(arrow_disengage_time, arrow_landing_time), id
        """,
        session_id,
        Result.VOID,
    )
    return {row["id"]: RescoredValue(row["end_number"], Result(row["result"]), *row[3:7]) for row in rows}


async def _total(connection: Connection, session_id: UUID) -> int:
    return session_totals(await facts_of_session(connection, session_id)).points


async def _basis(connection: Connection, session_id: UUID) -> ScoringBasis:
    (session,) = await connection.fetch("select rule_set, rule_set_version from sessions where id = $1", session_id)
    faces = await connection.fetch(
        "select f.name, min(f.version) as version from faces f join targets t on t.id = f.target_id "
        "where t.session_id = $1 group by f.name order by f.name",
        session_id,
    )
    chosen = await connection.fetch(
        """
        select device_id, calibration_id from rescored_calibrations
        where rescore_id = (select max(id) from rescores where session_id = $1) order by device_id
        """,
        session_id,
    )
    return ScoringBasis(
        session["rule_set"],
        session["rule_set_version"],
        {row["name"]: row["version"] for row in faces},
        {row["device_id"]: str(row["calibration_id"] or NOMINAL) for row in chosen},
    )


async def _apply_rules(connection: Connection, session_id: UUID, text: str) -> None:
    """Give the session the rules that a text names, unless it has them: an unchanged row rings no doorbell."""
    rules = rules_of(text)
    await connection.execute(
        """
        update sessions set rule_set = $2, rule_set_version = $3, x_points = $4
        where id = $1 and (rule_set, rule_set_version, coalesce(x_points, 0)) <> ($2, $3, coalesce($4, 0))
        """,
        session_id,
        rules.code,
        rules.version,
        rules.x_points,
    )


async def _apply_faces(connection: Connection, session_id: UUID) -> None:
    """Give the session's faces their present versions. The centre of a whole face stays; its spots may move."""
    rows = await connection.fetch(
        "select f.id, f.name, f.code, f.version, f.x, f.y from faces f join targets t on t.id = f.target_id "
        "where t.session_id = $1 order by f.name, f.human_identifier",
        session_id,
    )
    for (name, code, version), spots in groupby(rows, key=itemgetter("name", "code", "version")):
        spec = load_catalogue().get(code)
        if spec is None or spec.version <= version:
            continue
        found = list(spots)
        places = _renewed_places([(row["x"], row["y"]) for row in found], load_all_faces().get((code, version)), spec)
        if places is None:
            raise CommandError(
                f"version {spec.version} of {code} has {len(spec.spots)} spots, and face {name} has {len(found)}",
                hint="Nothing was changed: this session keeps its version of the face.",
            )
        try:
            await connection.executemany(
                "update faces set version = $2, radii = $3, points = $4, x_radius = $5, x = $6, y = $7 where id = $1",
                [
                    (row["id"], spec.version, spec.radii_mm, spec.points, spec.x_radius_mm, x, y)
                    for row, (x, y) in zip(found, places, strict=True)
                ],
            )
        except asyncpg.CheckViolationError as fault:
            raise CommandError(
                f"version {spec.version} of {code} does not fit the place of face {name} ({fault})",
                hint="Nothing was changed: this session keeps its version of the face.",
            ) from fault


def _renewed_places(
    places: list[tuple[float, float]], old: FaceSpec | None, new: FaceSpec
) -> list[tuple[float, float]] | None:
    """The places of a face's spots by another version of it, its centre unmoved; None for another number of spots. Pure.

    ``old`` is None for a version that this catalogue does not have: its spots are taken as centred like the new ones.
    """
    former = new if old is None else old
    if len(new.spots) == len(former.spots) == 1 or (old is not None and new.spots == old.spots):
        return places
    if not len(places) == len(new.spots) == len(former.spots):
        return None
    return [(spot.x_mm, spot.y_mm) for spot in new.placed(*former.centre_of(places))]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A calibration to be used in place of those active at the landing."""

    calibration_id: UUID | None
    after_activation: int
    """Last activation of the device at the time of the choice: later ones are valid for later landings."""


async def _chosen_calibrations(connection: Connection, session_id: UUID, choice: str | None) -> dict[str, _Choice]:
    """The calibrations of the session's targets that are to be used in place of those active at the landing."""
    rows = await connection.fetch(
        """
        select device_id, calibration_id, after_activation from rescored_calibrations
        where rescore_id = (select max(id) from rescores where session_id = $1)
        """,
        session_id,
    )
    kept = {row["device_id"]: _Choice(row["calibration_id"], row["after_activation"]) for row in rows}
    if choice is None:
        return kept
    if choice == AT_LANDING:
        return {}
    targets = await _targets(connection, session_id)
    rows = await connection.fetch(
        "select device_id, max(id) as last from calibration_activations where device_id = any($1) group by device_id",
        list(targets),
    )
    last = {row["device_id"]: row["last"] for row in rows}
    if choice == ACTIVE:
        active = {device: await active_calibration(connection, device, CalibrationKind.TARGET) for device in targets}
        return {
            device: _Choice(one.id if one is not None and _applies(one, targets) else None, last.get(device, 0))
            for device, one in active.items()
        }
    found = await find_calibration(connection, choice)
    if found.device_id not in targets:
        raise CommandError(
            f"calibration {found.name} is of no target of this session, so nothing was changed",
            hint=f"The session's targets are: {', '.join(targets)}." if targets else "The session has no target.",
        )
    if not _applies(found, targets):
        raise CommandError(
            f"in this session {found.device_id} counted positions from another point than for calibration {found.name}, so "
            "nothing was changed",
            hint=f"Choose one that was taken with the same driver: `archstats-sensor calibration history {found.device_id}`.",
        )
    return {**kept, found.device_id: _Choice(found.id, last.get(found.device_id, 0))}


async def _targets(connection: Connection, session_id: UUID) -> dict[str, SensorOrigin]:
    """The targets of a session, with the point that their positions counted from in it."""
    rows = await connection.fetch(
        "select distinct device_id, sensor_origin from session_devices where session_id = $1 and kind = $2 order by device_id",
        session_id,
        DeviceKind.TARGET,
    )
    return {row["device_id"]: SensorOrigin(row["sensor_origin"] or SensorOrigin.LOWER_LEFT) for row in rows}


def _applies(calibration: Calibration, targets: Mapping[str, SensorOrigin]) -> bool:
    """Whether a calibration was taken with the origin that its target had in the session; an earlier version kept none."""
    return calibration.parameters.get("sensor_origin") in (None, targets[calibration.device_id])


async def _record(
    connection: Connection,
    session_id: UUID,
    who: str,
    reason: str,
    old: ScoringBasis,
    chosen: Mapping[str, _Choice],
) -> None:
    """Append the record; the database requests the rebuild in the same transaction."""
    now = await _basis(connection, session_id)
    calibrations = {device: str(one.calibration_id or NOMINAL) for device, one in sorted(chosen.items())}
    new = {**asdict(now), "calibrations": calibrations}
    number = await connection.fetchval(
        "insert into rescores (session_id, who, reason, old, new) values ($1, $2, $3, $4, $5) returning id",
        session_id, clean(who), clean(reason), json.dumps(asdict(old)), json.dumps(new),
    )  # fmt: skip
    await connection.executemany(
        "insert into rescored_calibrations (rescore_id, device_id, calibration_id, after_activation) values ($1, $2, $3, $4)",
        [(number, device, one.calibration_id, one.after_activation) for device, one in sorted(chosen.items())],
    )


@dataclass(frozen=True, slots=True)
class RecordedRescore:
    """One row of ``rescores``."""

    at: datetime
    who: str
    reason: str
    old: ScoringBasis
    new: ScoringBasis


async def rescores_of(connection: Connection, session_id: UUID) -> list[RecordedRescore]:
    """All rescores of a session, oldest first."""
    rows = await connection.fetch(
        "select at, who, reason, old::text as old, new::text as new from rescores where session_id = $1 order by id",
        session_id,
    )
    return [
        RecordedRescore(
            row["at"], row["who"], row["reason"], *(ScoringBasis(**json.loads(row[name])) for name in ("old", "new"))
        )
        for row in rows
    ]


def basis_changes(old: ScoringBasis, new: ScoringBasis) -> Sequence[str]:
    """The differences between two bases, one text for each. Pure."""
    rules = [f"{one.rule_set} version {one.rule_set_version}" for one in (old, new)]
    changes = [f"rules {rules[0]} -> {rules[1]}"] if rules[0] != rules[1] else []
    changes += [
        f"face {name}: version {old.faces.get(name)} -> {version}"
        for name, version in new.faces.items()
        if old.faces.get(name) != version
    ]
    for device in sorted({*old.calibrations, *new.calibrations}):
        before, after = (one.calibrations.get(device, "that of the landing") for one in (old, new))
        changes += [f"calibration of {device}: {before} -> {after}"] if before != after else []
    return changes
