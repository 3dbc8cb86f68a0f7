"""Sheets, score sheets and certificates over a real socket."""

from __future__ import annotations

import csv
import io
import re
from uuid import uuid4

import pytest

from edge.push.http.envelope import SECURITY_HEADERS
from tests.chromium import chromium
from tests.edge.lane_rows import LaneRows
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_shot

DOCUMENTS = {
    "export.csv": "text/csv; charset=utf-8",
    "ends.csv": "text/csv; charset=utf-8",
    "export.json": "application/json",
    "certificate.json": "application/json",
    "scoresheet.html": "text/html; charset=utf-8",
    "certificate.html": "text/html; charset=utf-8",
}


@pytest.fixture
async def shot_lane(lane: LaneRows) -> LaneRows:
    """A lane with three arrows of an archer whose name is markup."""
    archer = await lane.connection.fetchval("insert into archers (name) values ('<script>Kim & Ünal') returning id")
    await lane.connection.execute(
        "insert into slots (session_id, letter, face, archer_id) values ($1, 'A', '1', $2)", lane.session_id, archer
    )
    for x, points, is_x in ((715.1, 9, False), (640.0, 10, True), (None, None, False)):
        await add_shot(lane, x, points=points, is_x=is_x, result="hit" if x else "unknown", y=640.0 if x else None)
    await lane.connection.execute("update shots set slot_id = (select id from slots)")
    await lane.set_watermarks(60.0)
    return lane


async def test_each_document_is_served_by_get_and_head(service: Service, shot_lane: LaneRows) -> None:
    async with http(service, f"/api/v0/session/{shot_lane.session_id}") as client:
        for name, media_type in DOCUMENTS.items():
            whole, head = await client.get(f"/{name}"), await client.head(f"/{name}")
            assert (whole.status_code, head.status_code, head.content) == (200, 200, b""), name
            assert whole.headers["content-type"] == media_type
            assert SECURITY_HEADERS.items() <= whole.headers.items()
            is_file = not name.endswith("html")
            assert (
                whole.headers.get("content-disposition", "").startswith('attachment; filename="lane-1-2026-01-01-')
                is is_file
            )
            wrong = await client.post(f"/{name}", json={})
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
            assert (await client.get(f"/{name}?lane=1")).status_code == 422


async def test_csv_and_json_hold_the_stored_values(service: Service, shot_lane: LaneRows) -> None:
    async with http(service, f"/api/v0/session/{shot_lane.session_id}") as client:
        rows = list(csv.DictReader(io.StringIO((await client.get("/export.csv")).text, newline="")))
        assert [(row["value"], row["x_mm"], row["archer"]) for row in rows] == [
            ("9", "715.1", "<script>Kim & Ünal"), ("X", "640.0", "<script>Kim & Ünal"), ("?", "", "<script>Kim & Ünal"),
        ]  # fmt: skip
        (end,) = csv.DictReader(io.StringIO((await client.get("/ends.csv")).text, newline=""))
        assert [end[name] for name in ("arrow_1", "arrow_2", "arrow_3", "sum", "xs")] == ["X", "9", "?", "19", "1"]
        answer = await client.get("/export.json")
        assert '"x_mm": 715.1' in answer.text
        data = answer.json()["data"]
        assert (data["archers"][0]["points"], data["session"]["places"][0]["letter"]) == (19, "A")


async def test_pages_are_escaped_and_load_their_stylesheet_alone(service: Service, shot_lane: LaneRows) -> None:
    async with http(service) as client:
        for name, german in (("scoresheet.html", "Schusszettel"), ("certificate.html", "Sitzungsprotokoll")):
            path = f"/api/v0/session/{shot_lane.session_id}/{name}"
            page = await client.get(path, headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"})
            assert german in page.text
            assert (page.headers["content-language"], page.headers["vary"]) == (
                "de",
                "accept-encoding, accept-language",
            )
            assert (await client.get(path)).headers["content-language"] == "en"
            assert "&lt;script&gt;Kim &amp; Ünal" in page.text
            assert not re.search(r"<script|<style|style=|javascript:| on\w+=|https?://", page.text)
            (sheet,) = re.findall(r'href="([^"]+)"', page.text)
            assert (await client.get(page.url.join(sheet))).headers["content-type"] == "text/css; charset=utf-8"


async def test_a_session_that_does_not_exist_is_404(service: Service) -> None:
    async with http(service, f"/api/v0/session/{uuid4()}") as client:
        for name in (*DOCUMENTS, "paper"):
            answer = await client.get(f"/{name}")
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found")
        answer = await client.post("/paper", json={"end_number": 1, "values": ["X"]})
        assert answer.status_code == 404
    async with http(service, "/api/v0/session") as client:
        assert (await client.get("/1/export.csv")).status_code == 422


async def test_an_end_on_paper_is_entered_and_compared(service: Service, shot_lane: LaneRows) -> None:
    async with http(service, f"/api/v0/session/{shot_lane.session_id}") as client:
        body = {"slot": "A", "end_number": 1, "values": ["9", "10"]}
        made = await client.post("/paper", json=body, headers={"archstats-operator": "Bea%20%C3%9C."})
        assert made.status_code == 201
        (end,) = (await client.get("/paper")).json()["data"]
        assert (end["paper"]["id"], end["paper"]["who"]) == (made.json()["data"], "Bea Ü.")
        assert (end["only_on_paper"], end["only_sensed"], end["paper_sum"], end["sensed_sum"], end["agrees"]) == (
            ["10"], ["X"], 19, 19, False,
        )  # fmt: skip
        assert (end["undecided"], end["slot"], end["end_number"]) == (1, "A", 1)
        assert (await client.post("/paper", json={**body, "values": ["X", "9"]})).status_code == 201
        (end,) = (await client.get("/paper")).json()["data"]
        assert end["agrees"] is True
        assert (await client.post("/paper", json={**body, "values": []})).status_code == 201
        (end,) = (await client.get("/paper")).json()["data"]
        assert (end["paper"], end["agrees"]) == (None, None)


async def test_ends_that_cannot_be_are_refused(service: Service, shot_lane: LaneRows) -> None:
    good = {"slot": "A", "end_number": 1, "values": ["X"]}
    async with http(service, f"/api/v0/session/{shot_lane.session_id}") as client:
        for wrong, member in (
            ({**good, "values": ["11"]}, "values"), ({**good, "values": [10]}, "values"), ({**good, "values": []}, "end_number"), ({**good, "end_number": 3}, "end_number"),
            ({**good, "values": ["X"] * 7}, "values"), ({**good, "slot": "E"}, "slot"), ({**good, "slot": "B"}, "slot"),
            ({**good, "end_number": 0}, "end_number"), ({**good, "end_number": "1"}, "end_number"), ({**good, "x": 1}, "x"),
        ):  # fmt: skip
            answer = await client.post("/paper", json=wrong)
            assert (answer.status_code, answer.json()["errors"][0]["loc"][:2]) == (422, ["body", member]), wrong
        assert await shot_lane.connection.fetchval("select count(*) from paper_ends") == 0


@pytest.mark.browser
async def test_a_browser_prints_the_pages_under_their_policy(service: Service, shot_lane: LaneRows) -> None:
    complaints: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        for name in ("scoresheet.html", "certificate.html"):
            await page.goto(f"{service.url}/api/v0/session/{shot_lane.session_id}/{name}")
            assert await page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
            assert "<script>Kim & Ünal" in await page.inner_text("body")
            assert (await page.pdf(prefer_css_page_size=True)).startswith(b"%PDF")
        await page.close()
    assert [text for text in complaints if "favicon" not in text] == []
