"""The link drivers on a pseudo terminal, with a scripted node."""

from __future__ import annotations

import asyncio
import logging
import time
from uuid import uuid4

import pytest

from drivers.clock.filter import mono_of
from drivers.clock.host import host_boot_id
from drivers.contract import (
    ClockModel,
    Command,
    CommandResult,
    Progress,
    Pulse,
    Reading,
    ReadingKind,
    ReleaseCause,
    StreamStart,
    stream_of,
)
from drivers.errors import DeviceLost
from drivers.link import commands as commands_module
from drivers.link import driver as driver_module
from drivers.link.codec import (
    Ack,
    ConfigRead,
    EarlierBoot,
    Engage,
    Landing,
    Log,
    Nak,
    NodeKind,
    Release,
    ReleaseCode,
    Tags,
)
from drivers.link.driver import LinkSettings, TargetLink
from tests.drivers.link.fake_node import ScriptedNode, alive
from tests.drivers.listening import TAG, bow, heard, listening
from tests.drivers.serial_lines import FarEnd
from tests.eventually import eventually
from tests.timing import limit_s


async def test_a_stream_starts_before_its_clock_and_its_readings(far: FarEnd, pytestconfig: pytest.Config) -> None:
    millisecond = limit_s(pytestconfig, 1e-3)
    before = EarlierBoot(999, 998, 4, 0, 9_000_000, 1_000_000)
    async with alive(ScriptedNode(far, blind_us=2_000_000, earlier=(before,))) as node:
        node.zero_ns = time.monotonic_ns() - 250_000_000
        driver = bow(far)
        await driver.open()
        event_ns = time.monotonic_ns()
        node.send(Engage(-50, TAG), seq=1, t_us=node.ticks(event_ns))  # before the clock is known
        node.last_seq = 1
        node.beat()
        async with listening(driver) as listener:
            reading = await listener.next(Reading)
            first, start, clock, pulse = listener.reports[:4]

    assert isinstance(first, StreamStart)
    assert (first.stream_id, first.previous_stream_id) == (stream_of("bow-1", 3, 999), stream_of("bow-1", 3, 998))
    assert first.blind_since is not None
    assert first.blind_since.mono_ns == pytest.approx(node.zero_ns - 10e9, abs=1e6)
    assert first.stamp.mono_ns == pytest.approx(node.zero_ns - 9e9, abs=1e6)
    assert isinstance(start, StreamStart)
    assert start.stream_id == reading.stream_id == stream_of("bow-1", 3, 1000)
    assert (start.previous_stream_id, start.previous_last_seq) == (stream_of("bow-1", 3, 999), 4)
    assert start.stamp.mono_ns == pytest.approx(node.zero_ns, abs=millisecond * 1e9)
    assert start.blind_since is not None
    assert start.blind_since.mono_ns == pytest.approx(node.zero_ns - 2e9, abs=millisecond * 1e9)
    assert isinstance(clock, ClockModel)
    assert clock.stream_id == start.stream_id
    assert reading.stamp.mono_ns == pytest.approx(event_ns, abs=millisecond * 1e9)
    assert reading.stamp.uncertainty_s is not None
    assert reading.stamp.uncertainty_s < 2 * millisecond
    assert reading.stamp.host_boot_id == host_boot_id()
    assert reading.received_at >= reading.stamp.at
    assert (reading.kind, reading.seq, reading.tag, reading.rssi_dbm) == (ReadingKind.ENGAGE, 1, TAG, -50)
    assert reading.reason is None
    assert isinstance(pulse, Pulse)
    assert (pulse.last_seq, pulse.battery_percent, pulse.rssi_dbm, pulse.pending) == (1, 80, -60, 0)


async def test_a_missing_value_is_none_with_a_reason(far: FarEnd) -> None:
    async with alive(ScriptedNode(far, kind=NodeKind.TARGET)) as node:
        driver = TargetLink("target-1", LinkSettings(port=str(far.path)))
        await driver.open()
        async with listening(driver) as listener:
            node.send(Landing(None, 12.5, None, TAG), seq=1)
            node.send(Landing(1.25, -7.0, 90, None), seq=2)
            node.send(Tags((TAG, "00ff")), seq=3)
            node.send(Release(ReleaseCode.REMOVED, TAG), seq=4)
            lost, found, tags, removed = [await listener.next(Reading) for _ in range(4)]

    assert (lost.x_mm, lost.y_mm, lost.reason) == (None, 12.5, "the sensor gave no position")
    assert (found.x_mm, found.y_mm, found.quality, found.tag) == (1.25, -7.0, 90, None)
    assert found.reason == "the arrow's tag was not read"
    assert (tags.tags, tags.reason) == (("00ff", TAG), None)
    assert removed.cause is ReleaseCause.REMOVED


