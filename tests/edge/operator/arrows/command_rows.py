"""Commands that program an arrow, as an operator requests them and a daemon claims and ends them, straight in the tables."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from edge.common.postgres.connection import Connection

TID = "e28011700000020f12345678"
OTHER_TID = "e28011700000020f87654321"


async def add_arrow(connection: Connection, label: str = "A07", **values: object) -> UUID:
    """Insert an arrow without sizes and return its UUID."""
    names = ["id", "human_identifier", *values]
    arrow: UUID = await connection.fetchval(
        f"insert into arrows ({', '.join(names)}) values ({', '.join(f'${i + 1}' for i in range(len(names)))}) returning id",
        uuid4(),
        label,
        *values.values(),
    )
    return arrow


async def add_scanner(connection: Connection, device_id: str = "arrow-1") -> None:
    """Insert a scanner whose daemon runs."""
    await connection.execute(
        "insert into devices (id, kind, driver, lane) values ($1, 'arrow', 'arrow.r200', 1)", device_id
    )
    await connection.execute(
        "insert into device_status (device_id, state, since, interval_s) values ($1, 'ready', now(), 100)", device_id
    )


async def request(
    connection: Connection, arrow: UUID, tid: str = TID, memory: str = "0" * 32, device_id: str = "arrow-1"
) -> int:
    """Request that a tag is programmed, which claims it; the number of the command."""
    number: int = await connection.fetchval(
        "insert into commands (device_id, kind, arguments, who) values ($2, 'program_arrow', $1, 'Robin') returning id",
        json.dumps({"epc": arrow.hex, "tid": tid, "memory": memory, "lock": False}),
        device_id,
    )
    return number


async def start(connection: Connection, number: int) -> None:
    """Claim a command as a daemon does."""
    await connection.execute(
        "update commands set state = 'running', claimed_by = $2, claimed_at = now() where id = $1", number, uuid4()
    )


async def end(connection: Connection, number: int, state: str, **result: object) -> None:
    """End a command, its values over those that are stored. One that is done has read back the EPC, unless it says otherwise."""
    if state == "done" and "epc" in result:
        result = {"bank_epc": result["epc"], "inventory_epc": result["epc"], **result}
    await connection.execute(
        """
        update commands set state = $2, finished_at = now(), error = case when $2 = 'failed' then 'torn' end,
            result = case when $3::text is null then result else coalesce(result, '{}') || $3::text::jsonb end where id = $1
        """,
        number,
        state,
        json.dumps(result) if result else None,
    )


async def programmed(connection: Connection, arrow: UUID, tid: str = TID, *, lock: bool = False) -> int:
    """Program an arrow; the number of the command."""
    number = await request(connection, arrow, tid)
    await start(connection, number)
    await end(connection, number, "done", epc=arrow.hex, tid=tid, written=True, is_locked=lock)
    return number
