"""The write of results reads the rows that it changes, however many shots are stored."""

from __future__ import annotations

from uuid import UUID, uuid4

from edge.common.postgres.connection import use_index_plans
from edge.common.vocabulary import Result
from edge.shots.store.results import COLUMNS, SessionResult, write_results
from tests.edge.lane_rows import LaneRows
from tests.edge.statement_costs import PREPARED_AFTER, rows_read

OLD_SHOTS = 5_000
OLD = """insert into shots (id, session_id, lane, result, rule_version, time_source, release_device_id, release_stream_id,
    release_seq) select gen_random_uuid(), $1, 1, 'miss', 4, 'bow', 'bow-1', $2, n from generate_series(1, $3) n"""


async def release(lane: LaneRows, stream: UUID, seq: int) -> dict[str, object]:
    """A row of an undecided shot, with the reading of its release stored."""
    await lane.connection.execute(
        """
        insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, received_at, source)
        values ('bow-1', $1, $2, 'release', now(), $2, $1, now(), 'simulator')
        """,
        stream, seq,
    )  # fmt: skip
    known = {
        "rule_version": 4, "rule_set": "wa", "rule_set_version": 1, "time_source": "bow", "result": Result.PENDING, "is_x": False, "line_call": False,
        "diameter_assumed": True, "flags": [], "release_device_id": "bow-1", "release_stream_id": stream,
        "release_seq": seq,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS) | known | {"id": uuid4(), "session_id": lane.session_id, "lane": 1}


async def test_a_write_reads_its_own_rows_only(lane: LaneRows) -> None:
    """With a plan that was made while there were few shots."""
    connection, stream = lane.connection, uuid4()
    await use_index_plans(connection)
    row = await release(lane, stream, 1)
    await write_results(connection, [SessionResult(lane.session_id, 1, added=[row])])
    await connection.execute("analyze shots")
    for _ in range(PREPARED_AFTER):
        await write_results(connection, [SessionResult(lane.session_id, 1, changed=[row])])
    await connection.execute("set session_replication_role = replica")  # without the readings of these shots
    await connection.execute(OLD, lane.session_id, uuid4(), OLD_SHOTS)
    await connection.execute("set session_replication_role = origin")
    decided = SessionResult(lane.session_id, 1, changed=[row | {"result": Result.UNKNOWN}])
    read = await rows_read(connection, "shots", lambda connection: write_results(connection, [decided]))
    assert read.scanned == 0
    assert read.found <= PREPARED_AFTER + 1  # each version of the row, as nothing was vacuumed
    assert await connection.fetchval("select result from shots where id = $1", row["id"]) == Result.UNKNOWN