async def test_readings_of_a_node_without_clock_are_not_dated(
    far: FarEnd, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setattr("drivers.link.boot.CLOCK_WITHIN_NS", 1_500_000_000)
    async with alive(ScriptedNode(far, answers_time=False)) as node:
        driver = bow(far)
        before = time.monotonic()
        await driver.open()
        async with listening(driver) as listener:
            node.send(Engage(-50, TAG), seq=1)
            start = await listener.next(StreamStart)
            reading = await listener.next(Reading)
            assert 1.5 <= time.monotonic() - before < limit_s(pytestconfig, 3.0)

            node.answers_time = True
            await listener.next(ClockModel)
            node.send(Release(ReleaseCode.SHOT, TAG), seq=2)
            dated = await listener.next(Reading)

    assert start.stamp.uncertainty_s is None
    assert start.blind_since is None
    assert (reading.stamp.uncertainty_s, reading.stamp.mono_ns) == (None, None)
    assert reading.stamp.at == reading.received_at
    assert reading.reason is not None
    assert "not dated" in reading.reason
    assert dated.stamp.uncertainty_s is not None


async def test_a_stored_clock_dates_an_event_of_an_older_boot(far: FarEnd) -> None:
    now = time.monotonic_ns()
    known = stream_of("bow-1", 3, 900)
    stored = ClockModel(known, host_boot_id(), 5_000_000, now - 60_000_000_000, 0.0, 1e-3, 1e-6)
    other_host = ClockModel(stream_of("bow-1", 3, 901), uuid4(), 5_000_000, now - 60_000_000_000, 0.0, 1e-3, 1e-6)
    async with alive(ScriptedNode(far, earlier=(EarlierBoot(902, 0, 9, 1, None, None),))) as node:
        driver = bow(far, clocks=(stored, other_host))
        await driver.open()
        async with listening(driver) as listener:
            start = await listener.next(StreamStart)
            for boot_id in (900, 901, 902):
                node.send(Engage(-50, TAG), seq=7, boot_id=boot_id, t_us=6_000_000)
            readings = {reading.stream_id: reading for reading in [await listener.next(Reading) for _ in range(3)]}

            for reading in readings.values():
                await driver.acknowledge(reading)
            acknowledged = {(f.boot_id, f.seq) for f in await heard(node, Ack, 3)}

    assert (start.previous_stream_id, start.blind_since) == (stream_of("bow-1", 3, 902), None)
    assert readings[known].stamp.mono_ns == now - 59_000_000_000
    for boot_id in (901, 902):
        undated = readings[stream_of("bow-1", 3, boot_id)]
        assert (undated.stamp.uncertainty_s, undated.stamp.mono_ns) == (None, None)
    assert acknowledged == {(900, 7), (901, 7), (902, 7)}


async def test_an_implausible_time_stamp_is_not_used(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver) as listener:
            node.send(Engage(-50, TAG), seq=1, t_us=(1 << 64) - 1)
            node.send(Engage(-50, TAG), seq=2, t_us=node.ticks() + 60_000_000)
            for _ in range(2):
                reading = await listener.next(Reading)
                assert reading.stamp.uncertainty_s is None
                assert reading.reason is not None
                assert "not plausible" in reading.reason


async def test_a_reboot_starts_a_stream_although_its_hello_is_lost(far: FarEnd, pytestconfig: pytest.Config) -> None:
    millisecond_ns = limit_s(pytestconfig, 1e-3) * 1e9
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver) as listener:
            await listener.next(StreamStart)
            node.send(Engage(-50, TAG), seq=1)
            await listener.next(Reading)
            node.last_seq = 2  # event 2 will be re-sent
            released_ns = time.monotonic_ns()
            late = node.ticks(released_ns)

            node.reboot(2000, blind_us=300_000, keeps=1)
            node.send(Release(ReleaseCode.SHOT, TAG), seq=2, boot_id=1000, t_us=late)
            node.send(Engage(-50, TAG), seq=1, t_us=node.ticks(node.zero_ns) + 1000)  # without a HELLO before it
            start = await listener.next(StreamStart)
            first, second = await listener.next(Reading), await listener.next(Reading)

    assert start.stream_id == stream_of("bow-1", 3, 2000)
    assert (start.previous_stream_id, start.previous_last_seq) == (stream_of("bow-1", 3, 1000), 2)
    assert start.blind_since is not None
    assert start.blind_since.mono_ns == pytest.approx(node.zero_ns - 300e6, abs=2 * millisecond_ns)
    by_stream = {reading.stream_id: reading for reading in (first, second)}
    assert by_stream[start.stream_id].stamp.mono_ns == pytest.approx(node.zero_ns + 1e6, abs=millisecond_ns)
    old = by_stream[stream_of("bow-1", 3, 1000)]
    assert (old.seq, old.kind) == (2, ReadingKind.RELEASE)
    assert old.stamp.mono_ns == pytest.approx(released_ns, abs=millisecond_ns)


