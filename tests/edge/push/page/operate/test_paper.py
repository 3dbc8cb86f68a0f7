"""The second scorer on the page: typed by keypad or keyboard, and every difference to the sensors lights up."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.edge.lane_rows import CENTRE_MM, LaneRows
from tests.edge.push.page.operate.hands import OPERATOR, Operate
from tests.edge.shot_rows import add_shot, revise_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ENTRIES = "select slot, end_number, arrow_values, who from paper_ends order by id"


async def tap(dialog: Locator, *values: str) -> None:
    """Tap values on the keypad."""
    for value in values:
        await dialog.locator("button.key", has_text=re.compile(f"^{value}$")).click()


async def shoot(lane: LaneRows, *points: int) -> None:
    for worth in points:
        await add_shot(lane, CENTRE_MM + 61 * (10 - worth), CENTRE_MM, worth)


async def test_differences_light_up(operate: Operate, lane: LaneRows, width: int) -> None:
    await shoot(lane, 10, 9, 9, 8, 7, 6)
    operator = await operate(width=width)
    dialog = await operator.choose("paper")
    await tap(dialog, "10", "9", "8", "8", "7", "5")
    await expect(dialog.locator(".compare tr").first.locator("td")).to_have_text(["10", "9", "8", "8", "7", "5", "47"])
    await expect(dialog.locator(".compare tr").last.locator("td")).to_have_text(["10", "9", "9", "8", "7", "6", "49"])
    await expect(dialog.locator(".verdict")).to_have_text("2 arrows differ.")
    await expect(dialog.locator(".compare .differs")).to_have_text(["8", "5", "9", "6"])
    await operator.submit()
    await expect(dialog.locator(".saved")).to_contain_text("Saved.")
    await operator.page.keyboard.press("Escape")
    (row,) = await lane.connection.fetch(ENTRIES)
    assert tuple(row) == (None, 1, ["10", "9", "8", "8", "7", "5"], OPERATOR)
    await expect(operator.page.locator("#ends td.paper-differs")).to_have_text(["9", "6"])
    await expect(operator.page.locator("#ends .paper-mark")).to_have_text("paper 47")


async def test_a_correction_of_the_sensors_ends_the_difference(operate: Operate, lane: LaneRows) -> None:
    await shoot(lane, 10, 9)
    last = await add_shot(lane, CENTRE_MM + 200, CENTRE_MM, 6)
    operator = await operate()
    dialog = await operator.choose("paper")
    await tap(dialog, "10", "9", "7")
    await operator.submit()
    await expect(dialog.locator(".saved")).to_contain_text("Saved.")
    await expect(operator.page.locator("#ends td.paper-differs")).to_have_text(["6"])
    await revise_shot(lane, last, CENTRE_MM + 180, CENTRE_MM, 7, "hit")
    await expect(operator.page.locator("#ends .paper-differs")).to_have_count(0)
    await expect(dialog.locator(".verdict")).to_have_text("No difference.")


@pytest.mark.long
async def test_the_keyboard_types_an_end(operate: Operate, lane: LaneRows) -> None:
    await shoot(lane, 10, 9, 7)
    operator = await operate()
    dialog = await operator.choose("paper")
    for key in ("x", "0", "9", "Backspace", "M"):
        await operator.page.keyboard.press(key)
    await expect(dialog.locator(".compare tr").first.locator("td")).to_have_text(["X", "10", "M", "20"])
    await operator.submit()
    await expect(dialog.locator(".saved")).to_contain_text("Saved.")
    (row,) = await lane.connection.fetch(ENTRIES)
    assert row["arrow_values"] == ["X", "10", "M"]


async def test_each_archer_has_an_entry_of_each_end(operate: Operate, lane: LaneRows) -> None:
    for letter, archer in (("A", "Kim"), ("B", "Jo")):
        await lane.connection.execute(
            "with archer as (insert into archers (name) values ($3) returning id) "
            "insert into slots (session_id, letter, face, archer_id) select $1, $2, '1', id from archer",
            lane.session_id,
            letter,
            archer,
        )
    await shoot(lane, 10, 8)
    await lane.connection.execute(
        "update shots set slot_id = slots.id, revision = revision + 1 from slots where letter = case points when 10 then 'A' else 'B' end"
    )
    operator = await operate(width=390)
    dialog = await operator.choose("paper")
    await expect(dialog.get_by_label("Archer")).to_have_value("A")
    await tap(dialog, "10")
    await expect(dialog.locator(".verdict")).to_have_text("No difference.")
    await operator.submit()
    await expect(dialog.get_by_label("Archer")).to_have_value("B")  # the next without an entry
    await tap(dialog, "9")
    await expect(dialog.locator(".verdict")).to_have_text("1 arrow differs.")
    await operator.submit()
    await expect(operator.page.locator("#ends td.paper-differs")).to_have_text(["8"])
    rows = await lane.connection.fetch(ENTRIES)
    assert [(row["slot"], row["arrow_values"]) for row in rows] == [("A", ["10"]), ("B", ["9"])]


async def test_an_end_is_entered_again(operate: Operate, lane: LaneRows) -> None:
    await shoot(lane, 10, 9)
    operator = await operate()
    dialog = await operator.choose("paper")
    await tap(dialog, "10", "8")
    await operator.submit()
    await expect(dialog.locator(".saved")).to_contain_text("Saved.")
    await operator.page.keyboard.press("Escape")
    await operator.page.reload()
    await expect(operator.page.locator("#ends .paper-mark")).to_have_text("paper 18")  # also for who comes later
    dialog = await operator.choose("paper")
    await expect(dialog.locator(".compare tr").first.locator("td")).to_have_text(["10", "8", "18"])
    await dialog.get_by_role("button", name="Delete last").click()
    await tap(dialog, "9")
    await operator.submit()
    await expect(operator.page.locator("#ends .paper-differs")).to_have_count(0)
    for _ in range(2):
        await dialog.get_by_role("button", name="Delete last").click()
    await expect(dialog.locator(".verdict")).to_contain_text("on paper no more")
    await expect(dialog.locator(".saved")).to_be_empty()
    await operator.submit()  # withdraws the entry
    await expect(dialog.locator(".saved")).to_contain_text("Saved.")
    await expect(operator.page.locator("#ends .paper-mark")).to_have_count(0)
    entered = [["10", "8"], ["10", "9"], []]
    assert [row["arrow_values"] for row in await lane.connection.fetch(ENTRIES)] == entered


@pytest.mark.long
async def test_an_entry_appears_on_another_page(operate: Operate, lane: LaneRows) -> None:
    await shoot(lane, 10, 9)
    first, second = await operate("Anna"), await operate("Bert")
    dialog = await first.choose("paper")
    await tap(dialog, "10", "8")
    await first.submit()
    await expect(second.page.locator("#ends .paper-mark")).to_have_text("paper 18")
    await first.page.keyboard.press("Escape")


async def test_an_end_that_no_sensor_saw_is_entered(operate: Operate, lane: LaneRows) -> None:
    operator = await operate(width=390)
    dialog = await operator.choose("paper")
    await expect(dialog.get_by_label("End")).to_contain_text("1 (not seen by the sensors)")
    await tap(dialog, "10", "9")
    await expect(dialog.locator(".compare .differs")).to_have_count(0)
    await operator.submit()
    await expect(dialog.get_by_label("End")).to_have_value("2")
    (row,) = await lane.connection.fetch(ENTRIES)
    assert tuple(row) == (None, 1, ["10", "9"], OPERATOR)


@pytest.mark.long
async def test_nothing_is_sent_without_a_value(operate: Operate, lane: LaneRows) -> None:
    await shoot(lane, 10)
    operator = await operate()
    await operator.choose("paper")
    await operator.submit()
    await expect(operator.faults).to_have_text("Type the values first.")
    assert await lane.connection.fetch(ENTRIES) == []
