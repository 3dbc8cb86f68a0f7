"""One chaos run: a simulated range, a script of faults, reconnecting viewers, a verdict and its table."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from edge.common.postgres.connection import DATABASE_FAULTS
from tests.acceptance.blind_intervals import as_known, reboots_of, simulators_log
from tests.acceptance.resuming_client import ResumingClient
from tests.acceptance.simulated_range import INSTANT_TOLERANCE_S, truth
from tests.eventually import eventually
from tests.faults.faults import inject
from tests.faults.script import NOISY, Fault, has_chatter, write_script
from tests.faults.testbed import LANES, Testbed, new_testbed
from tests.faults.verdict import Verdict, compare

VIEWERS = 3
SETTLED_WITHIN_S = 90.0
"""Longest wait after the last fault for every program, spool, verdict and viewer to recover."""
RECOVERY_POLL_S = 0.2

_AGE = """
select extract(epoch from clock_timestamp() - min(updated_at))::float8 from device_status
where state = 'ready' and spool_rows = 0 having count(*) = $1
"""
_OWED = """
select count(*) from device_status
where watermark is null or watermark < clock_timestamp() - interval '10 s'
"""
_EVENTS = "select epoch || '-' || xid || '-' || id as name from installation, events order by xid, id"


@dataclass
class InjectedFault:
    """A fault that was injected, and the recovery from it; seconds of the monotonic clock."""

    fault: Fault
    began: float
    ended: float = 0.0
    recovered: float | None = None


@dataclass
class ChaosRun:
    """The record of one run."""

    seed: int
    injected: list[InjectedFault] = field(default_factory=list)
    wire: dict[str, int] = field(default_factory=dict)
    """Count of the faults on the devices' lines, by name."""
    surplus: int = 0
    """Readings of the device that chatters that were left out of shots."""
    verdict: Verdict = field(default_factory=Verdict)


async def run_chaos(folder: Path, seed: int, minutes: float, report: Callable[[str], None]) -> ChaosRun:
    """Run the script of a seed. ``report`` receives a line for each injected fault."""
    run = ChaosRun(seed)
    async with new_testbed(folder, seed, chatter=has_chatter(minutes * 60)) as testbed:
        assert await testbed.running.next_line() is not None, "the range did not start"
        viewers = [ResumingClient(testbed.running.port) for _ in range(VIEWERS)]
        script = write_script(seed, minutes * 60, has_disk=testbed.disk is not None)
        async with asyncio.TaskGroup() as tasks:
            background: list[asyncio.Task[None]] = [tasks.create_task(viewer.run()) for viewer in viewers]
            background += [tasks.create_task(_read_output(testbed)), tasks.create_task(_watch_recovery(testbed, run))]
            await eventually(lambda: all(viewer.streams for viewer in viewers), within_s=60.0)
            began = time.monotonic()
            injecting = [tasks.create_task(_inject(fault, began, testbed, run, report)) for fault in script]
            await asyncio.gather(*injecting)
            await _settle(testbed, viewers, run)
            events = await _events(testbed)
            with suppress(TimeoutError):  # the archers continue to shoot; missing events are differences below
                await eventually(lambda: all(viewer.is_past(events) for viewer in viewers), within_s=30.0)
            for task in background:
                task.cancel()
        testbed.running.process.send_signal(signal.SIGTERM)
        status = await testbed.running.to_the_end(60.0)
        if status:
            run.verdict.hung.append(f"hung: the range ended with status {status}")
        await _judge(testbed, run)
        for viewer in viewers:
            run.verdict.feed += viewer.differences(events)
    return run


async def _inject(fault: Fault, began: float, testbed: Testbed, run: ChaosRun, report: Callable[[str], None]) -> None:
    await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
    injected = InjectedFault(fault, time.monotonic())
    run.injected.append(injected)
    report(f"{fault.at_s:7.1f} s  {fault.name}" + (f" for {fault.duration_s:.1f} s" if fault.duration_s else ""))
    await inject(fault, testbed)
    injected.ended = time.monotonic()


async def _read_output(testbed: Testbed) -> None:
    """Read the range's output, because a full pipe would block it."""
    while await testbed.running.next_line(3600.0) is not None:
        pass


async def _watch_recovery(testbed: Testbed, run: ChaosRun) -> None:
    """Record for each fault when the range had recovered from it."""
    while True:
        await asyncio.sleep(RECOVERY_POLL_S)
        waiting = [s for s in run.injected if s.ended and s.recovered is None]
        age_s = await _age_s(testbed) if waiting else None
        for injected in waiting:
            if age_s is not None and time.monotonic() - age_s > injected.ended:
                injected.recovered = time.monotonic()