async def test_unseen_boot_reports_its_events(far: FarEnd, pytestconfig: pytest.Config) -> None:
    millisecond_ns = limit_s(pytestconfig, 1e-3) * 1e9
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver) as listener:
            await listener.next(StreamStart)
            node.reboot(2000, blind_us=100_000)
            short_ns, node.last_seq = node.zero_ns, 1
            time.sleep(0.01)  # noqa: ASYNC251 - the length of the boot; the loop is blocked, so the hub does not see it
            node.reboot(3000, blind_us=5_000, keeps=1)
            node.hello()
            node.send(Engage(-50, TAG), seq=1, boot_id=2000, t_us=1_000)
            between, start = await listener.next(StreamStart), await listener.next(StreamStart)
            reading = await listener.next(Reading)
            clock = next(r for r in listener.reports if isinstance(r, ClockModel) and r.stream_id == between.stream_id)

    assert between.stream_id == reading.stream_id == stream_of("bow-1", 3, 2000)
    assert between.previous_stream_id == stream_of("bow-1", 3, 1000)
    assert between.blind_since is not None
    assert between.blind_since.mono_ns == pytest.approx(short_ns - 100e6, abs=millisecond_ns)
    assert (start.previous_stream_id, start.previous_last_seq) == (between.stream_id, 1)
    assert start.blind_since is not None
    assert start.blind_since.mono_ns == pytest.approx(node.zero_ns - 5e6, abs=millisecond_ns)
    assert reading.stamp.mono_ns == pytest.approx(short_ns + 1e6, abs=millisecond_ns)
    assert mono_of(clock, 1_000) == pytest.approx(reading.stamp.mono_ns, abs=1e5)


async def test_missing_heartbeats_raise_device_lost(
    far: FarEnd, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver) as listener:
            await listener.next(StreamStart)
            node.answers_time = False
            before = time.monotonic()
            node.beat()
            await listener.next(Pulse)
            monkeypatch.setattr(driver_module, "SILENT_NS", 900_000_000)
            with pytest.raises(DeviceLost, match="silent") as raised:
                await listener.next(Reading)
            assert 0.9 <= time.monotonic() - before < limit_s(pytestconfig, 3.5)  # it may still wait for the former 3 s
    assert "switched on" in raised.value.hint


async def test_an_unplugged_cable_raises_device_lost(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)):
        driver = bow(far)
        await driver.open()
    async with listening(driver) as listener:
        await asyncio.sleep(0)  # one turn of the loop, in which the reading task starts and waits
        far.hang_up()
        with pytest.raises(DeviceLost, match=r"the line .* failed"):
            await listener.next(Reading)
        lines = driver.flight_record()
    assert any(" > " in line for line in lines)
    assert any(" < " in line for line in lines)


async def test_frames_of_another_node_are_counted_and_ignored(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far, node=3)
        await driver.open()
        async with listening(driver) as listener:
            await listener.next(StreamStart)
            stranger = ScriptedNode(far, number=4)
            stranger.send(Engage(-50, TAG), seq=1)
            stranger.hello()
            node.send(Engage(-40, TAG), seq=1)
            assert (await listener.next(Reading)).rssi_dbm == -40
            assert driver.counters()["other_node"] == 2


async def test_noise_damages_no_other_frame(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver) as listener:
            await listener.next(StreamStart)
            far.send(b"\xff\x80 noise \x00\x05\x01\x00")
            node.send(Engage(-40, TAG), seq=1)
            assert (await listener.next(Reading)).seq == 1
            counters = driver.counters()
    assert counters["bad_cobs"] + counters["truncated"] + counters["bad_crc"] == 2


