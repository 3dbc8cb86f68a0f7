"""The driver at its simulated reader: scans, programming, cancelling, lost settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.contract import Command, Progress, Pulse, Reading, Source, StreamStart
from drivers.r200 import codec
from drivers.r200.driver import ArrowReader
from drivers.r200.programming import Phase
from simulators.devices.contract import DeviceSpec
from simulators.hosttime import HostTime
from simulators.stand import served
from tests.drivers.r200.connected import DEVICE, UUID, Connected, connected, settings
from tests.eventually import eventually


def select_mode(there: Connected) -> codec.SelectMode:
    return there.device.reader.settings.select_mode


async def test_a_tag_on_the_pad_is_scanned_and_programmed(tmp_path: Path) -> None:
    """In both dialects at a time: the readers need time, and no processor."""
    async with asyncio.TaskGroup() as tasks:
        for variant in ("desk", "desk-aa"):
            tasks.create_task(scan_and_program(tmp_path, variant))


async def scan_and_program(folder: Path, variant: str) -> None:
    """Scan a tag on the pad of a reader, program and lock it, and scan it again."""
    (folder / variant).mkdir()
    async with connected(folder / variant, variant) as there:
        [tag] = there.place("blank")
        scan = await there.scanned(tag.epc.hex())
        assert scan.source is Source.SIMULATOR
        assert scan.rssi_dbm is not None
        assert -70 < scan.rssi_dbm < -45
        await eventually(lambda: any(isinstance(report, Pulse) for report in there.reports))

        done = await there.program(lock=True)
        assert done.ok, done
        assert (tag.epc.hex(), done.values["is_locked"]) == (UUID, True)
        assert select_mode(there) is codec.SelectMode.NEVER
        await there.scanned(UUID)
        raw = await there.run("raw_reads")
        assert isinstance(raw.values["1"], str)
        assert UUID in raw.values["1"]
        assert "set_up_again" not in there.driver.counters()
    phases = [progress.phase for progress in there.progress]
    assert phases[-1] == Phase.CLEANING
    assert {Phase.WRITING, Phase.LOCKING, Phase.PROVING, Phase.VERIFYING_BANK} <= set(phases)
    assert all((progress.done or 0) <= (progress.total or 0) for progress in there.progress)


async def test_other_tags_are_refused_and_unchanged(tmp_path: Path) -> None:
    async with connected(tmp_path) as there:
        for names, refusal in (
            ((), "no_tag"),
            (("blank", "small"), "several_tags"),
            (("small",), "too_small"),
        ):
            there.place(*names)
            found = await there.run("inspect_tag")
            assert (found.ok, found.values["refusal"]) == (False, refusal)
            assert found.error
        for name, refusal in (("permalocked", "locked_forever"), ("password", "password_locked")):
            [tag] = there.place(name)
            before = tag.epc_memory
            refused = await there.program()
            assert (refused.values["refusal"], tag.epc_memory) == (refusal, before)
            assert refused.values["written"] is False, "a read proves that nothing was written"
            assert "its memory is unchanged" in str(refused.error)
            assert select_mode(there) is codec.SelectMode.NEVER
        memory = before.hex()
        there.place("blank")
        other = await there.run("program_arrow", epc=UUID, tid="00" * 12, memory=memory)
        assert (other.values["refusal"], other.values["written"]) == ("other_tag", False)


async def test_a_cancelled_write_leaves_the_select_mode(tmp_path: Path) -> None:
    async with connected(tmp_path) as there:
        [tag] = there.place("blank")
        found = await there.run("inspect_tag")
        writes = asyncio.Event()

        def on_progress(progress: Progress) -> None:
            there.progress.append(progress)
            if progress.phase == Phase.WRITING:
                assert progress.values["written"] is True
                writes.set()

        arguments = {"epc": UUID, "tid": found.values["tid"], "memory": found.values["memory"]}
        command = asyncio.create_task(there.driver.execute(Command("program_arrow", arguments), on_progress))
        await writes.wait()
        command.cancel()
        async with asyncio.timeout(3.0):
            await asyncio.wait((command,))
        assert command.cancelled()
        assert select_mode(there) is codec.SelectMode.NEVER

        assert (await there.program()).ok
        assert tag.epc.hex() == UUID


async def test_a_tag_that_leaves_during_the_write_is_finished(tmp_path: Path) -> None:
    async with connected(tmp_path) as there:
        [tag] = there.place("blank")
        found = await there.run("inspect_tag")
        arguments = {"epc": UUID, "tid": found.values["tid"], "memory": found.values["memory"]}

        def on_progress(progress: Progress) -> None:
            if progress.phase == Phase.WRITING:
                asyncio.get_running_loop().call_later(0.045, there.place)

        left = await there.driver.execute(Command("program_arrow", arguments), on_progress)
        assert (left.values["refusal"], left.values["written"]) == ("tag_left", True)
        there.place(tag.tid.hex())
        assert (await there.program()).ok
        assert tag.epc.hex() == UUID


async def test_a_reader_that_lost_its_settings_is_set_up_again(tmp_path: Path) -> None:
    async with connected(tmp_path) as there:
        there.device.reboot(there.host.now_us(), 0)
        there.driver._check_ns = 0
        own = there.device.reader
        await eventually(lambda: own.settings.region is codec.Region.EU and own.settings.power_dbm == 15.0)
        await eventually(lambda: there.driver.counters().get("set_up_again") == 1)

        there.device.reboot(there.host.now_us(), 0)
        assert (await there.program()).ok
        assert own.settings.power_dbm == 15.0


async def test_reads_are_measured_and_the_power_restored(tmp_path: Path) -> None:
    async with connected(tmp_path) as there:
        [tag] = there.place("blank")
        measured = await there.run("measure_reads", power_dbm=10.0, rounds=24)
        assert measured.ok
        assert (measured.values["rounds"], measured.values["power_dbm"]) == (24, 10.0)
        assert 0 < int(measured.values[tag.epc.hex()]) < 24
        assert there.device.reader.settings.power_dbm == 15.0

        refused = await there.run("measure_reads", power_dbm=2.0, rounds=8)
        assert refused.values["refusal"] == "reader_refused"
        measuring = asyncio.create_task(there.run("measure_reads", power_dbm=20.0, rounds=100))
        await eventually(lambda: there.device.reader.settings.power_dbm == 20.0)
        measuring.cancel()
        await asyncio.wait((measuring,))
        assert there.device.reader.settings.power_dbm == 15.0


async def test_the_power_is_configured_and_the_region_is_not(tmp_path: Path) -> None:
    async with connected(tmp_path) as there:
        configured = await there.run("configure", power_dbm=12.5)
        assert configured.values == {"power_dbm": 12.5, "region": "eu"}
        refused = await there.run("configure", power_dbm=3.0)
        assert (refused.ok, refused.values["power_dbm"]) == (False, 12.5)
        for name, arguments, message in (
            ("configure", {"region": "us"}, "ARCH_STATS_REGION"),
            ("configure", {"power_dbm": 40}, "power_dbm must be a number from 0 to 30"),
            ("configure", {"power_dbm": True}, "power_dbm must be a number"),
            ("configure", {}, "power_dbm must be a number"),
            ("read_config", {"x": 1}, "unknown setting x"),
            ("inspect_tag", {"wait_s": -1}, "wait_s must be"),
            ("program_arrow", {"epc": "12"}, "epc must be 32 hexadecimal digits"),
            ("program_arrow", {"epc": "x" * 32}, "epc must be 32 hexadecimal digits"),
            ("program_arrow", {"lock": 1}, "lock must be true or false"),
            ("no such command", {}, "the commands are configure, inspect_tag"),
        ):
            wrong = await there.run(name, **arguments)
            assert not wrong.ok
            assert message in (wrong.error or "")
        assert (await there.run("read_config")).values == {"power_dbm": 12.5, "region": "eu"}


@pytest.mark.parametrize("command", [codec.SLEEP, codec.MultiInventory(60_000)])
async def test_a_reader_in_another_state_is_opened(tmp_path: Path, command: codec.HostCommand) -> None:
    """It sleeps and swallows the first byte, or repeats inventories that a killed daemon started."""
    port = tmp_path / DEVICE
    async with served(DeviceSpec(DEVICE, "arrow.r200", 1, "desk"), port) as device:
        device.receive(codec.encode_command(command, codec.Dialect.M100), HostTime.anchor().now_us())
        driver = ArrowReader(DEVICE, settings(port))
        try:
            identity = await driver.open()
            assert (identity.firmware, identity.source) == ("V2.3.5 simulator", Source.SIMULATOR)
            assert isinstance(await anext(driver.readings()), StreamStart)
        finally:
            await driver.close()


async def test_inventories_keep_their_interval(tmp_path: Path) -> None:
    """Also while every read is a reading."""
    port = tmp_path / DEVICE
    async with served(DeviceSpec(DEVICE, "arrow.r200", 1, "desk"), port):
        driver = ArrowReader(DEVICE, settings(port, poll_ms=150, debounce_s=0))
        try:
            await driver.open()
            reports = driver.readings()
            found: list[Reading] = []
            while len(found) < 4:
                report = await anext(reports)
                found += [report] if isinstance(report, Reading) else []
        finally:
            await driver.close()
    stamps = [reading.stamp.mono_ns or 0 for reading in found]
    assert [reading.seq for reading in found] == [1, 2, 3, 4]
    assert stamps[-1] - stamps[0] >= 3 * 140_000_000
