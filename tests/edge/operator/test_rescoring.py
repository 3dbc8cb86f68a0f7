"""Rescores: other rules, faces and calibrations for the shots of a session, closed or not."""

from __future__ import annotations

import json
from dataclasses import replace

import asyncpg
import pytest

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel, Result
from edge.operator.calibration.activation import activate, rollback
from edge.operator.calibration.records import NewCalibration, append_calibration, find_calibrated_device
from edge.operator.corrections import ScoreCorrection, correct_shot
from edge.operator.rebuilds import rebuild_session
from edge.operator.rescoring import Rescore, basis_changes, rescore_session, rescores_of
from edge.operator.shots import list_shots
from edge.shots.rules import RuleSet
from tests.edge.lane_rows import CENTRE_MM, LaneRows, build_lane, started_ago

SHIFT = {"xx": 1.0, "xy": 0.0, "yx": 0.0, "yy": 1.0, "x0_mm": 100.0, "y0_mm": 0.0}
SHIFTED = NewCalibration("target-1", CalibrationKind.TARGET, SHIFT, [], "Ada", CalibrationModel.SIMILARITY, 0.3, 0.15)


@pytest.fixture
async def range_lane(connection: Connection) -> LaneRows:
    """A closed session of a 10, an X and a 9, of which an operator made an X of 10 points."""
    lane = await build_lane(connection, started_ago(100.0))
    for t, beside in ((10.0, 50.0), (20.0, 0.0), (30.0, 100.0)):
        await lane.shoot(t)
        await lane.land(t + 0.4, CENTRE_MM + beside)
    await lane.set_watermarks(98.0)
    await connection.execute("update sessions set is_opened = false, closing_time = $1, end_time = $1", lane.at(90.0))
    await rebuild_session(connection, lane.session_id, "test")
    *_, last = await list_shots(connection, 1, None, 10)
    await correct_shot(connection, last, ScoreCorrection(None, None, is_x=True), "Ann", "seen")
    await rebuild_session(connection, lane.session_id, "test")
    return lane


async def values(lane: LaneRows) -> list[tuple[Result, int | None, bool]]:
    return [(shot.result, shot.points, shot.is_x) for shot in await list_shots(lane.connection, 1, None, 10)]


async def rescore(lane: LaneRows, rules: str | None = None, calibration: str | None = None) -> Rescore:
    """With the rights of an operator."""
    await lane.connection.execute("set role archstats_operator")
    return await rescore_session(lane.connection, lane.session_id, "Bea", "a test", rules, calibration)


async def test_rescore_by_other_rules_and_back(range_lane: LaneRows) -> None:
    hit = Result.HIT
    assert await values(range_lane) == [(hit, 10, False), (hit, 10, True), (hit, 10, True)]
    done = await rescore(range_lane, "wa_x11")
    assert (done.done, done.old_total, done.new_total, done.shots, len(done.changed)) == (True, 30, 32, 3, 2)
    assert basis_changes(done.old, done.new) == ["rules wa version 1 -> wa_x11 version 1"]
    assert await values(range_lane) == [
        (hit, 10, False),
        (hit, 11, True),
        (hit, 11, True),
    ]  # the corrected X is one still
    shots = await list_shots(range_lane.connection, 1, None, 10)
    assert {(shot.rule_set, shot.rule_set_version) for shot in shots} == {("wa_x11", 1)}
    assert min(shot.revision for shot in shots) >= 2
    again = await rescore(range_lane)
    assert again.is_unchanged
    first, second = await rescores_of(range_lane.connection, range_lane.session_id)
    assert (first.who, first.old, first.new) == ("Bea", done.old, done.new)
    assert second.old == second.new
    assert (await rescore(range_lane, "wa")).new_total == 30
    rows = await range_lane.connection.fetch("select who, reason, old::text, new::text from rescores order by id")
    assert [(row["who"], row["reason"]) for row in rows] == [("Bea", "a test")] * 3
    bases = [json.loads(rows[0][name])["rule_set"] for name in ("old", "new")]
    assert bases == ["wa", "wa_x11"]
    with pytest.raises(asyncpg.RestrictViolationError):
        await range_lane.connection.execute("delete from rescores")


async def test_rescore_takes_the_present_version_of_a_face(range_lane: LaneRows) -> None:
    await range_lane.connection.execute("update faces set version = 0, radii = '{20,40,610}', points = '{8,7,1}'")
    await rebuild_session(range_lane.connection, range_lane.session_id, "test")
    assert [points for _, points, _ in await values(range_lane)][:1] == [1]
    done = await rescore(range_lane)
    assert (done.old.faces, done.new.faces) == ({"1": 0}, {"1": 1})
    assert [points for _, points, _ in await values(range_lane)][:1] == [10]


TRIPLE = "insert into faces (target_id, name, human_identifier, code, version, x, y, radii, points, x_radius)"
SPOTS = {"left A": 830.0, "left B": 640.0, "left C": 450.0}


async def hang_triple(lane: LaneRows, code: str, version: int) -> None:
    """Put a vertical triple face in the place of the session's, its spots 190 mm apart as in an earlier definition."""
    target_id = await lane.connection.fetchval("select target_id from faces limit 1")
    await lane.connection.execute("update shots set face_id = null")
    await lane.connection.execute("delete from faces")
    await lane.connection.executemany(
        f"{TRIPLE} values ($1, 'left', $2, $3, $4, 640, $5, '{{20,40,60,80,90}}', '{{10,9,8,7,6}}', 10)",
        [(target_id, name, code, version, y) for name, y in SPOTS.items()],
    )
    await rebuild_session(lane.connection, lane.session_id, "test")


