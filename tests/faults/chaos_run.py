"""One run: a range that shoots, a script of blows, viewers that come back, and the verdict at the end."""

from __future__ import annotations

import asyncio
import signal
import time
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
from tests.faults.faults import strike
from tests.faults.script import Blow, write_script
from tests.faults.testbed import LANES, Field, field_of
from tests.faults.verdict import Verdict, compare

VIEWERS = 3
SETTLED_WITHIN_S = 90.0
"""After the last blow: every program back, every spool empty, every verdict given, every viewer up to date."""
WHOLE_EVERY_S = 0.2

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
class Struck:
    """A blow that was dealt, and when the range was whole again; seconds of the monotonic clock."""

    blow: Blow
    began: float
    ended: float = 0.0
    whole_again: float | None = None
    fault: str = ""


@dataclass
class Battle:
    """What happened."""

    seed: int
    struck: list[Struck] = field(default_factory=list)
    wire: dict[str, int] = field(default_factory=dict)
    """What befell the devices' lines and the devices, by name."""
    verdict: Verdict = field(default_factory=Verdict)


async def fight(folder: Path, seed: int, minutes: float, tell: Callable[[str], None]) -> Battle:
    """Run it; ``tell`` hears each blow as it falls."""
    battle = Battle(seed)
    async with field_of(folder, seed) as ground:
        assert await ground.running.next_line() is not None, "the range did not start"
        viewers = [ResumingClient(ground.running.port) for _ in range(VIEWERS)]
        script = write_script(seed, minutes * 60, has_disk=ground.disk is not None)
        async with asyncio.TaskGroup() as tasks:
            lasting: list[asyncio.Task[None]] = [tasks.create_task(viewer.run()) for viewer in viewers]
            lasting += [tasks.create_task(_read_on(ground)), tasks.create_task(_watch(ground, battle))]
            await eventually(lambda: all(viewer.streams for viewer in viewers), within_s=60.0)
            began = time.monotonic()
            blows = [tasks.create_task(_deal(blow, began, ground, battle, tell)) for blow in script]
            await asyncio.gather(*blows)
            await _settle(ground, viewers, battle)
            events = await _events(ground)
            with suppress(TimeoutError):  # the archers shoot on; what is not told then is a difference below
                await eventually(lambda: all(viewer.is_past(events) for viewer in viewers), within_s=30.0)
            for task in lasting:
                task.cancel()
        ground.running.process.send_signal(signal.SIGTERM)
        status = await ground.running.to_the_end(60.0)
        if status:
            battle.verdict.hung.append(f"hung: the range ended with status {status}")
        await _judge(ground, battle)
        for viewer in viewers:
            battle.verdict.feed += viewer.differences(events)
    return battle


async def _deal(blow: Blow, began: float, ground: Field, battle: Battle, tell: Callable[[str], None]) -> None:
    await asyncio.sleep(max(0.0, began + blow.at_s - time.monotonic()))
    struck = Struck(blow, time.monotonic())
    battle.struck.append(struck)
    tell(f"{blow.at_s:7.1f} s  {blow.name}" + (f" for {blow.lasts_s:.1f} s" if blow.lasts_s else ""))
    await strike(blow, ground)
    struck.ended = time.monotonic()


async def _read_on(ground: Field) -> None:
    """Take what the range prints, or its pipe fills."""
    while await ground.running.next_line(3600.0) is not None:
        pass


async def _watch(ground: Field, battle: Battle) -> None:
    """Note for each blow when the range was whole again after it."""
    while True:
        await asyncio.sleep(WHOLE_EVERY_S)
        waiting = [s for s in battle.struck if s.ended and s.whole_again is None]
        age_s = await _age_s(ground) if waiting else None
        for struck in waiting:
            if age_s is not None and time.monotonic() - age_s > struck.ended:
                struck.whole_again = time.monotonic()


async def _age_s(ground: Field) -> float | None:
    """How old the oldest word of a device is when all are ready and nothing is in a spool; None when they are not."""
    with suppress(*DATABASE_FAULTS):
        async with asyncio.timeout(2.0), ground.connection() as connection:
            age_s: float | None = await connection.fetchval(_AGE, 2 * LANES)
            return age_s
    return None


async def _settle(ground: Field, viewers: list[ResumingClient], battle: Battle) -> None:
    """Wait until nothing is under way any more; what still is then is hung."""

    async def unsettled() -> list[str]:
        found: list[str] = []
        if any(struck.whole_again is None for struck in battle.struck):
            found.append("hung: a device is not ready, or its spool does not empty")
        async with ground.connection() as connection:
            if await connection.fetchval(_OWED):
                found.append("hung: what a device sensed does not come")
            if await connection.fetchval("select count(*) from shots where result = 'pending' and arrow_disengage_time"
                                         " < clock_timestamp() - interval '20 s'"):  # fmt: skip
                found.append("hung: a shot is pending for ever")
        events = await _events(ground)
        found += [f"hung: viewer {n} is not up to date" for n, v in enumerate(viewers) if not v.is_past(events)]
        return found

    deadline = time.monotonic() + SETTLED_WITHIN_S
    while (left := await unsettled()) and time.monotonic() < deadline:
        await asyncio.sleep(WHOLE_EVERY_S)
    battle.verdict.hung += left


async def _events(ground: Field) -> list[str]:
    async with ground.connection() as connection:
        return [row["name"] for row in await connection.fetch(_EVENTS)]


async def _judge(ground: Field, battle: Battle) -> None:
    """Compare with the truth up to the instant that the range says is decided."""
    expected = await truth(ground.running, LANES)
    until = datetime.fromisoformat(str(ground.running.lines[-1]["until"])) - timedelta(seconds=INSTANT_TOLERANCE_S)
    async with ground.connection() as connection:
        rows = await connection.fetch(
            "select * from shots where result <> 'void'"
            " and coalesce(arrow_disengage_time, arrow_landing_time) < $1 order by arrow_disengage_time, lane", until
        )  # fmt: skip
        quarantined = await connection.fetchval("select count(*) from quarantine")
    if quarantined:
        battle.verdict.lost.append(f"lost: {quarantined} readings were quarantined")
    said = simulators_log(ground.running.database_dir)
    compare(rows, as_known(expected, rows, reboots_of(said)), battle.verdict)
    devices = said[-1].get("faults")
    assert isinstance(devices, dict), "the simulated devices did not count their faults"
    for ways in devices.values():
        for faults in ways.values():
            for name, count in faults.items():
                battle.wire[name] = battle.wire.get(name, 0) + count
