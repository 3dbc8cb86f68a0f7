"""Stored calibrations: versions, activations, rollbacks, and the rows that nothing changes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel
from edge.operator.calibration.activation import activate, list_activations, rollback
from edge.operator.calibration.records import (
    Calibration,
    NewCalibration,
    active_calibration,
    append_calibration,
    find_calibrated_device,
    find_calibration,
    list_calibrations,
)
from edge.operator.calibration.runs import end_run, open_run, save_run, start_run

MAP = {"xx": 1.0, "xy": 0.0, "yx": 0.0, "yy": 1.0, "x0_mm": 3.0, "y0_mm": -2.0}
TARGET = NewCalibration(
    "target-1", CalibrationKind.TARGET, MAP, [{"name": "centre"}], "Ada", CalibrationModel.SIMILARITY, 0.3, 0.15
)
BOW = NewCalibration("bow-1", CalibrationKind.BOW, {"threshold": 40}, [], "Ada")


@pytest.fixture
async def operator(connection: Connection) -> AsyncIterator[Connection]:
    """A connection with the rights of an operator, in a database with a bow, a target and an arrow reader."""
    await connection.execute(
        "insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'x', 1), ('target-1', 'target', 'x', 1),"
        " ('arrow-1', 'arrow', 'x', 1)"
    )
    await connection.execute("set role archstats_operator")
    yield connection
    await connection.execute("reset role")


async def active(connection: Connection) -> Calibration | None:
    return await active_calibration(connection, "target-1", CalibrationKind.TARGET)


async def test_versions_count_up_for_each_device(operator: Connection) -> None:
    names = [(await append_calibration(operator, new)).name for new in (TARGET, TARGET, BOW)]
    assert names == ["target-1@1", "target-1@2", "bow-1@1"]
    stored = await find_calibration(operator, "target-1@1")
    assert (stored.parameters, stored.points, stored.sigma_mm) == (MAP, [{"name": "centre"}], 0.3)
    assert (stored.is_active, stored.activated_at) == (False, None)


async def test_rollbacks_return_to_each_calibration_before(operator: Connection) -> None:
    device = await find_calibrated_device(operator, "target-1")
    stored = [await append_calibration(operator, TARGET) for _ in range(3)]
    for one in stored:
        await activate(operator, one, "Ada", "spring")
    seen = []
    for _ in stored:
        await rollback(operator, device, "Ada", "worse")
        now_active = await active(operator)
        seen.append(now_active and now_active.version)
    assert seen == [2, 1, None]
    with pytest.raises(CommandError, match="no calibration of target-1 is active"):
        await rollback(operator, device, "Ada", "worse")
    history = await list_activations(operator, "target-1")
    assert [(one.action, one.version) for one in history] == [
        ("rollback", None), ("rollback", 1), ("rollback", 2), ("activate", 3), ("activate", 2), ("activate", 1),
    ]  # fmt: skip


async def test_an_active_calibration_is_not_activated_again(operator: Connection) -> None:
    stored = await append_calibration(operator, TARGET)
    await activate(operator, stored, "Ada", "spring")
    with pytest.raises(CommandError, match="target-1@1 is active already"):
        await activate(operator, stored, "Ada", "spring")


async def test_an_activation_is_an_event_of_the_lane(operator: Connection) -> None:
    await activate(operator, await append_calibration(operator, TARGET), "Ada", "spring")
    row = await operator.fetchrow("select type, lane, data from events where type = 'calibration.activated'")
    assert row is not None
    data = json.loads(row["data"])
    assert (row["lane"], data["device_id"], data["version"], data["sigma_mm"], data["who"]) == (
        1, "target-1", 1, 0.3, "Ada",
    )  # fmt: skip


@pytest.mark.parametrize("table", ["calibrations", "calibration_activations"])
async def test_calibrations_are_never_changed_or_removed(operator: Connection, table: str) -> None:
    await activate(operator, await append_calibration(operator, TARGET), "Ada", "spring")
    await operator.execute("reset role")
    for statement in (f"update {table} set who = 'Bob'", f"delete from {table}", f"truncate {table} cascade"):
        with pytest.raises(asyncpg.RestrictViolationError, match="never changed or removed"):
            await operator.execute(statement)


async def test_references_find_a_calibration(operator: Connection) -> None:
    first, second = [await append_calibration(operator, TARGET) for _ in range(2)]
    assert (await find_calibration(operator, "target-1")).id == second.id, "the newest while none is active"
    await activate(operator, first, "Ada", "spring")
    for reference in ("target-1", "target-1@1", str(first.id), str(first.id)[:13]):
        assert (await find_calibration(operator, reference)).id == first.id
    assert [one.version for one in await list_calibrations(operator, "target-1")] == [2, 1]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("target-1", "target-1 has no calibration yet"),
        ("target-1@7", "no calibration 'target-1@7'"),
        ("target-1@x", "no calibration 'target-1@x'"),
        ("target-9@1", "no device target-9"),
        ("arrow-1", "arrow-1 has no calibration yet"),
        ("target 9", "'target 9' is not an id"),
        ("a\udcff", r"'a.*' is not an id"),
        ("a\udcff@1", r"no device a\\udcff in this database"),
        ("x" * 3_000 + "@1", r"no device x{37}\.\.\. in this database"),
    ],
)
async def test_a_wrong_reference_is_explained(operator: Connection, reference: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        await find_calibration(operator, reference)


async def test_a_bow_is_no_target(operator: Connection) -> None:
    with pytest.raises(CommandError, match="bow-1 is a bow, and not a target"):
        await find_calibrated_device(operator, "bow-1", CalibrationKind.TARGET)


async def test_a_run_goes_on_until_it_ends(operator: Connection) -> None:
    kind = CalibrationKind.TARGET
    assert await open_run(operator, "target-1", kind) is None
    first = await start_run(operator, "target-1", kind, {"points": []}, "Ada")
    await save_run(operator, first.id, [{"x_mm": 1.5}])
    found = await open_run(operator, "target-1", kind)
    assert found is not None
    assert (found.id, found.taken, found.who) == (first.id, [{"x_mm": 1.5}], "Ada")
    second = await start_run(operator, "target-1", kind, {"points": []}, "Bob")
    found = await open_run(operator, "target-1", kind)
    assert found is not None
    assert found.id == second.id, "a new run replaces the one under way"
    await end_run(operator, second.id)
    assert await open_run(operator, "target-1", kind) is None
