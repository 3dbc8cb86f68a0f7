"""Open a session on the page: as the last one was, or with everything given."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import OUTDOORS, LaneRows, started_ago
from tests.edge.push.page.operate.hands import Operate

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SESSION = """
    select s.lane, distance::int as distance, location, is_indoor, arrows_per_end, sighter_ends, rule_set,
        (select array_agg(code order by faces.human_identifier) from faces where target_id = targets.id) as faces,
        (select array_agg(letter || ':' || face || ':' || coalesce(name, '') || ':' || coalesce(bow_device_id, '') order by letter)
            from slots left join archers on archers.id = archer_id where slots.session_id = s.id) as slots
    from sessions s left join targets on targets.session_id = s.id where s.is_opened
"""


async def close(lane: LaneRows) -> None:
    """Close the session of the lane, as the assembler does."""
    await lane.connection.execute(
        "update sessions set is_opened = false, closing_time = coalesce(closing_time, now()), end_time = now() where id = $1",
        lane.session_id,
    )


async def test_a_session_opens_with_everything(operate: Operate, connection: Connection, width: int) -> None:
    lane = LaneRows(connection, OUTDOORS)
    await lane.add_devices()
    operator = await operate(width=width)
    dialog = await operator.choose("open")
    await dialog.get_by_label("Distance, m").fill("18")
    await dialog.get_by_label("Face", exact=True).select_option("wa_40")
    await dialog.get_by_label("Arrows per end").fill("3")
    await dialog.get_by_label("Place").fill("Halle Süd")
    await dialog.get_by_label("Indoors").check()
    await dialog.get_by_label("Archer A").fill("Kim L.")
    await dialog.get_by_label("Archer B").fill("Jo")
    await expect(dialog.get_by_label("One face for each archer")).to_be_checked()  # by the second name
    await dialog.get_by_text("More:").click()
    await dialog.get_by_label("Ends of sighters").fill("2")
    await dialog.get_by_label("Bow device of B").select_option("bow-1")
    await operator.finish()
    await expect(operator.page.locator("#subtitle")).to_contain_text("18 m · indoors")
    row = await connection.fetchrow(SESSION)
    assert row is not None
    assert dict(row) == {
        "lane": 1, "distance": 18, "location": "Halle Süd", "is_indoor": True, "arrows_per_end": 3, "sighter_ends": 2, "rule_set": "wa",
        "faces": ["wa_40", "wa_40"], "slots": ["A:A:Kim L.:", "B:B:Jo:bow-1"],
    }  # fmt: skip
    await expect(operator.button("open")).to_be_hidden()


async def test_a_session_is_proposed_like_the_last_one(
    operate: Operate, lane: LaneRows, connection: Connection
) -> None:
    await close(lane)
    await connection.execute("update sessions set arrows_per_end = 5, sighter_ends = 1")
    operator = await operate()
    dialog = await operator.choose("open")
    await expect(dialog.get_by_label("Distance, m")).to_have_value("70")
    await expect(dialog.get_by_label("Place")).to_have_value("Field 1")
    await expect(dialog.get_by_label("Arrows per end")).to_have_value("5")
    await operator.page.keyboard.press("Enter")
    await expect(operator.page.locator("dialog")).to_have_count(0)
    row = await connection.fetchrow(SESSION)
    assert row is not None
    assert (row["distance"], row["location"], row["arrows_per_end"], row["sighter_ends"]) == (70, "Field 1", 5, 1)
    assert row["faces"] == ["wa_122"]
    assert await connection.fetchval("select count(*) from sessions") == 2


async def test_another_lane_brings_its_own_proposal(operate: Operate, lane: LaneRows, connection: Connection) -> None:
    other = LaneRows(connection, OUTDOORS, 2)
    await other.build()
    await connection.execute("update sessions set location = 'Hall 2' where lane = 2")
    for one in (lane, other):
        await close(one)
    operator = await operate(query="?lane=1")
    dialog = await operator.choose("open")
    await dialog.get_by_label("Arrows per end").fill("4")
    await dialog.get_by_label("Lane", exact=True).select_option("2")
    await expect(dialog.get_by_label("Place")).to_have_value("Hall 2")
    await expect(dialog.get_by_label("Arrows per end")).to_have_value("4")  # it was typed
    await operator.finish()
    await expect(operator.page.locator("#title")).to_have_text("Lane 2")
    row = await connection.fetchrow(SESSION)
    assert row is not None
    assert (row["lane"], row["location"], row["arrows_per_end"]) == (2, "Hall 2", 4)


async def test_errors_stand_beside_their_fields(operate: Operate, connection: Connection) -> None:
    await LaneRows(connection, OUTDOORS).add_devices()
    operator = await operate(width=390)
    dialog = await operator.choose("open")
    await dialog.get_by_label("Archer A").fill("Kim")
    await dialog.get_by_label("Archer C").fill("kim")
    await operator.submit()
    await expect(operator.fault("archer_C")).to_have_text("Archer A has this one already.")
    await expect(dialog.get_by_label("Archer C")).to_be_focused()
    await dialog.get_by_label("Archer C").fill("Jo")
    await expect(operator.fault("archer_C")).to_be_hidden()
    await dialog.get_by_text("More:").click()
    await dialog.get_by_label("Bow device of A").select_option("bow-1")
    await connection.execute("update devices set lane = 3 where id = 'bow-1'")
    await operator.submit()
    await expect(dialog.locator(".fault:visible, .faults:visible")).to_contain_text("bow-1")
    await expect(dialog.get_by_label("Archer A")).to_have_value("Kim")  # what was typed stays
    assert await connection.fetchval("select count(*) from sessions") == 0


@pytest.mark.long
async def test_a_lane_that_another_operator_opened_says_so(operate: Operate, connection: Connection) -> None:
    lane = LaneRows(connection, OUTDOORS)
    await lane.add_devices()
    operator = await operate()
    await operator.choose("open")
    await lane.open_session()
    await operator.submit()
    await expect(operator.faults).to_contain_text("session")
    await expect(operator.dialog).to_be_visible()
    assert await connection.fetchval("select count(*) from sessions") == 1


async def test_arrows_shot_before_are_counted(operate: Operate, connection: Connection) -> None:
    lane = LaneRows(connection, started_ago(120))
    await lane.add_devices()
    for t in (10, 40):
        await lane.shoot(t)
        await lane.land(t + 0.4)
    operator = await operate(width=390)
    dialog = await operator.choose("open")
    await expect(dialog.get_by_label("Count the 2 arrows shot since")).to_be_checked()
    await operator.finish()
    assert await connection.fetchval("select start_time from sessions") <= lane.at(10)
