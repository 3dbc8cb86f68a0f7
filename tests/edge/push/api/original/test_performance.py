"""Cases P01 to P14 of the original: readings are assembled and scored by this code, and the API shows the outcome."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from tests.edge.lane_rows import CENTRE_MM
from tests.edge.push.api.original.answers import data_of
from tests.edge.push.api.original.shooting import Archer, Landing, archer_on
from tests.edge.shots.running import assembler, until

KEYS = {
    "id", "session_id", "arrow_id", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y",
    "time_of_flight_seconds", "arrow_speed", "score", "human_identifier", "is_x", "face", "result",
}  # fmt: skip
"""The 12 keys of the original, and what it lacked."""
SHOTS: dict[str, Landing | None] = {
    "P02": Landing(),
    "P03": Landing(x=CENTRE_MM + 61.0),
    "P04": Landing(x=CENTRE_MM - 63.0),
    "P05": Landing(20.0, 20.0),
    "P06-left": Landing(-5.0, 600.0),
    "P06-right": Landing(1285.0, 600.0),
    "P07": None,
    "P08": Landing(y=CENTRE_MM + 200.0, flight_s=0.0),
    "P09": Landing(y=CENTRE_MM - 200.0, flight_s=-0.01),
    "P09-late": Landing(y=CENTRE_MM + 300.0, flight_s=-1.0),
    "P10": Landing(y=CENTRE_MM + 400.0),
}
"""Shots on a butt of 1280 mm with rings of 61, 122 and 610 mm around (640, 640), by the number of the case."""


async def assembled(database: Database, *archers: Archer) -> None:
    """Let the assembler decide about every shot."""
    for archer in archers:
        await archer.step_back()
    async with assembler(database):
        for archer in archers:
            await until(
                archer.lane,
                "(select count(*) from readings where kind = 'release') = (select count(*) from shots)"
                " and not exists (select from shots where result = 'pending')",
            )


async def performance(client: httpx.AsyncClient, lane: int = 1) -> list[dict[str, Any]]:
    """The shots of a lane's open session as the API shows them."""
    found: list[dict[str, Any]] = data_of(await client.get(f"/session_performance?lane={lane}"))
    assert all(set(one) == KEYS for one in found)
    return found


@pytest.fixture
async def shown(client: httpx.AsyncClient, connection: Connection, database: Database) -> dict[str, dict[str, Any]]:
    """The shots of ``SHOTS`` as the API shows them, by the number of their case."""
    archer = await archer_on(connection)
    for case, landing in SHOTS.items():
        await archer.shoot(landing, case, engage_s=0.5 if case == "P10" else -2.0)
    await assembled(database, archer)
    found = await performance(client)
    assert [one["human_identifier"] for one in found] == list(SHOTS), "in the order of release"
    return {one["human_identifier"]: one for one in found}


async def test_p01_to_p10_of_assembled_shots(
    shown: dict[str, dict[str, Any]], client: httpx.AsyncClient, connection: Connection
) -> None:
    def scored(case: str) -> tuple[object, ...]:
        return tuple(shown[case][name] for name in ("result", "score", "time_of_flight_seconds", "arrow_speed"))

    assert scored("P02") == ("hit", 10, 0.5, 36.0)
    assert (shown["P02"]["is_x"], shown["P02"]["face"]) == (True, "A")
    assert scored("P03") == ("hit", 10, 0.5, 36.0)
    assert scored("P04") == ("hit", 10, 0.5, 36.0), "the shaft touches the line"
    assert (shown["P04"]["is_x"], shown["P04"]["x"]) == (False, CENTRE_MM - 63.0)
    assert scored("P05") == ("off_face", 0, 0.5, 36.0)
    for case in ("P06-left", "P06-right"):
        assert scored(case)[:2] == ("off_view", 0)
        assert shown[case]["arrow_landing_time"] is not None
    assert scored("P07") == ("miss", 0, None, None)
    assert [shown["P07"][name] for name in ("arrow_landing_time", "x", "y")] == [None] * 3
    for case in ("P08", "P09", "P09-late"):
        assert scored(case) == ("unknown", None, None, None), "no arrow lands before it can have flown"
        assert "clock" in data_of(await client.get(f"/shot/{shown[case]['id']}"))["flags"]
    landings = data_of(await client.get("/orphan?status=open"))
    assert [one["y"] for one in landings] == [CENTRE_MM + 200.0, CENTRE_MM - 200.0, CENTRE_MM + 300.0]
    assert shown["P10"]["arrow_engage_time"] == shown["P10"]["arrow_disengage_time"]
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("update shots set arrow_engage_time = arrow_disengage_time + interval '1 s'")


async def test_p11_to_p13_other_butts(client: httpx.AsyncClient, connection: Connection, database: Database) -> None:
    plain = await archer_on(connection, 1)
    await connection.execute("delete from faces")
    double = await archer_on(connection, 2)
    target = await connection.fetchval("select target_id from faces")
    await connection.execute("update faces set y = 700, radii = '{61,122}', points = '{10,9}', x_radius = null")
    await connection.execute(
        "insert into faces (target_id, human_identifier, name, code, version, x, y, radii, points)"
        " values ($1, 'B', '2', 'wa_122', 1, 640, 560, '{20,122}', '{10,5}')",
        target,
    )
    bare = await archer_on(connection, 3, has_target=False)
    await plain.shoot(Landing(), "P11")
    await double.shoot(Landing(640.0, 610.0), "P12")
    await bare.shoot(Landing(), "P13")
    await assembled(database, plain, double, bare)

    (one,) = await performance(client, 1)
    assert (one["result"], one["score"], one["face"]) == ("hit", None, None)
    assert (one["time_of_flight_seconds"], one["arrow_speed"]) == (0.5, 36.0)
    (one,) = await performance(client, 2)
    assert (one["result"], one["score"], one["face"]) == ("hit", 9, "A"), "the highest of the faces that it touches"
    (one,) = await performance(client, 3)
    assert (one["human_identifier"], one["score"], one["arrow_speed"]) == ("P13", None, None)


async def test_p14_without_an_open_session(client: httpx.AsyncClient) -> None:
    assert await performance(client) == []
    assert await performance(client, 8) == []
