"""A lane without tags in a real database: a switch for a bow, a target without a reader, and a reader for scans."""

from __future__ import annotations

from edge.common.postgres.database import Database
from edge.shots.store.context import load_snapshot
from tests.edge.lane_rows import ARROW, LaneRows
from tests.edge.shots.running import assembler, until

SCANNER = "arrow-1"


async def test_readings_without_tags_become_shots(lane: LaneRows, database: Database) -> None:
    connection = lane.connection
    await lane.add_device("bow-2", "bow", 1)
    await lane.add_device(SCANNER, "arrow", 1)

    async def shoot(bow: str, t: float, cause: str | None = "shot") -> None:
        await lane.add_reading(bow, "engage", t - 2, tag=None)
        await lane.add_reading(bow, "release", t, tag=None, cause=cause)

    async with assembler(database):
        await lane.set_watermarks(50.0)
        await lane.add_reading(SCANNER, "scan", 1.0)
        await shoot(lane.bow, 5.0)
        await lane.add_reading(lane.target, "landing", 5.36, tag=None, x_mm=640.0, y_mm=640.0)
        await shoot(lane.bow, 12.0, "removed")
        await shoot("bow-2", 5.4)
        await until(lane, "count(*) = 2 from shots where result in ('hit', 'miss')")
        hit = await connection.fetchrow("select * from shots where result = 'hit'")
        assert hit is not None
        assert (hit["arrow_id"], hit["arrow_tag"], hit["diameter_mm"]) == (ARROW, ARROW.hex, 6.0)
        assert (hit["assignment"], hit["flags"], hit["points"]) == ("inferred", ["scanned"], 10)
        await connection.execute("update devices set dead_time_s = 0.5 where id = $1", lane.target)
        await until(lane, "flags = '{dead_time}' from shots where arrow_id is null and result = 'unknown'")
    seen = await load_snapshot(connection, lane.session_id)
    assert seen is not None
    assert seen.context.scanners == {SCANNER}
    assert seen.context.dead_times_s == {lane.target: 0.5}
    assert await connection.fetchval("select count(*) from shots") == 2
    await connection.close()
