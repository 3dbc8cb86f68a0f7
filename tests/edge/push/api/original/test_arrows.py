"""Cases A01 to A42 of the original, with the answers of this API."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import httpx

from edge.common.postgres.connection import Connection
from tests.edge.push.api.original.answers import UNKNOWN, data_of, refused

VOIDED = "2026-02-01T10:00:00+00:00"
REGISTERED = "2026-01-01T10:00:00+00:00"
REQUIRED = {"human_identifier": "A1", "length": 72.5, "is_programmed": False}
FULL = REQUIRED | {
    "registration_date": REGISTERED, "label_position": 10.5, "weight": 22.5, "diameter": 5.5, "spine": 500.0,
    "is_active": True, "voided_date": None,
}  # fmt: skip
KEYS = {"id", *FULL}

MISSING = {"A05": "id", "A06": "length", "A07": "human_identifier", "A08": "is_programmed"}
"""The member that a body lacks, by the number of the case."""
WRONG = {
    "A10": ("id", "not-a-uuid"),
    "A11": ("length", "long"),
    "A12": ("human_identifier", 12345),
    "A13": ("is_programmed", "yes"),
    "A14": ("label_position", "middle"),
    "A15": ("weight", "heavy"),
    "A16": ("diameter", "thick"),
    "A17": ("spine", "stiff"),
    "A18": ("bogus", 1),
    "A19": ("human_identifier", "A1234567890"),
    "A22-empty": ("human_identifier", ""),
    "A22-blank": ("human_identifier", "   "),
    "A37": ("length", -5),
    "A38": ("weight", 1e300),
    "A41": ("human_identifier", "A\u0000"),
    "A42": ("id", str(UUID(int=0))),
}
"""A member with a value that no arrow has, by the number of the case."""


async def register(client: httpx.AsyncClient, **values: object) -> str:
    """Register an arrow; returns its id."""
    body = {"id": str(uuid4())} | REQUIRED | values
    found: str = data_of(await client.post("/arrow", json=body), 201)
    assert found == body["id"]
    return found


async def shown(client: httpx.AsyncClient, arrow: str) -> dict[str, object]:
    """An arrow as it is shown."""
    found: dict[str, object] = data_of(await client.get(f"/arrow/{arrow}"))
    return found


async def test_a01_a02_a_new_uuid_is_stored_nowhere(client: httpx.AsyncClient, connection: Connection) -> None:
    made = [data_of(await client.get("/arrow/new_arrow_uuid")) for _ in range(2)]
    assert [(UUID(one).version, str(UUID(one))) for one in made] == [(4, one) for one in made]
    assert len(set(made)) == 2
    assert data_of(await client.get("/arrow")) == []
    assert await connection.fetchval("select count(*) from arrows") == 0


async def test_a03_a04_a36_an_arrow_is_shown_as_it_was_sent(client: httpx.AsyncClient, connection: Connection) -> None:
    arrow = await register(client, **FULL | {"length": 75.1})
    found = await shown(client, arrow)
    assert set(found) == KEYS
    assert found == FULL | {"id": arrow, "length": 75.1}
    assert data_of(await client.get("/arrow")) == [found]
    row = await connection.fetchrow("select registered_by, is_tag_unknown from arrows")
    assert row is not None
    assert tuple(row) == ("page of 127.0.0.1", False)


async def test_a09_the_server_dates_an_arrow(client: httpx.AsyncClient, connection: Connection) -> None:
    before = await connection.fetchval("select now()")
    await register(client)
    assert await connection.fetchval("select registration_date between $1 and clock_timestamp() from arrows", before)


async def test_a05_to_a08_each_required_member(client: httpx.AsyncClient) -> None:
    for name in MISSING.values():
        body = {"id": str(uuid4())} | FULL
        del body[name]
        refused(await client.post("/arrow", json=body), 422, "missing", name)


async def test_a10_to_a19_a22_a37_a38_a41_a42_wrong_values(client: httpx.AsyncClient, connection: Connection) -> None:
    for name, value in WRONG.values():
        answer = await client.post("/arrow", json={"id": str(uuid4())} | FULL | {name: value})
        refused(answer, 422, field=name)
    assert await connection.fetchval("select count(*) from arrows") == 0


async def test_a20_the_same_arrow_twice(client: httpx.AsyncClient) -> None:
    arrow = await register(client)
    answer = await client.post("/arrow", json=REQUIRED | {"id": arrow, "human_identifier": "B1"})
    refused(answer, 409, "already_exists")


async def test_a21_a25_a_label_is_on_one_active_arrow(client: httpx.AsyncClient) -> None:
    await register(client)
    answer = await client.post("/arrow", json=REQUIRED | {"id": str(uuid4())})
    refused(answer, 409, "identifier_in_use")
    await register(client, is_active=False, voided_date=VOIDED)
    assert len(data_of(await client.get("/arrow?human_identifier=A1"))) == 2


async def test_a22_blanks_are_cut_and_case_counts(client: httpx.AsyncClient) -> None:
    await register(client)
    refused(await client.post("/arrow", json=REQUIRED | {"id": str(uuid4()), "human_identifier": " A1 "}), 409)
    small = await register(client, human_identifier=" a1 ")
    assert (await shown(client, small))["human_identifier"] == "a1"


async def test_a23_a24_only_voided_arrows_have_a_void_date(client: httpx.AsyncClient) -> None:
    wrong: list[dict[str, object]] = [
        {"is_active": False},
        {"is_active": True, "voided_date": VOIDED},
        {"voided_date": VOIDED},
    ]
    for values in wrong:
        answer = await client.post("/arrow", json=REQUIRED | {"id": str(uuid4())} | values)
        refused(answer, 422, "invalid_value", "voided_date")


async def test_a26_a_change_is_shown(client: httpx.AsyncClient, connection: Connection) -> None:
    arrow = await register(client)
    change = FULL | {
        "length": 80, "is_programmed": True, "human_identifier": "A2", "label_position": 0, "weight": None,
        "registration_date": "2026-01-02T10:00:00+00:00",
    }  # fmt: skip
    assert data_of(await client.patch(f"/arrow/{arrow}", json=change), 202) is None
    assert await shown(client, arrow) == change | {"id": arrow}
    assert await connection.fetchval("select is_tag_unknown from arrows"), "the database never proved its tag"


async def test_a26_a_tag_that_is_known_is_not_contradicted(client: httpx.AsyncClient, connection: Connection) -> None:
    arrow = await register(client)
    await connection.execute("update arrows set tag_tid = 'e28011700000020f12345678'")
    refused(await client.patch(f"/arrow/{arrow}", json={"is_programmed": True}), 409)
    assert (await shown(client, arrow))["is_programmed"] is False
    await connection.execute("update arrows set is_programmed = true")
    refused(await client.patch(f"/arrow/{arrow}", json={"is_programmed": False, "length": 80}), 409)
    refused(await client.delete(f"/arrow/{arrow}"), 409, "in_use")
    assert (await shown(client, arrow))["length"] == 72.5
    data_of(await client.patch(f"/arrow/{arrow}", json={"is_programmed": True, "length": 80}), 202)


async def test_a27_a28_a29_void_and_restore_by_change(client: httpx.AsyncClient) -> None:
    arrow = await register(client)
    refused(await client.patch(f"/arrow/{arrow}", json={"voided_date": VOIDED}), 422, field="voided_date")
    refused(await client.patch(f"/arrow/{arrow}", json={"is_active": False}), 422, field="voided_date")
    data_of(await client.patch(f"/arrow/{arrow}", json={"is_active": False, "voided_date": VOIDED}), 202)
    found = await shown(client, arrow)
    assert (found["is_active"], found["voided_date"]) == (False, VOIDED)
    refused(await client.patch(f"/arrow/{arrow}", json={"is_programmed": True}), 409)
    other = await register(client)
    restore = {"is_active": True, "voided_date": None}
    refused(await client.patch(f"/arrow/{arrow}", json=restore), 409, "identifier_in_use")
    data_of(await client.patch(f"/arrow/{arrow}", json=restore | {"human_identifier": "A2"}), 202)
    assert [one["id"] for one in data_of(await client.get("/arrow?is_active=true"))] == [arrow, other]


async def test_a30_a31_a32_changes_that_cannot_be(client: httpx.AsyncClient) -> None:
    arrow = await register(client)
    refused(await client.patch(f"/arrow/{arrow}", json={}), 422, "no_fields")
    refused(await client.patch(f"/arrow/{arrow}", json={"id": str(uuid4())}), 422, "extra_forbidden", "id")
    for name in ("human_identifier", "is_active", "is_programmed", "registration_date"):
        refused(await client.patch(f"/arrow/{arrow}", json={name: None}), 422, field=name)
    refused(await client.patch(f"/arrow/{UNKNOWN}", json={"length": 80}), 404, "not_found")


async def test_a33_a_removed_arrow_never_comes_back(client: httpx.AsyncClient, connection: Connection) -> None:
    refused(await client.delete(f"/arrow/{UNKNOWN}"), 404, "not_found")
    arrow = await register(client)
    answer = await client.delete(f"/arrow/{arrow}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await client.get(f"/arrow/{arrow}/state"), 404, "not_found")
    for method in ("GET", "PATCH", "DELETE"):
        body = {"length": 80} if method == "PATCH" else None
        refused(await client.request(method, f"/arrow/{arrow}", json=body), 404, "not_found")
    assert data_of(await client.get("/arrow")) == []
    refused(await client.post("/arrow", json=REQUIRED | {"id": arrow}), 409, "already_exists")
    await register(client)  # its label is free
    row = await connection.fetchrow("select is_active, void_reason, voided_by from arrows where id = $1", UUID(arrow))
    assert row is not None
    assert tuple(row) == (False, "removed", "page of 127.0.0.1")


async def test_a34_a35_filters_must_all_match(client: httpx.AsyncClient) -> None:
    first = await register(client, spine=500, registration_date=REGISTERED)
    second = await register(client, human_identifier="A2", spine=500, is_programmed=True)
    third = await register(client, human_identifier="A3")

    async def ids(query: str) -> list[str]:
        return [one["id"] for one in data_of(await client.get(f"/arrow?{query}"))]

    assert await ids("is_programmed=true&spine=500&human_identifier=A2") == [second]
    assert await ids("is_programmed=false&spine=500") == [first]
    assert await ids("spine=null") == [third]
    assert await ids(f"id={second}") == [second]
    assert await ids(f"registration_date={REGISTERED.replace('+', '%2B')}") == [first]
    refused(await client.get(f"/arrow?arrow_id={second}"), 422, "extra_forbidden", "arrow_id")


async def test_a34_pages_lead_through_all_arrows(client: httpx.AsyncClient) -> None:
    made = [await register(client, human_identifier=f"A{number}") for number in range(5)]
    path, found = "/api/v0/arrow?limit=2&is_active=true", []
    while path:
        answer = await client.get(f"{client.base_url.copy_with(path='/')}{path.removeprefix('/')}")
        found += [one["id"] for one in data_of(answer)]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == made


async def test_a39_a_filter_that_no_arrow_matches(client: httpx.AsyncClient) -> None:
    await register(client)
    assert data_of(await client.get("/arrow?weight=1e300")) == []


async def test_a40_words_that_are_no_numbers(client: httpx.AsyncClient, connection: Connection) -> None:
    for word in ("NaN", "Infinity", "-Infinity"):
        body = json.dumps(REQUIRED | {"id": str(uuid4()), "weight": float(word)})
        assert word in body
        answer = await client.post("/arrow", content=body, headers={"content-type": "application/json"})
        refused(answer, 422)
    assert await connection.fetchval("select count(*) from arrows") == 0


async def test_a26_two_operators_change_the_same_arrow(client: httpx.AsyncClient) -> None:
    arrow = await register(client)
    tag = {"if-match": (await client.get(f"/arrow/{arrow}")).headers["etag"]}
    data_of(await client.patch(f"/arrow/{arrow}", json={"length": 80}, headers=tag), 202)
    answer = await client.patch(f"/arrow/{arrow}", json={"length": 81}, headers=tag)
    assert answer.status_code == 412
    assert answer.json()["errors"][0]["message"] == "length was changed meanwhile: it is now 80"
    assert answer.json()["data"] == await shown(client, arrow)
