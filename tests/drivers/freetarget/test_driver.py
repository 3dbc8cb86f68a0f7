"""The driver on a terminal: identity, errors of opening, commands."""

from __future__ import annotations

import asyncio
import logging

import pytest

from drivers.contract import Command, Progress, Reading
from drivers.errors import DeviceLost, DeviceUnavailable, ProtocolError
from drivers.freetarget import commands, driver, session
from drivers.freetarget.codec import Dialect
from drivers.freetarget.settings import shown_settings
from tests.drivers.freetarget.far_target import FarTarget, new_driver, reading
from tests.drivers.serial_lines import FarEnd
from tests.eventually import eventually


@pytest.fixture(autouse=True)
def near_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target is in this process, and handles a command at once."""
    monkeypatch.setattr(session, "SPACING_NS", 40_000_000)


async def test_open_names_the_firmware_and_logs_the_settings(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    with FarTarget(far), caplog.at_level(logging.INFO):
        target = new_driver(far)
        identity = await target.open()
        await target.close()

    assert identity.firmware == "4.3.2 September 24, 2024 simulator"
    assert identity.serial == "FET-TARGET 4711"
    assert "target-1 has the settings SENSOR 232, Z_OFFSET 13," in caplog.text


async def test_settings_that_hide_arrows_are_logged(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    with FarTarget(far) as target:
        target.node.settings |= {"MIN_RING_TIME": 501, "FOLLOW_THROUGH": 3}
        one = new_driver(far)
        async with reading(one):
            refused = await one.execute(Command("configure", {"FOLLOW_THROUGH": 3}))
    assert refused.error == "FOLLOW_THROUGH must be a whole number from 0 to 0, not 3"
    for remedy in ("target-1 MIN_RING_TIME=500`", "target-1 FOLLOW_THROUGH=0`"):
        assert remedy in caplog.text


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_an_impact_becomes_a_landing(far: FarEnd, dialect: Dialect) -> None:
    with FarTarget(far, dialect) as target:
        async with reading(new_driver(far)) as reader:
            target.sense(-61.29, 0.05)
            await eventually(lambda: any(isinstance(report, Reading) for report in reader.reports))
    [landing] = [report for report in reader.reports if isinstance(report, Reading)]
    assert (landing.x_mm, landing.y_mm, landing.seq) == (-61.29, 0.05, 1)


@pytest.mark.parametrize("dialect", [Dialect.V3, Dialect.V4])
async def test_a_target_that_moves_impacts_is_refused(far: FarEnd, dialect: Dialect) -> None:
    with FarTarget(far, dialect) as target:
        target.node.settings["TARGET_TYPE"] = 4
        with pytest.raises(ProtocolError, match=r"nearest of several bulls \(TARGET_TYPE 4\)") as raised:
            await opened_and_closed(far)
    assert '{"TARGET_TYPE":0}' in raised.value.hint


async def test_firmware_6_is_set_to_raw_positions(far: FarEnd) -> None:
    with FarTarget(far, Dialect.V6) as target:
        target.node.settings["TARGET_TYPE"] = 5
        async with reading(new_driver(far)):
            assert target.node.settings["TARGET_TYPE"] == 0


async def test_a_target_that_begins_to_move_impacts_is_refused(far: FarEnd) -> None:
    with FarTarget(far) as target:
        async with reading(new_driver(far)) as reader:
            target.node.settings["TARGET_TYPE"] = 4
            target.sense(30.0, 30.0)
            await asyncio.wait((reader.task,), timeout=20)
            with pytest.raises(ProtocolError, match="nearest of several bulls"):
                reader.task.result()


async def test_silence_at_open_is_device_unavailable(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "MEET_S", 0.3)
    with FarTarget(far) as target:
        target.answers = False
        with pytest.raises(DeviceUnavailable, match="no freETarget answers") as raised:
            await opened_and_closed(far)
    assert target.received == b'{"VERSION":0}'
    assert raised.value.hint


async def test_bytes_of_another_device_are_a_protocol_error(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "MEET_S", 0.3)
    asyncio.get_running_loop().call_later(0.1, far.send, b"\x01\x02 $GPGGA,123519,4807.038,N\r\n" * 5)
    with pytest.raises(ProtocolError, match="are not those of a freETarget"):
        await opened_and_closed(far)


async def test_a_target_without_settings_is_a_protocol_error(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "OPEN_S", 0.6)
    with FarTarget(far) as target:
        target.node.settings.clear()
        with pytest.raises(ProtocolError, match="did not print its settings"):
            await opened_and_closed(far)


async def test_a_silent_target_is_lost(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SILENT_NS", 300_000_000)
    with FarTarget(far) as target:
        async with reading(new_driver(far)) as reader:
            target.answers = False
            await asyncio.wait((reader.task,), timeout=20)
            with pytest.raises(DeviceLost, match="silent") as raised:
                reader.task.result()
    assert raised.value.silent


def test_a_length_may_have_a_fraction_however_it_is_printed() -> None:
    shown = shown_settings({"SENSOR": 232, "Z_OFFSET": 13, "NAME": "FET", "OTHER": 1})
    assert shown == {"SENSOR": 232.0, "Z_OFFSET": 13}
    assert [type(value) for value in shown.values()] == [float, int]


async def test_settings_are_set_in_any_case_and_read_back(far: FarEnd) -> None:
    reported: list[Progress] = []
    with FarTarget(far) as target:
        one = new_driver(far)
        async with reading(one):
            done = await one.execute(Command("configure", {"sensor": 707, "Z_OFFSET": 18}), reported.append)
    assert (done.ok, done.error) == (True, None)
    assert (done.values["SENSOR"], done.values["Z_OFFSET"], done.values["LED_BRIGHT"]) == (707.0, 18, 50)
    assert (target.node.settings["SENSOR"], target.node.settings["Z_OFFSET"]) == (707.0, 18)
    assert [progress.phase for progress in reported] == [
        "sending 2 settings",
        "waiting for the target to print its settings",
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"SENSOR": 10}, "SENSOR must be a number from 50 to 2000, not 10"),
        ({"Z_OFFSET": 1.5}, "Z_OFFSET must be a whole number from 0 to 200, not 1.5"),
        ({"LED_BRIGHT": "bright"}, "LED_BRIGHT must be a whole number from 0 to 100, not 'bright'"),
        ({"SEND_MISS": True}, "SEND_MISS must be a whole number from 0 to 1, not True"),
        ({"TARGET_TYPE": 4}, "TARGET_TYPE must be a whole number from 0 to 1, not 4"),
        ({"WIFI_PWD": "x"}, "WIFI_PWD is no setting of this target; its settings are SENSOR, Z_OFFSET, ANGLE"),
        ({"VREF_LO": 1.0}, "VREF_LO is no setting of this target"),
        ({}, "no setting is given"),
    ],
)
async def test_a_wrong_setting_is_refused_and_nothing_is_sent(
    far: FarEnd, arguments: dict[str, int | float | str | bool], error: str
) -> None:
    with FarTarget(far) as target:
        one = new_driver(far)
        async with reading(one):
            before = target.received.count(b"{")
            refused = await one.execute(Command("configure", arguments))
            assert target.received.count(b"{") <= before + 1  # a question for the version
    assert not refused.ok
    assert refused.error is not None
    assert error in refused.error


async def test_a_locked_target_refuses_settings(far: FarEnd) -> None:
    with FarTarget(far) as target:
        one = new_driver(far)
        async with reading(one):
            target.node._lock = 1234
            refused = await one.execute(Command("configure", {"SENSOR": 707}))
    assert not refused.ok
    assert refused.error is not None
    assert "its settings are locked" in refused.error


async def test_a_target_that_keeps_another_value_is_reported(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    with FarTarget(far) as target:
        one = new_driver(far)
        async with reading(one):
            execute = target.node._execute
            monkeypatch.setattr(
                target.node, "_execute", lambda key, *rest: [] if key == "SENSOR" else execute(key, *rest)
            )
            refused = await one.execute(Command("configure", {"SENSOR": 707}))
    assert refused.error == "the target kept other values of SENSOR"
    assert refused.values["SENSOR"] == 232.0


async def test_a_target_that_prints_no_settings_ends_the_command(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ANSWER_S", 0.3)
    with FarTarget(far) as target:
        one = new_driver(far)
        async with reading(one):
            target.answers = False
            failed = await one.execute(Command("read_config"))
    assert failed.error == "the target did not print its settings within 0.3 s; try again while no arrow lands"


async def test_close_ends_a_running_command(far: FarEnd) -> None:
    with FarTarget(far) as target:
        one = new_driver(far)
        async with reading(one):
            target.answers = False
            running = asyncio.create_task(one.execute(Command("read_config")))
            await eventually(lambda: target.received.count(b"ECHO") == 2)
            await one.close()
            with pytest.raises(DeviceLost, match="the line is closed"):
                await running
            with pytest.raises(DeviceLost, match="the line is closed"):
                await one.execute(Command("read_config"))


async def opened_and_closed(far: FarEnd) -> None:
    one = new_driver(far)
    try:
        await one.open()
    finally:
        await one.close()
