"""Panels of the live page: group, reasons, arrows, sighters, corrections, orphans, lanes."""

from __future__ import annotations

import uuid

import pytest
from playwright.async_api import expect

from edge.common.advice import command_prefix
from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.page.measure import content_after, fits, lines
from tests.edge.shot_rows import add_orphan, add_shot, revise_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPOTS = [(100.0, 40.0), (-100.0, -40.0), (40.0, 100.0), (-40.0, -100.0), (80.0, -80.0), (-80.0, 80.0)]


async def shoot_at(lane: LaneRows, dx: float, dy: float, points: int = 8) -> uuid.UUID:
    return await add_shot(lane, CENTRE_MM + dx, CENTRE_MM + dy, points)


async def test_the_group_is_described_and_drawn(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    panel = page.locator("#group-panel")
    await expect(panel.locator(".first dd")).to_have_text(["\N{EN DASH}"] * 3)
    for x, y in SPOTS[:5]:
        await shoot_at(lane, x + 200, y - 30)
    await expect(panel.locator("h2")).to_have_text("Group 5 arrows")
    await expect(panel).to_contain_text("216 mm right, 46 mm low")
    await expect(panel).to_contain_text("needs 6 arrows")
    await expect(page.locator("#face .group .half")).to_have_count(0)
    await shoot_at(lane, SPOTS[5][0] + 200, SPOTS[5][1] - 30)
    await expect(panel.locator("h2")).to_have_text("Group 6 arrows")
    await expect(panel.locator(".first dd")).to_have_text(
        ["200 mm right, 30 mm low", "226 mm (6 arrows)", "right 2.4 mm"]
    )
    further = panel.locator(".further")
    await expect(further).to_be_hidden()
    await panel.get_by_text("More").click()
    await expect(further).to_be_visible()
    await expect(further).to_contain_text("87 mm (95 %: 59-149)")
    await expect(further).to_contain_text("within 102 mm")
    drawn = page.locator("#face .group .half:not(.under)")
    assert float(await drawn.get_attribute("r") or 0) == pytest.approx(1.1774 * 87.0, rel=1e-3)
    moved = await drawn.locator("..").get_attribute("transform")
    assert moved == "translate(840 670)"  # the drawing's y axis points down
    await expect(panel).not_to_contain_text("Later half")


async def test_the_selected_or_last_shot_is_explained(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    first = await shoot_at(lane, 100, 0, 9)
    await add_shot(lane, None, None, 0, result="miss")
    why = page.locator("#why-panel")
    await expect(why.locator("h2")).to_have_text("Why M")
    await expect(why).to_contain_text("Miss: the target was working and saw nothing")
    await why.click(position={"x": 30, "y": 30})  # a finger that is about to press a button there
    await add_shot(lane, points=8)
    await expect(page.locator("#last-value")).to_have_text("8")
    await expect(why.locator("h2")).to_have_text("Why M")
    await page.locator("#title").click()
    await add_shot(lane, points=7)
    await expect(why.locator("h2")).to_have_text("Why 7")
    await page.locator(f'.shot[data-shot="{first}"]').click()
    await expect(why.locator("h2")).to_have_text("Why 9")
    await expect(why).to_contain_text("100 mm from the centre of face A")
    await expect(why).to_contain_text("drawn for 4.0 s")


async def test_arrows_are_listed_and_a_deviating_one_is_marked(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    arrows = [await connection.fetchval(
        "insert into arrows (id, human_identifier, length) values (gen_random_uuid(), $1, 70) returning id", f"L1-0{i}"
    ) for i in range(4)]  # fmt: skip
    for number, (x, y) in enumerate(SPOTS * 2):
        shot = await shoot_at(lane, x / 10, y / 10 + (150 if number % 4 == 3 else 0))
        await connection.execute("update shots set arrow_id = $2 where id = $1", shot, arrows[number % 4])
    page = await open_page()
    rows = page.locator("#arrows-panel tbody tr")
    await expect(rows.locator("th")).to_have_text(["L1-00", "L1-01", "L1-02", "L1-03"])
    await expect(page.locator("#arrows-panel tr.beyond")).to_have_count(1)
    await expect(rows.nth(3)).to_contain_text("9.8 left, 147 high")
    await expect(rows.nth(3).locator(".note")).to_have_text("check arrow L1-03: 148 mm off in 3 shots")
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await fits(page, "#arrows-panel table")
    assert await lines(page, "#arrows-panel tbody th") == 1  # no break inside the name


async def test_sighters_are_shown_apart_and_in_no_total(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    await connection.execute("update sessions set sighter_ends = 1")
    page = await open_page()
    await add_shot(lane, points=9)
    await expect(page.locator("#last-label")).to_have_text("Sighter")
    await expect(page.locator("#total")).to_have_text("0")
    await expect(page.locator("#total-detail")).to_have_text("sighters do not count")
    await expect(page.locator(".shot")).to_have_class("shot current last sighter fresh")
    await expect(page.locator("#announcer")).to_have_text("Shot S1-1: 9. Total 0.")
    for _ in range(5):
        await add_shot(lane, points=9)
    await add_shot(lane, points=7)
    await expect(page.locator("#ends tbody th")).to_have_text(["S1", "1"])
    await expect(page.locator("#ends tbody td.sum")).to_have_text(["(54)", "7"])
    await expect(page.locator("#total")).to_have_text("7")
    await expect(page.locator("#group-panel h2")).to_have_text("Group 1 arrow")


async def test_a_correction_is_highlighted_and_keeps_its_old_value(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    shot = await add_shot(lane, None, None, 0, result="miss")
    await revise_shot(lane, shot, 500.0, 640.0, 8, "hit")
    page = await open_page()  # the correction precedes the page
    row = page.locator(f'#shots tr[data-shot="{shot}"]')
    await expect(row).to_have_class("last corrected recent")
    await expect(row.locator(".value")).to_have_text("M 8")
    await expect(page.locator("#ends td.recent")).to_have_count(1)
    await connection.execute("update shots set corrected_at = corrected_at - interval '2 minutes'")
    await page.reload()
    await expect(row).to_have_class("last corrected")
    await expect(row.locator(".value")).to_have_text("M 8")
    assert await content_after(page, "#shots tr.corrected .value [role=img]") == '"●"'
    await expect(page.locator("#ends td.recent")).to_have_count(0)


async def test_a_voided_shot_is_struck_through_and_in_no_total(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    page = await open_page()
    shot = await add_shot(lane, points=9)
    await add_shot(lane, points=7)
    await expect(page.locator("#total")).to_have_text("16")
    await expect(page.locator("#announcer")).to_contain_text("Total 16.")
    await connection.execute(
        """update shots set result = 'void', points = null, void_reason = 'shot by the neighbour', flags = '{corrected}',
            revision = revision + 1 where id = $1""",
        shot,
    )
    row = page.locator(f'#shots tr[data-shot="{shot}"]')
    await expect(row).to_have_class("corrected recent not-shot")
    await expect(row.locator(".value")).to_have_text("9 void")
    await expect(row.locator(".note")).to_have_text("corrected by a judge, shot by the neighbour")
    await expect(page.locator("#total")).to_have_text("7")
    await expect(page.locator("#announcer")).to_have_text("Correction: a shot that was 9 does not count. Total 7.")
    await expect(page.locator(".shot")).to_have_count(1)


async def test_an_orphan_is_a_grey_dot_in_no_total(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    page = await open_page()
    await add_shot(lane, points=9)
    await expect(page.locator("#announcer")).to_have_text("Shot 1-1: 9. Total 9.")
    orphan = await add_orphan(lane, 700.0, 900.0)
    dot = page.locator("#face .orphan")
    await expect(dot).to_have_attribute("transform", "translate(700 380)")
    await expect(page.locator("#announcer")).to_have_text("An unclaimed hit: it is not scored yet.")
    await add_orphan(lane, None, None)
    waiting = page.locator("#orphans")
    await expect(waiting).to_contain_text("2 unclaimed hits (grey), not scored yet. List them on the hub:")
    await expect(waiting.locator(".command")).to_have_text(f"{command_prefix()}archstats-sensor orphan list --lane 1")
    await page.reload()
    await expect(waiting).to_contain_text("2 unclaimed hits")
    await expect(dot).to_have_count(1)
    await expect(page.locator("#total")).to_have_text("9")
    await connection.execute("update orphans set status = 'voided' where id = $1", orphan)
    await expect(dot).to_have_count(0)
    await expect(waiting).to_contain_text("1 unclaimed hit ")


async def test_the_address_keeps_the_lane_and_back_works(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    other = LaneRows(connection, OUTDOORS, 2)
    await other.build()
    await add_shot(other, points=5)
    await add_shot(lane, points=9)
    page = await open_page(query="?lane=2")
    await expect(page.locator("#total")).to_have_text("5")
    await expect(page.locator('#lanes [aria-current="page"]')).to_have_text("Lane 2")
    await page.get_by_role("link", name="Lane 1").click()
    await expect(page.locator("#total")).to_have_text("9")
    await expect(page.locator("#lanes a:focus")).to_have_text("Lane 1")
    assert page.url.endswith("?lane=1")
    await page.go_back()
    await expect(page.locator("#title")).to_have_text("Lane 2")
    await add_shot(other, points=4)
    await expect(page.locator("#total")).to_have_text("9")
    assert await page.locator("#shots tbody tr").count() == 2


async def test_a_device_turns_silent_without_reload(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    page = await open_page()
    state = page.locator('[data-device="target-1"] .state')
    await expect(state).to_have_text("ready")
    await connection.execute(
        "update device_status set updated_at = updated_at - interval '70 s' where device_id = 'target-1'"
    )
    await page.evaluate(
        "document.dispatchEvent(new Event('visibilitychange'))"
    )  # the page refreshes when it becomes visible
    await expect(state).to_have_text("silent")
    age = page.locator('[data-device="target-1"] .age')
    await expect(age).to_contain_text("heard 1 min ago")
    await expect(age).not_to_contain_text("restarted")
    await connection.execute(
        """insert into device_gaps (device_id, stream_id, since, until, reason)
        values ('target-1', gen_random_uuid(), now() - interval '130 s', now() - interval '125 s', 'test')"""
    )
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(age).to_contain_text("sensor restarted 2 min ago")
    assert not any(lane.seqs.values())


async def test_unclaimed_arrows_show_the_command_that_adds_them(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    await connection.execute("update sessions set is_opened = false, end_time = now() - interval '10 minutes'")
    page = await open_page()
    hint = page.locator("#unclaimed")
    await expect(hint).to_be_hidden()
    await connection.execute(
        """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
        values ($1, gen_random_uuid(), 1, 'release', now(), gen_random_uuid(), now(), 'simulator')""",
        lane.bow,
    )
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(hint).to_contain_text("1 arrow shot while no session is open, in no total.")
    await expect(hint).not_to_contain_text("METRES")
    command = hint.locator(".command")
    like_the_last = "archstats-sensor session open --lane 1 --distance 70 --face wa_122 --outdoor --arrows-per-end 6"
    await expect(command).to_contain_text(
        f"{command_prefix()}{like_the_last} --butt-width 1280 --butt-height 1280 --since 20"
    )
    await command.click()
    assert await page.evaluate("getSelection().toString()") == await command.text_content()
    await connection.execute("delete from sessions")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(command).to_contain_text("--distance METRES --face FACE --since 20")
    await expect(hint).to_contain_text("Write the distance and the face in place of METRES and FACE.")


async def test_a_clock_banner_shows_until_the_clocks_agree(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    page = await open_page()
    bar, bow = page.locator("#clocks"), page.locator(f'[data-device="{lane.bow}"]')
    for is_off in (True, False):
        await connection.execute("update device_status set clock_off = $1 where device_id = $2", is_off, lane.bow)
        await expect(bow.locator(".state")).to_have_text("degraded" if is_off else "ready")
        await expect(bar).to_be_visible(visible=is_off)
        await expect(bow.get_by_text("too far apart")).to_have_count(int(is_off))
    await expect(bar).to_contain_text("BOW CLOCK OFF")
    await connection.execute(
        "update device_status set chatters = true, error = '900 landings' where device_id = $1", lane.bow
    )
    await expect(bow.locator(".state")).to_have_text("degraded")
    await expect(bow).to_contain_text("900 landings")
    await expect(bar).to_be_hidden()
