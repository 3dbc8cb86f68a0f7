"""Devices through the API: their state, calibrations and commands, and arrows that a scanner programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from edge.common.postgres.connection import Connection
from edge.operator.calibration.records import append_calibration
from tests.edge.lane_rows import LaneRows
from tests.edge.operator.arrows.command_rows import TID, add_arrow, add_scanner, end, start
from tests.edge.operator.arrows.test_lost_daemon import FACTORY, requested
from tests.edge.operator.calibration.test_history import BOW, MAP, TARGET
from tests.edge.push.api.original.answers import UNKNOWN, data_of, refused
from tests.edge.push.serving import Service, http, listening

WHY = {"reason": "the pins were measured"}


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API."""
    async with http(service, "/api/v0/") as made:
        yield made


async def test_a_device_is_shown_by_its_name(client: httpx.AsyncClient, lane: LaneRows) -> None:
    listed = data_of(await client.get("/device"))
    found = data_of(await client.get(f"/device/{lane.bow}"))
    assert (found["id"], found["kind"], found["state"]) == (lane.bow, "bow", "ready")
    assert set(found) == set(listed[0])
    refused(await client.get("/device/bow-9"), 404, "not_found")


async def test_calibrations_are_activated_and_taken_back(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    first, second, bad = [
        await append_calibration(connection, one) for one in (TARGET, TARGET, replace(TARGET, is_accepted=False))
    ]
    await append_calibration(connection, BOW)
    listed = data_of(await client.get(f"/calibration?device_id={lane.target}"))
    assert [one["version"] for one in listed] == [3, 2, 1]
    assert data_of(await client.get("/calibration?kind=bow"))[0]["device_id"] == lane.bow
    whole = data_of(await client.get(f"/calibration/{first.id}"))
    assert (whole["parameters"], whole["points"], whole["is_active"]) == (MAP, [{"name": "centre"}], False)
    refused(await client.get(f"/calibration/{UNKNOWN}"), 404, "not_found")

    async def active() -> list[int]:
        found = data_of(await client.get("/calibration?is_active=true"))
        return [one["version"] for one in found]

    refused(await client.post(f"/calibration/{first.id}/activate", json={}), 422, "missing", "reason")
    for one in (first, second):
        data_of(await client.post(f"/calibration/{one.id}/activate", json=WHY), 202)
    assert await active() == [2]
    refused(await client.post(f"/calibration/{second.id}/activate", json=WHY), 409, "refused")
    refused(await client.post(f"/calibration/{bad.id}/activate", json=WHY), 409, "refused")
    data_of(await client.post(f"/calibration/{bad.id}/activate", json=WHY | {"force": True}), 202)
    refused(await client.post(f"/calibration/{first.id}/rollback", json=WHY), 409, "refused")
    for one, before in ((bad, [2]), (second, [1]), (first, [])):
        data_of(await client.post(f"/calibration/{one.id}/rollback", json=WHY), 202)
        assert await active() == before
    rows = await connection.fetch("select who, reason from calibration_activations")
    assert {(row["who"], row["reason"]) for row in rows} == {("page of 127.0.0.1", WHY["reason"])}


async def test_pages_of_calibrations(client: httpx.AsyncClient, lane: LaneRows, connection: Connection) -> None:
    for _ in range(3):
        await append_calibration(connection, TARGET)
    answer = await client.get(f"/calibration?device_id={lane.target}&limit=2")
    following = httpx.URL(answer.links["next"]["url"]).query.decode()
    pages = data_of(answer), data_of(await client.get(f"/calibration?{following}"))
    assert [[one["version"] for one in page] for page in pages] == [[3, 2], [1]]


async def test_commands_are_requested_shown_and_cancelled(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    body = {"device_id": lane.bow, "kind": "read_config"}
    number = data_of(await client.post("/command", json=body), 201)
    found = data_of(await client.get(f"/command/{number}"))
    assert (found["kind"], found["state"], found["who"]) == ("read_config", "pending", "page of 127.0.0.1")
    assert (await client.delete(f"/command/{number}")).status_code == 204
    refused(await client.delete(f"/command/{number}"), 409, "refused")
    assert data_of(await client.get("/command?state=cancelled"))[0]["id"] == number

    values = {"threshold": 300, "is_loud": True, "name": "bow", "share": 0.5}
    other = data_of(await client.post("/command", json=body | {"kind": "configure", "arguments": values}), 201)
    assert data_of(await client.get(f"/command/{other}"))["arguments"] == values
    assert [one["id"] for one in data_of(await client.get("/command"))] == [other, number]
    assert [one["id"] for one in data_of(await client.get(f"/command?after={other}"))] == [number]
    await connection.execute("update device_status set state = 'stopped'")
    assert "daemon of bow-1 does not run" in refused(await client.post("/command", json=body), 409, "device_failed")


async def test_commands_that_no_device_takes(client: httpx.AsyncClient, lane: LaneRows, connection: Connection) -> None:
    await add_scanner(connection)
    read = {"device_id": lane.bow, "kind": "read_config"}
    for body, status, field in (
        (read | {"kind": "explode"}, 422, "kind"),
        (read | {"arguments": {"a": "x" * 301}}, 422, "arguments"),
        (read | {"arguments": {"a": 10**18}}, 422, "arguments"),
        (read | {"arguments": {"a b": 1}}, 422, "arguments"),
        (read | {"arguments": {f"a{number}": 1 for number in range(41)}}, 422, "arguments"),
        (read | {"arguments": {f"a{number}": "x" * 300 for number in range(20)}}, 409, None),
        (read | {"arguments": {"a": None}}, 422, "arguments"),
        (read | {"arguments": {"a": [1]}}, 422, "arguments"),
        (read | {"device_id": "bow-9"}, 404, None),
        ({"device_id": "arrow-1", "kind": "program_arrow"}, 409, None),
    ):
        refused(await client.post("/command", json=body), status, field=field)
    refused(await client.get("/command/9"), 404, "not_found")
    refused(await client.delete("/command/9"), 404, "not_found")
    refused(await client.get("/command/0"), 422)
    assert await connection.fetchval("select count(*) from commands") == 0


async def test_a_command_of_an_absent_driver(client: httpx.AsyncClient, connection: Connection) -> None:
    await add_scanner(connection)
    await connection.execute("update devices set driver = 'arrow.unknown'")
    answer = await client.post("/command", json={"device_id": "arrow-1", "kind": "read_config"})
    assert "arrow.unknown is not installed here" in refused(answer, 409, "device_failed")


async def served(connection: Connection, kind: str, **result: object) -> None:
    """Do a command as a scanner's daemon does."""
    number = await requested(connection, kind)
    await start(connection, number)
    await end(connection, number, "done", **result)


async def test_an_arrow_is_programmed_with_its_proof(client: httpx.AsyncClient, connection: Connection) -> None:
    await add_scanner(connection)
    arrow = await add_arrow(connection)
    before = data_of(await client.get(f"/arrow/{arrow}/state"))
    assert (before["state"], before["tag_tid"], before["shots"]) == ("registered", None, 0)
    working = asyncio.create_task(client.post(f"/arrow/{arrow}/program", json={"lock": True, "wait_s": 5}))
    await requested(connection, "inspect_tag")
    second = await client.post(f"/arrow/{arrow}/program", json={})
    assert "arrow-1 programs an arrow for another request" in refused(second, 409, "busy")
    await served(connection, "inspect_tag", pc="3000", memory=FACTORY, tid=TID, rssi_dbm=-50)
    await served(connection, "program_arrow", epc=arrow.hex, tid=TID, written=True, is_locked=True)
    done = data_of(await working)
    assert (done["was_written"], done["relation"]) == (True, "blank")
    assert done["evidence"]["inventory_epc"] == arrow.hex
    asked = json.loads(await connection.fetchval("select arguments from commands where kind = 'inspect_tag'"))
    assert asked == {"wait_s": 5}
    after = data_of(await client.get(f"/arrow/{arrow}/state"))
    assert after == done["arrow"]
    assert (after["state"], after["tag_tid"], after["is_programmed"]) == ("locked", TID, True)


async def test_an_arrow_that_cannot_be_programmed(client: httpx.AsyncClient, connection: Connection) -> None:
    arrow = await add_arrow(connection)
    path = f"/arrow/{arrow}/program"
    refused(await client.post(f"/arrow/{UNKNOWN}/program", json={}), 404, "not_found")
    assert "no scanner of arrows" in refused(await client.post(path, json={}), 409)
    await add_scanner(connection)
    refused(await client.post(path, json={"scanner_id": "arrow-9"}), 404, "not_found")
    refused(await client.post(path, json={"wait_s": 31}), 422, field="wait_s")
    working = asyncio.create_task(client.post(path, json={}))
    number = await requested(connection, "inspect_tag")
    await start(connection, number)
    await end(connection, number, "failed")
    assert "found no tag to go on with" in refused(await working, 409, "device_failed")
    await connection.execute("update device_status set state = 'stopped'")
    assert "does not run" in refused(await client.post(path, json={}), 409, "device_failed")
    data_of(await client.post(f"/arrow/{arrow}/void", json={"reason": "cracked"}), 202)
    assert "voided" in refused(await client.post(path, json={}), 409)


async def test_arrows_are_voided_and_restored_with_events(service: Service, client: httpx.AsyncClient) -> None:
    async with listening(service) as stream:
        body = {"id": str(UUID(int=9)), "human_identifier": "A1", "length": 70, "is_programmed": False}
        arrow = data_of(await client.post("/arrow", json=body), 201)
        data_of(await client.post(f"/arrow/{arrow}/void", json={"reason": "cracked"}), 202)
        refused(await client.post(f"/arrow/{arrow}/void", json={"reason": "cracked"}), 409, "refused")
        data_of(await client.post(f"/arrow/{arrow}/restore"), 202)
        refused(await client.post(f"/arrow/{arrow}/restore"), 409, "refused")
        assert (await client.delete(f"/arrow/{arrow}")).status_code == 204
        events = await stream.take(4)
    assert [event.type for event in events] == ["arrow.created", *["arrow.changed"] * 3]
    assert [event.data["void_reason"] for event in events] == [None, "cracked", None, "removed"]
    assert events[-1].data["is_removed"] is True
