"""A target that reports 5,000 landings a second for 40 s: it is degraded, and the other lanes do not notice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import asyncpg
import pytest

from tests.acceptance.simulated_range import (
    INSTANT_TOLERANCE_S,
    SimulatedRange,
    connected,
    differences,
    simulated_range,
    truth,
)

LANES = 3
NOISY = "target-3"
RATE_HZ, SECONDS, AFTER_S = 5000, 40, 30
CHATTER = f"chatter={NOISY}:{RATE_HZ}:{SECONDS}:{AFTER_S}"
LATER_S = 0.1
"""Most that the shots of other lanes may come later than usual."""

_DELAYS = """
select extract(epoch from min(e.at) - landed)::float8 as delay_s, landed between $2 and $3 as amid
from events e, lateral (select (e.data ->> 'arrow_landing_time')::timestamptz as landed) l
where e.type in ('shot.created', 'shot.updated') and e.lane <> $1 and landed > $4
group by e.data ->> 'id', landed
"""


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_noisy_device_costs_other_lanes_nothing(short_path: Path) -> None:
    options = ("--seed", "41", "--speed", "20", "--lanes", str(LANES), "--fault", CHATTER)
    async with simulated_range(short_path, *options) as running:
        assert await running.next_line() is not None
        async with connected(short_path) as connection:
            states = await watched(running, connection)
            noise = await connection.fetchrow(
                "select min(at) as since, max(received_at) as until, count(*) from readings where is_surplus"
            )
            gaps = await connection.fetchval(
                "select count(*) from readings r where is_surplus and not exists (select from device_gaps g"
                " where g.device_id = r.device_id and r.mono_ns between g.since_mono_ns and g.until_mono_ns)"
            )
            lost = await connection.fetchval(
                "select count(*) from device_gaps where device_id = $1 and reason like '%no longer has%'", NOISY
            )
            assert noise is not None
            since, until, surplus = noise
            began = datetime.fromisoformat(str(running.start["start"]))
            rows = await connection.fetch(_DELAYS, LANES, since, until, began + timedelta(seconds=5))
        usual, amid = ([row["delay_s"] for row in rows if row["amid"] is side] for side in (False, True))
        report = f"usual {describe(usual)}, amid the noise {describe(amid)}, {surplus} surplus readings"
        print(report)
        running.process.terminate()
        assert await running.to_the_end() == 0
    assert states == ["ready", "degraded", "ready"]
    assert surplus > 20_000
    assert lost == 1, "the node's own memory was full, and the events it lost are reported"
    assert gaps == 0, "each surplus reading lies in a gap"
    assert len(usual) > 15, report
    assert len(amid) > 20, report
    assert median(amid) <= median(usual) + LATER_S, report
    assert quantiles(amid, n=10)[-1] <= quantiles(usual, n=10)[-1] + LATER_S, report
    await assert_truth(running, short_path)


async def watched(running: SimulatedRange, connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """The states of the noisy target until it is calm again, looked at with each shot that the range prints."""
    query = "select public_state(s) from device_status s where device_id = $1"
    states: list[str] = []
    while len(states) < 3:
        assert await running.next_line() is not None, states
        state = str(await connection.fetchval(query, NOISY))
        if state in ("ready", "degraded") and state not in states[-1:]:
            states.append(state)
    return states


def describe(delays_s: Sequence[float]) -> str:
    """Number, median and ninth decile."""
    return f"{len(delays_s)} shots {median(delays_s) * 1e3:.0f} ms, p90 {quantiles(delays_s, n=10)[-1] * 1e3:.0f} ms"


async def assert_truth(running: SimulatedRange, folder: Path) -> None:
    """The other lanes hold exactly the truth."""
    expected = [line for line in await truth(running, LANES) if line["lane"] != LANES]
    until = datetime.fromisoformat(str(running.lines[-1]["until"])) - timedelta(seconds=INSTANT_TOLERANCE_S)
    async with connected(folder) as connection:
        rows = await connection.fetch(
            "select * from shots where result <> 'void' and lane <> $1"
            " and coalesce(arrow_disengage_time, arrow_landing_time) < $2 order by arrow_disengage_time, lane",
            LANES,
            until,
        )
    assert differences(rows, expected) == []