async def test_a_new_version_moves_the_spots_around_their_centre(range_lane: LaneRows) -> None:
    await hang_triple(range_lane, "wa_40_triple", 0)
    ids = await range_lane.connection.fetch("select id from faces order by human_identifier")
    done = await rescore(range_lane)
    assert (done.old.faces, done.new.faces) == ({"left": 0}, {"left": 1})
    rows = await range_lane.connection.fetch("select id, version, x, y, radii from faces order by human_identifier")
    assert [(row["version"], row["x"], row["y"], row["radii"][-1]) for row in rows] == [
        (1, 640.0, 860.0, 100.0),
        (1, 640.0, 640.0, 100.0),
        (1, 640.0, 420.0, 100.0),
    ]
    assert [row["id"] for row in rows] == [row["id"] for row in ids], "the shots still name their faces"


async def test_a_version_that_does_not_fit_changes_nothing(range_lane: LaneRows) -> None:
    await hang_triple(range_lane, "wa_40_triple", 0)
    await range_lane.connection.execute("delete from faces where human_identifier = 'left C'")
    with pytest.raises(CommandError, match="version 1 of wa_40_triple has 3 spots, and face left has 2"):
        await rescore(range_lane)
    await range_lane.connection.execute("reset role")
    await hang_triple(range_lane, "wa_60_triple", 0)
    await range_lane.connection.execute("update faces set x = 120")
    with pytest.raises(CommandError, match="does not fit the place of face left"):
        await rescore(range_lane)
    assert await range_lane.connection.fetchval("select max(version) from faces") == 0
    assert await range_lane.connection.fetchval("select count(*) from rescores") == 0


async def test_rescore_by_an_earlier_version_of_the_rules(
    range_lane: LaneRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {("wa", 1): RuleSet("wa", 1, "first", None), ("wa", 2): RuleSet("wa", 2, "second", 12)}
    monkeypatch.setattr("edge.operator.opening.load_all_rules", lambda: later)
    monkeypatch.setattr("edge.operator.opening.load_rules", lambda: {"wa": later["wa", 2]})
    newest = await rescore(range_lane)
    assert basis_changes(newest.old, newest.new) == ["rules wa version 1 -> wa version 2"]
    assert newest.new_total == 34
    back = await rescore(range_lane, "wa@1")
    assert (back.new.rule_set_version, back.new_total) == (1, 30)
    with pytest.raises(UsageError, match="there is no version '3' of the rules wa") as caught:
        await rescore(range_lane, "wa@3")
    assert caught.value.hint == "Give one of wa@1, wa@2, or wa for the newest."


async def test_rescore_takes_a_chosen_calibration(range_lane: LaneRows) -> None:
    connection = range_lane.connection
    stored = await append_calibration(connection, SHIFTED)
    await activate(connection, stored, "Ada", "later")  # after the landings: nothing changes by itself
    assert (await rescore(range_lane)).is_unchanged
    done = await rescore(range_lane, calibration="active")
    assert {new.x for _, new in done.changed.values()} == {790.0, 740.0, 840.0}
    assert dict(done.new.calibrations) == {"target-1": str(stored.id)}
    ids = await connection.fetch("select distinct calibration_id from shots")
    assert [row["calibration_id"] for row in ids] == [stored.id]
    assert (await rescore(range_lane)).is_unchanged  # the choice stays
    corrected = (await values(range_lane))[-1]
    assert corrected == (Result.HIT, 10, True)
    assert (await rescore(range_lane, calibration="target-1@1")).is_unchanged
    await rollback(connection, await find_calibrated_device(connection, "target-1"), "Ada", "for later landings")
    await rescore(range_lane, "wa_x11")  # what was activated after the choice stays valid after it
    kept = await connection.fetch("select distinct calibration_id, after_activation from rescored_calibrations")
    assert [tuple(row) for row in kept] == [(stored.id, 1)]
    back = await rescore(range_lane, calibration="landing")
    assert {new.x for _, new in back.changed.values()} == {690.0, 640.0, 740.0}


async def test_a_calibration_of_another_driver_is_not_chosen(range_lane: LaneRows) -> None:
    connection = range_lane.connection
    other = replace(SHIFTED, parameters={**SHIFTED.parameters, "sensor_origin": "centre"})
    await activate(connection, await append_calibration(connection, other), "Ada", "later")
    with pytest.raises(CommandError, match="counted positions from another point than for calibration target-1@1"):
        await rescore(range_lane, calibration="target-1@1")
    done = await rescore(range_lane, calibration="active")
    assert (done.changed, dict(done.new.calibrations)) == ({}, {"target-1": "nominal"})


async def test_impossible_rescore_changes_nothing(range_lane: LaneRows) -> None:
    connection = range_lane.connection
    await connection.execute("insert into devices (id, kind, driver, lane) values ('target-2', 'target', 'x', 2)")
    await append_calibration(connection, replace(SHIFTED, device_id="target-2"))
    with pytest.raises(UsageError, match="there are no rules 'wa_x12'"):
        await rescore(range_lane, "wa_x12")
    with pytest.raises(CommandError, match="of no target of this session"):
        await rescore(range_lane, calibration="target-2@1")
    with pytest.raises(CommandError, match="needs a name and a reason"):
        await rescore_session(connection, range_lane.session_id, "Bea", " ", None, None)
    assert await connection.fetchval("select count(*) from rescores") == 0
