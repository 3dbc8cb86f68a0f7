"""The daemon sends the settings of the active calibration after each opening of its device."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from drivers.contract import Capability, ClockModel, Command, CommandResult, DeviceIdentity, DriverInfo
from drivers.errors import DeviceLost
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CommandState
from edge.sensor.calibrated import SettingsKeeper
from edge.sensor.command_rows import CalibrationSettings, Value
from tests.edge.sensor.commands.requested import register_bow, request, until
from tests.edge.sensor.scripted_bow import ScriptedBow, daemon
from tests.eventually import eventually


class ForgetfulBow(ScriptedBow):
    """Has the settings of its environment again at each opening."""

    info: ClassVar[DriverInfo] = replace(ScriptedBow.info, capabilities=frozenset((Capability.CONFIGURE,)))

    def __init__(self) -> None:
        super().__init__()
        self.openings: list[object] = []

    def __call__(self, clocks: Sequence[ClockModel]) -> ForgetfulBow:
        del clocks
        return copy.copy(self)  # a driver is never opened twice

    async def open(self) -> DeviceIdentity:
        self.settings["threshold"] = 100
        self.openings.append(self)
        return await super().open()

    async def open_again(self) -> None:
        """Lose the line, and wait until the daemon has opened it again."""
        before = len(self.openings)
        self.delivered.put_nowait(DeviceLost("the cable is out", device="bow-1", hint="Plug it in."))
        await eventually(lambda: len(self.openings) > before)


async def calibrate(connection: Connection, version: int, settings: dict[str, Value]) -> None:
    """Store and activate a calibration of the bow."""
    await connection.execute(
        """
        with stored as (
            insert into calibrations (device_id, kind, version, parameters, points, who, at)
            values ('bow-1', 'bow', $1, $2, '[]', 'Robin', now()) returning *
        )
        insert into calibration_activations (device_id, kind, action, calibration_id, at, who, reason)
        select device_id, kind, 'activate', id, at, who, 'calibrated' from stored
        """,
        version,
        json.dumps({"settings": settings}),
    )


def sent(bow: ScriptedBow) -> list[object]:
    return [command.arguments.get("threshold", command.name) for command in bow.ran]


async def test_each_opening_sets_the_calibrated_settings(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await register_bow(connection)
    await calibrate(connection, 1, {"threshold": 40})
    bow = ForgetfulBow()
    first = await request(connection, "read")  # it is claimed before the bow is open
    async with daemon(database_settings, bow, tmp_path):
        await until(connection, first, CommandState.DONE)
        assert sent(bow) == [40, "read"]
        await calibrate(connection, 2, {"threshold": 60, "gain": 2.0})
        await bow.open_again()
        await eventually(lambda: sent(bow) == [40, "read", 60])
        bow.is_jammed = True
        await bow.open_again()
        await eventually(lambda: sent(bow) == [40, "read", 60, 60])
        await until(connection, await request(connection, "read"), CommandState.DONE)
        await connection.execute(
            "insert into calibration_activations (device_id, kind, action, at, who, reason) "
            "values ('bow-1', 'bow', 'rollback', now(), 'Robin', 'the first one')"
        )
        await bow.open_again()
        await until(connection, await request(connection, "read"), CommandState.DONE)
    assert sent(bow) == [40, "read", 60, 60, "read", "read"]
    said = [record.getMessage() for record in caplog.records if "calibration bow-1" in record.getMessage()]
    assert [line.partition(" (was")[0] for line in said] == [
        "calibration bow-1@1, threshold=40: active",
        "calibration bow-1@2, gain=2.0 threshold=60: active",
        (
            "calibration bow-1@2, gain=2.0 threshold=60: not active: it is jammed. The next opening of the device sends it "
            "again; or set it: `archstats-sensor devices config bow-1 gain=2.0 threshold=60`"
        ),
    ]


class Answering(ForgetfulBow):
    """Answers as a test says."""

    answer: CommandResult | Exception | None = None

    async def execute(self, command: Command, report: object = None) -> CommandResult:
        del command, report
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or CommandResult(ok=True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (CommandResult(ok=True, values={"threshold": 100}), "the device keeps threshold 100"),
        (CommandResult(ok=False, error="out of range"), "out of range"),
        (DeviceLost("the line is closed", device="bow-1", hint=""), "the line is closed"),
        (KeyError("threshold"), "defect of the driver: KeyError: 'threshold'"),
        (None, "the device did not take them within 0.05 s"),
    ],
)
async def test_a_fault_is_a_warning_with_the_remedy(
    answer: CommandResult | Exception | None,
    words: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.sensor.calibrated.APPLIES_WITHIN_S", 0.05)
    keeper, bow = SettingsKeeper("bow-1"), Answering()
    keeper.stored, bow.answer = CalibrationSettings("bow-1@1", {"threshold": 40}), answer
    await keeper.apply(bow)
    assert f"not active: {words}. The next opening" in caplog.text
    assert "devices config bow-1 threshold=40" in caplog.text
    assert not keeper.is_stuck
    assert not keeper.is_due(bow)
    assert keeper.is_due(None), "the driver that is opened next"
