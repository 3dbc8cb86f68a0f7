"""Sessions as they are read from the tables."""

from __future__ import annotations

from uuid import UUID, uuid4

from edge.shots.store.sessions import read_sessions
from tests.edge.lane_rows import LaneRows


async def add_gap(
    lane: LaneRows, since: float, until: float, boot: UUID | None = None, device: str | None = None
) -> None:
    """Insert a gap; with a boot also by its monotonic clock."""
    await lane.connection.execute(
        """
        insert into device_gaps (device_id, stream_id, since, since_mono_ns, since_host_boot_id,
            until, until_mono_ns, until_host_boot_id, reason, begins_stream)
        values ($1, $2, $3, $4, $7, $5, $6, $7, 'test', false)
        """,
        device or lane.target, uuid4(), lane.at(since), None if boot is None else int(since * 1e9),
        lane.at(until), None if boot is None else int(until * 1e9), boot,
    )  # fmt: skip


async def gaps(lane: LaneRows) -> list[tuple[str, float, float]]:
    found = (await read_sessions(lane.connection, [lane.session_id]))[lane.session_id].gaps
    return sorted(
        (gap.device_id, (gap.since.at - lane.start).total_seconds(), (gap.until.at - lane.start).total_seconds())
        for gap in found
    )


async def test_gaps_that_touch_or_overlap_are_read_as_one(lane: LaneRows) -> None:
    """A day of chatter leaves thousands of rows, which once cost 190 ms every ten seconds."""
    boot, later_boot = uuid4(), uuid4()
    for since, until in ((20.0, 30.0), (10.0, 20.0), (25.0, 28.0), (29.0, 40.0), (41.0, 50.0)):
        await add_gap(lane, since, until, boot)
    await add_gap(lane, 30.0, 35.0, boot, lane.bow)
    await add_gap(lane, 12.0, 14.0, later_boot)
    assert await gaps(lane) == [
        ("bow-1", 30.0, 35.0), ("target-1", 10.0, 40.0), ("target-1", 12.0, 14.0), ("target-1", 41.0, 50.0),
    ]  # fmt: skip


async def test_gaps_without_one_clock_are_read_as_they_are(lane: LaneRows) -> None:
    """Between two boots, and by the wall clock alone, no row proves that another one continues it."""
    await add_gap(lane, 10.0, 20.0)
    await add_gap(lane, 15.0, 25.0)
    await lane.connection.execute(
        """
        insert into device_gaps (device_id, stream_id, since, since_mono_ns, since_host_boot_id,
            until, until_mono_ns, until_host_boot_id, reason)
        select $1, gen_random_uuid(), $2, 7, $3, $4, 9, gen_random_uuid(), 'test' from generate_series(1, 2)
        """,
        lane.target, lane.at(30.0), uuid4(), lane.at(40.0),
    )  # fmt: skip
    assert await gaps(lane) == [
        ("target-1", 10.0, 20.0), ("target-1", 15.0, 25.0), ("target-1", 30.0, 40.0), ("target-1", 30.0, 40.0),
    ]  # fmt: skip
