"""Page, command and HTTP API show the same numbers, and the page keeps the last ones while the hub is away."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from tests.edge.cli.command_line import CommandLine
from tests.edge.lane_rows import CENTRE_MM, LaneRows
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ARROWS = 4
ROUNDS = 6


async def shoot_session(lane: LaneRows, connection: Connection) -> None:
    """Shoot some ends with four arrows, of which L1-03 flies high, and a miss."""
    chance = random.Random(11)
    arrows = [await connection.fetchval(
        "insert into arrows (id, human_identifier, length) values (gen_random_uuid(), $1, 70) returning id", f"L1-0{i}"
    ) for i in range(ARROWS)]  # fmt: skip
    for number in range(ARROWS * ROUNDS):
        dx, dy = chance.gauss(25, 20), chance.gauss(-12, 20) + (120 if number % ARROWS == 3 else 0)
        points = chance.randint(5, 10)
        shot = await add_shot(lane, CENTRE_MM + dx, CENTRE_MM + dy, points, is_x=points == 10)
        await connection.execute("update shots set arrow_id = $2 where id = $1", shot, arrows[number % ARROWS])
    await add_shot(lane, None, None, 0, result="miss")
    await add_shot(lane, None, None, None, result="unknown")


def command_line(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    monkeypatch.setenv("POSTGRES_USER", settings.database.user)
    monkeypatch.setenv("POSTGRES_DB", settings.database.db)
    monkeypatch.setenv("POSTGRES_SOCKET_DIR", str(settings.database.socket_dir))
    return CommandLine(settings, capsys)


async def answer(service: Service) -> dict[str, Any]:
    async with http(service, "/api/v0") as client:
        found: dict[str, Any] = (await client.get("/statistics?lane=1")).json()["data"]
    return found


async def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = await page.locator(selector).all_inner_texts()
    return [text.replace("\u00a0", " ").strip() for text in found]


async def test_page_command_and_api_show_the_same_numbers(
    open_page: Open,
    lane: LaneRows,
    service: Service,
    connection: Connection,
    database_settings: ServiceSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await shoot_session(lane, connection)
    found = await answer(service)
    commands = command_line(database_settings, monkeypatch, capsys)
    with ThreadPoolExecutor(1) as thread:  # commands run a loop of their own
        in_thread = asyncio.get_running_loop().run_in_executor
        assert await in_thread(thread, commands.json, "session", "stats", "last") == [found]
        spoken = await in_thread(thread, commands.run, "session", "stats", "--lane", "1")
        (listed,) = await in_thread(thread, commands.json, "session", "list")
    totals, group = found["totals"], found["group"]
    assert (listed["arrows"], listed["points"]) == (totals["arrows"], totals["points"])

    page = await open_page()
    await expect(page.locator("#total")).to_have_text(str(totals["points"]))
    for fact, name in (("arrows", "arrows"), ("hits", "hits"), ("x", "xs"), ("misses", "misses")):
        assert await texts(page, f"#fact-{fact}") == [str(totals[name])]
    assert await texts(page, "#fact-average") == [f"{totals['average']:.2f}"]
    assert await texts(page, "#ends td.sum") == [str(end["totals"]["points"]) for end in found["ends"]]
    assert await texts(page, "#ends td:last-child") == [str(end["running"]) for end in found["ends"]]
    drawn = page.locator("#face .group .half:not(.under)")
    assert float(await drawn.get_attribute("r") or 0) == group["r50_mm"]
    place = await drawn.locator("..").get_attribute("transform")
    assert place == f"translate({CENTRE_MM + group['dx_mm']} {CENTRE_MM - group['dy_mm']})"
    words = " ".join(await page.locator("#group-panel dd").all_text_contents()).replace("\u00a0", " ")
    for value in (
        group["spread"]["sigma_mm"],
        group["r50_mm"],
        group["r95_mm"],
        group["mean_radius_mm"],
        group["extreme_spread_mm"],
    ):
        assert f"{value:.0f} mm" in words
        assert f"{value:.0f} mm" in spoken
    (bad,) = [arrow for arrow in found["arrows"] if arrow["bias"]["is_suspect"]]
    bias, error = bad["bias"]["bias_mm"], bad["bias"]["error_mm"]
    assert bad["name"] == "L1-03"
    assert await texts(page, "#arrows-panel .note") == [f"check arrow L1-03: {bias:.0f} mm off in {ROUNDS} shots"]
    assert f"check arrow L1-03: {bias:.0f} mm off in {ROUNDS} shots" in spoken
    assert (await texts(page, "#arrows-panel tr.beyond td:last-child")) == [f"{error:.0f}"]


async def test_the_numbers_stay_while_the_hub_cannot_compute_them(open_page: Open, lane: LaneRows) -> None:
    await add_shot(lane, points=9)
    page = await open_page()
    await expect(page.locator("#total")).to_have_text("9")
    fails = True
    asked = 0
    began = asyncio.get_running_loop().time()

    async def fail_at_first(route: Route) -> None:
        nonlocal asked
        asked += 1
        await (route.abort() if fails else route.continue_())

    await page.route("**/api/v0/statistics?*", fail_at_first)
    await add_shot(lane, points=7)
    await expect(page.locator("#last-value")).to_have_text("7")  # the shot itself needs no statistics
    await expect(page.locator("#ends td.arrow:not(:empty)")).to_have_text(["9", "7"])
    await expect(page.locator("#total")).to_have_text("9")
    await expect(page.locator("#group-panel h2")).to_have_text("Group 1 arrow")
    await expect(page.locator("#announcer")).to_have_text("")
    fails = False
    await expect(page.locator("#total")).to_have_text("16")
    await expect(page.locator("#announcer")).to_have_text("Shot 1-2: 7. Total 16.")
    assert asked <= 3 + (asyncio.get_running_loop().time() - began) / 1.5  # the shortest time between two attempts


async def test_archers_who_share_a_butt_are_shown_each(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    for letter, points in (("A", 9), ("B", 7), ("A", 8)):
        slot = await connection.fetchval(
            "insert into slots (session_id, letter, face) values ($1, $2, '1') on conflict (session_id, letter) "
            "do update set face = '1' returning id",
            lane.session_id,
            letter,
        )
        shot = await add_shot(lane, points=points)
        await connection.execute("update shots set slot_id = $2, revision = 2 where id = $1", shot, slot)
    page = await open_page()
    await expect(page.locator("#total")).to_have_text("17")  # of the archer who shot last, as the end
    await expect(page.locator("#end-sum")).to_have_text("17")
    await expect(page.locator("#total-detail")).to_have_text("Place A · of 20 with 2 arrows")
    await expect(page.locator("#fact-arrows")).to_have_text("2")
    assert await texts(page, "#archers tfoot :is(th, td)") == ["All archers", "", "3", "8.00", "24"]
    await expect(page.locator("#ends tbody th")).to_have_text(["Place A", "A 1", "Place B", "B 1"])
    await expect(page.locator("#ends tbody td:last-child")).to_have_text(["17", "7"])
    await expect(page.locator("#shots tbody th")).to_have_text(["A 1-2", "B 1-1", "A 1-1"])
    assert await texts(page, "#group-panel .first h3") == [
        "Place A: 2 arrows, 17 points of 20",
        "Place B: 1 arrow, 7 points of 10",
    ]
    await add_shot(lane, points=6)  # of no archer
    await expect(page.locator("#total-detail")).to_have_text("Without a place")
    await expect(page.locator("#total")).to_have_text("6")
    await expect(page.locator("#announcer")).to_have_text("Shot 1-1: 6. Total 6.")


async def test_many_changes_cost_few_requests(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    page = await open_page()
    await expect(page.locator("#total")).to_have_text("0")
    asked: list[float] = []
    loop = asyncio.get_running_loop()
    page.on("request", lambda request: asked.append(loop.time()) if "/statistics" in request.url else None)
    async with connection.transaction():
        for _ in range(12):
            await add_shot(lane, points=8)
    await expect(page.locator("#total")).to_have_text("96")
    assert 1 <= len(asked) <= 3


async def test_another_sessions_numbers_are_never_shown(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    await add_shot(lane, points=9)
    page = await open_page()
    await expect(page.locator("#total")).to_have_text("9")
    await page.route("**/api/v0/statistics?*", lambda route: route.abort())
    await connection.execute("update sessions set is_opened = false, end_time = now()")
    again = LaneRows(connection, lane.session, lane.number)
    again.session_id, again.face_id = lane.session_id.__class__(int=7), lane.face_id.__class__(int=8)
    async with connection.transaction():
        await again.open_session()
    await expect(page.locator("#total")).to_have_text("\N{EN DASH}")
    await expect(page.locator("#group-panel .first dd")).to_have_text(["\N{EN DASH}"] * 3)
    await expect(page.locator("#shots tbody tr")).to_have_count(0)