async def test_the_configuration_is_set_and_read_back(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver):
            read = await driver.execute(Command("read_config"))
            put = await driver.execute(Command("configure", {"threshold": 300, "window_ms": 40}))
            other = await driver.execute(Command("configure", {"threshold": 300, "window_ms": 9999}))
            partial = await driver.execute(Command("configure", {"threshold": 310}))
            bad = await driver.execute(Command("configure", {"threshold": -1, "window_ms": 40}))
            mistyped = await driver.execute(Command("configure", {"height": 1}))
            empty = await driver.execute(Command("configure"))
            unknown = await driver.execute(Command("explode"))
            node.config = None
            monkeypatch.setattr(commands_module, "ANSWER_S", 0.1)
            repeats: list[Progress] = []
            none = await driver.execute(Command("read_config"), repeats.append)

    assert read == CommandResult(ok=True, values={"threshold": 100, "window_ms": 50})
    assert put == CommandResult(ok=True, values={"threshold": 300, "window_ms": 40})
    assert other == CommandResult(
        ok=False, values={"threshold": 300, "window_ms": 1000}, error="the node kept other values"
    )
    assert partial == CommandResult(ok=True, values={"threshold": 310, "window_ms": 1000})
    assert not bad.ok
    assert mistyped.error == "unknown setting height; the settings are threshold and window_ms"
    assert empty.error == "no setting is given; the settings are threshold and window_ms"
    assert not unknown.ok
    assert repeats == [Progress("sends the request again", sent, 4) for sent in (1, 2, 3)]
    assert not none.ok
    assert none.error is not None
    assert "did not answer" in none.error


async def test_commands_end_with_a_refusal_or_a_closed_line(far: FarEnd) -> None:
    async with alive(ScriptedNode(far, config=None)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver):
            asking = asyncio.create_task(driver.execute(Command("read_config")))
            [question, *_] = await heard(node, ConfigRead)
            node.send(Nak(3), seq=question.seq)
            assert (await asking).error == "the node refused: busy"

            node.received.clear()
            asking = asyncio.create_task(driver.execute(Command("read_config")))
            await heard(node, ConfigRead)
            await driver.close()
            with pytest.raises(DeviceLost):
                await asking


async def test_acknowledgements_share_one_write(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        async with listening(driver) as listener:
            for seq in range(1, 33):
                node.send(Engage(-50, TAG), seq=seq)
            readings = [await listener.next(Reading) for _ in range(32)]
            for reading in readings:
                await driver.acknowledge(reading)
            assert [f.seq for f in await heard(node, Ack, 32)] == list(range(1, 33))
            acks = [line for line in driver.flight_record() if " > 030112" in line]
    assert len(acks) == 32
    assert len({line.split()[0] for line in acks}) == 1, "more than one write"


async def test_log_lines_of_the_node_are_rate_limited(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "drivers")
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)

        async def taken(count: int) -> None:
            await eventually(lambda: len(caplog.records) + driver.counters()["logs_dropped"] >= count)

        await driver.open()
        async with listening(driver) as listener:
            node.send(Log(4, "battery is low"))
            for number in range(100):
                node.send(Log(6, f"chatter {number}"))
                if number % 20 == 0:  # the line holds only so much
                    await taken(number + 2)
            node.send(Engage(-50, TAG), seq=1)
            await listener.next(Reading)
            dropped = driver.counters()["logs_dropped"]

    said = [record for record in caplog.records if record.name == "drivers.link.driver"]
    assert said[0].levelno == logging.WARNING
    assert said[0].getMessage() == "bow-1 reports: battery is low"
    assert len(said) + dropped == 101
    assert len(said) <= 60  # thirty a minute, and the minute may turn


async def test_endless_noise_does_not_count_as_a_sign_of_life(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "SILENT_NS", 400_000_000)
    async with alive(ScriptedNode(far)):
        driver = bow(far)
        await driver.open()
    async with listening(driver) as listener, asyncio.timeout(20):
        while not listener.task.done():
            far.send_some(b"\x05\x02\x07\x03\x01\x00" * 10)
            await asyncio.sleep(0)  # gives the driver its turn, and keeps the line full
        with pytest.raises(DeviceLost, match="silent"):
            listener.task.result()
