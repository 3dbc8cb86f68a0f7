"""The certificate of a session on a real database, made with the rights of the push service."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from edge.common.config.errors import CommandError
from edge.common.vocabulary import CalibrationKind, CalibrationModel, Result, UnwatchedCause
from edge.operator.calibration.activation import activate
from edge.operator.calibration.records import NewCalibration, append_calibration, find_calibrated_device
from edge.operator.corrections import ScoreCorrection, correct_shot
from edge.operator.export.certificate import Certificate, certificate_facts
from edge.operator.export.certificate_page import certificate_html
from edge.operator.export.certifying import read_certificate
from edge.operator.export.files import json_text
from edge.operator.export.markup import stylesheet_text
from edge.operator.export.words import Language
from edge.operator.rebuilds import rebuild_session
from edge.operator.rescoring import rescore_session
from edge.operator.shots import list_shots
from edge.shots.assembly.context import RULE_VERSION
from tests.edge.lane_rows import CENTRE_MM, LaneRows

MAP = {"xx": 1.0, "xy": 0.0, "yx": 0.0, "yy": 1.0, "x0_mm": 0.0, "y0_mm": 0.0}


async def certificate(lane: LaneRows) -> Certificate:
    await lane.connection.execute("set role archstats_push")
    try:
        return await read_certificate(lane.connection, lane.session_id)
    finally:
        await lane.connection.execute("reset role")


async def add_gap(lane: LaneRows, since: float, until: float, reason: str) -> None:
    await lane.connection.execute(
        "insert into device_gaps (device_id, stream_id, since, until, reason) values ($1, $2, $3, $4, $5)",
        lane.target, uuid4(), lane.at(since), lane.at(until), reason,
    )  # fmt: skip


async def close(lane: LaneRows, t: float) -> None:
    await lane.connection.execute("update sessions set is_opened = false, closing_time = $1, end_time = $1", lane.at(t))


async def test_a_gap_divides_what_is_proven_and_makes_a_shot_unknown(lane: LaneRows) -> None:
    for t in (5.0, 20.0, 30.0):
        await lane.shoot(t)
    await lane.land(5.4)
    await add_gap(lane, 18.0, 25.0, "no contact for 7 s")
    await lane.set_watermarks(50.0)
    await close(lane, 40.0)
    await rebuild_session(lane.connection, lane.session_id, "test")
    found = await certificate(lane)
    bow, target = found.devices
    assert (bow.id, bow.kind, bow.driver) == ("bow-1", "bow", "bow.link")
    seconds = [
        ((one.since - lane.start) / timedelta(seconds=1), (one.until - lane.start) / timedelta(seconds=1), list(one.causes), list(one.reasons))
        for one in target.parts
    ]  # fmt: skip
    assert seconds == [
        (0.0, 18.0, [], []),
        (18.0, 25.0, [UnwatchedCause.GAP], ["no contact for 7 s"]),
        (25.0, 43.0, [], []),
    ], "until the last arrow may have landed, 3 s after the closing"
    assert (target.proven_s, target.watched_s) == (36.0, 43.0)
    assert target.stored_until == lane.at(50.0)
    assert (found.counts.shots, found.counts.unknown, found.counts.misses, found.counts.off_face) == (3, 1, 1, 0)
    assert found.assembly_versions == [RULE_VERSION]
    page = certificate_html(found, Language.EN, stylesheet_text(""))
    assert page.count("An arrow that did not land") == 1, "of the target, not of the bow"
    await lane.connection.execute("update shots set rule_version = 2, result = 'off_face' where result = 'miss'")
    older = await certificate(lane)
    assert older.assembly_versions == [2, RULE_VERSION]
    assert (older.counts.misses, older.counts.off_face) == (0, 1)
    assert list(found.sources) == ["simulator"]
    assert [(one.calibration_id, one.sigma_mm, one.shots) for one in found.calibrations] == [(None, 0.5, 1)]


async def test_operators_decisions_and_calibrations_are_named(lane: LaneRows) -> None:
    connection = lane.connection
    device = await find_calibrated_device(connection, "target-1")
    new = NewCalibration("target-1", CalibrationKind.TARGET, MAP, [], "Ada", CalibrationModel.SIMILARITY, 0.3, 0.15)
    stored = await append_calibration(connection, new)
    await lane.shoot(5.0)
    await lane.land(5.4, CENTRE_MM + 63.9)
    await lane.set_watermarks(50.0)
    await activate(connection, stored, "Ada", "test")
    await rebuild_session(connection, lane.session_id, "test")
    (shot,) = await list_shots(connection, 1, None, 10)
    await correct_shot(connection, shot, ScoreCorrection(Result.HIT, 9), "Ann <b>", "beside the line")
    await rebuild_session(connection, lane.session_id, "test")
    await rescore_session(connection, lane.session_id, "Bea", "another rule", "wa_x11", None)
    found = await certificate(lane)
    assert device.id == "target-1"
    (correction,) = found.corrections
    assert (correction.who, correction.reason, correction.shot) == ("Ann <b>", "beside the line", 1)
    assert (correction.old["points"], correction.new["points"]) == (10, 9)
    assert [(one.who, one.reason) for one in found.rescores] == [("Bea", "another rule")]
    assert (found.head.rule_set, found.counts.line_calls_ruled <= found.counts.line_calls) == ("wa_x11", True)
    last = found.calibrations[-1]
    assert (last.calibration_id, last.version, last.sigma_mm, last.who) == (stored.id, 1, 0.3, "Ada")
    facts = json.loads(json_text(certificate_facts(found)))
    assert facts["rescores"][0]["changes"] == ["rules wa version 1 -> wa_x11 version 1"]
    for language in Language:
        page = certificate_html(found, language, stylesheet_text(""))
        assert "Ann &lt;b&gt;" in page
        assert "hit 10" in page
        assert "hit 9" in page


async def test_an_open_session_is_certified_up_to_now(lane: LaneRows) -> None:
    await lane.set_watermarks(10.0)
    found = await certificate(lane)
    target = found.devices[-1]
    assert [(one.is_proven, list(one.causes)) for one in target.parts] == [
        (True, []), (False, [UnwatchedCause.NOT_STORED]),
    ]  # fmt: skip
    assert target.parts[-1].until <= found.made_at


async def test_a_centre_makes_no_certificate(lane: LaneRows) -> None:
    await lane.connection.execute("update installation set is_centre = true")
    with pytest.raises(CommandError, match="this is the centre of several hubs"):
        await certificate(lane)
    await lane.connection.execute("update installation set is_centre = false")
    lane.session_id = uuid4()
    with pytest.raises(CommandError, match="does not exist"):
        await certificate(lane)