async def _age_s(testbed: Testbed) -> float | None:
    """Age of the oldest device status when all devices are ready with empty spools; None when they are not."""
    with suppress(*DATABASE_FAULTS):
        async with asyncio.timeout(2.0), testbed.connection() as connection:
            age_s: float | None = await connection.fetchval(_AGE, 2 * testbed.lanes)
            return age_s
    return None


async def _settle(testbed: Testbed, viewers: list[ResumingClient], run: ChaosRun) -> None:
    """Wait until the range has settled; the rest hangs."""

    async def unsettled() -> list[str]:
        found: list[str] = []
        if any(injected.recovered is None for injected in run.injected):
            found.append("hung: a device is not ready, or its spool is not empty")
        async with testbed.connection() as connection:
            if await connection.fetchval(_OWED):
                found.append("hung: events of a device are not stored")
            if await connection.fetchval("select count(*) from shots where result = 'pending' and arrow_disengage_time"
                                         " < clock_timestamp() - interval '20 s'"):  # fmt: skip
                found.append("hung: a shot stays pending")
        events = await _events(testbed)
        found += [f"hung: viewer {n} lacks events" for n, v in enumerate(viewers) if not v.is_past(events)]
        return found

    deadline = time.monotonic() + SETTLED_WITHIN_S
    while (left := await unsettled()) and time.monotonic() < deadline:
        await asyncio.sleep(RECOVERY_POLL_S)
    run.verdict.hung += left


async def _events(testbed: Testbed) -> list[str]:
    async with testbed.connection() as connection:
        return [row["name"] for row in await connection.fetch(_EVENTS)]


async def _judge(testbed: Testbed, run: ChaosRun) -> None:
    """Compare the shots with the truth up to the instant that the range reports as decided."""
    expected = await truth(testbed.running, LANES)
    until = datetime.fromisoformat(str(testbed.running.lines[-1]["until"])) - timedelta(seconds=INSTANT_TOLERANCE_S)
    async with testbed.connection() as connection:
        rows = await connection.fetch(
            "select * from shots where result <> 'void' and lane <= $2 and session_id <> all($3)"
            " and coalesce(arrow_disengage_time, arrow_landing_time) < $1 order by arrow_disengage_time, lane",
            until, LANES, testbed.earlier.sessions,
        )  # fmt: skip
        run.surplus = await connection.fetchval(
            "select count(*) from readings where is_surplus and device_id = $1", NOISY
        )
        run.verdict.wrong += await testbed.earlier.differences(connection)
        quarantined = await connection.fetchval("select count(*) from quarantine")
        firmwares = await connection.fetch("select firmware from device_status where firmware is not null")
    if quarantined:
        run.verdict.lost.append(f"lost: {quarantined} readings were quarantined")
    run.verdict.wrong += [
        f"raw text: firmware {row['firmware']!r}" for row in firmwares if not row["firmware"].isprintable()
    ]
    for file in (testbed.running.database_dir / "logs").glob("*.log"):
        raw = [line for line in file.read_text(errors="surrogateescape").split("\n") if not line.isprintable()]
        run.verdict.wrong += [f"raw text in {file.name}: {raw[0]!r}"] if raw else []
    log = simulators_log(testbed.running.database_dir)
    compare(rows, as_known(expected, rows, reboots_of(log)), run.verdict)
    devices = log[-1].get("faults")
    assert isinstance(devices, dict), "the simulated devices did not count their faults"
    for ways in devices.values():
        for faults in ways.values():
            for name, count in faults.items():
                run.wire[name] = run.wire.get(name, 0) + count


def table(run: ChaosRun) -> list[str]:
    """Return the table of a run: one line per kind of fault, then the verdict."""
    kinds: dict[str, list[InjectedFault]] = defaultdict(list)
    for injected in run.injected:
        kinds[injected.fault.name].append(injected)
    lines = [f"{'fault':<34} {'times':>5} {'longest':>8} {'recovered after':>18}"]
    for name, faults in sorted(kinds.items()):
        longest_s = max(injected.ended - injected.began for injected in faults)
        lines.append(f"{name:<34} {len(faults):>5} {longest_s:>6.1f} s {_recovery(faults):>18}")
    lines += [f"{'on the wire: ' + name:<34} {count:>5}" for name, count in sorted(run.wire.items())]
    if run.surplus:
        lines.append(f"{'surplus readings of ' + NOISY:<34} {run.surplus:>5}")
    return [f"seed {run.seed}", *lines, *run.verdict.lines()]


def _recovery(faults: list[InjectedFault]) -> str:
    """Return the longest recovery. Faults overlap, so another fault may have prolonged it."""
    times = [injected.recovered - injected.ended for injected in faults if injected.recovered is not None]
    return f"at most {max(times):.1f} s" if len(times) == len(faults) else "never"
