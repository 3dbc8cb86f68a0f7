"""The face shows the group larger by itself when it is small, and by a tap or the button; chips have the zones' colours."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.edge.lane_rows import CENTRE_MM, LaneRows
from tests.edge.push.page.fixture_types import Call, Open
from tests.edge.push.page.shots import shot
from tests.edge.shot_rows import add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WHOLE = {"x": 0.0, "y": 0.0, "size": 1000.0}


def circles(*points: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y, "r": 3.0} for x, y in points]


async def test_the_box_holds_the_group_with_room(call: Call) -> None:
    near = circles((400, 500), (600, 520), (480, 610))
    box = await call("model/zoom.js", "groupBox", WHOLE, near)
    for one in near:
        assert box["x"] + 10 < one["x"] < box["x"] + box["size"] - 10
        assert box["y"] + 10 < one["y"] < box["y"] + box["size"] - 10
    assert await call("model/zoom.js", "isSmall", WHOLE, box, 3)
    assert not await call("model/zoom.js", "isSmall", WHOLE, box, 2)


async def test_one_hole_keeps_the_lines_around_it_in_view(call: Call) -> None:
    box = await call("model/zoom.js", "groupBox", WHOLE, circles((400, 500)))
    assert (box["x"] + box["size"] / 2, box["y"] + box["size"] / 2) == (400, 500)
    assert box["size"] >= 150


@pytest.mark.parametrize("near", [[], circles((10, 10), (990, 500))])
async def test_a_wide_group_is_not_worth_a_zoom(call: Call, near: list[dict[str, float]]) -> None:
    assert await call("model/zoom.js", "groupBox", WHOLE, near) is None
    assert not await call("model/zoom.js", "isSmall", WHOLE, None, 9)


async def shown_mm(page: Page) -> float:
    """Return the width of the part of the target that the picture shows."""
    box = await page.locator("#face svg").get_attribute("viewBox")
    assert box is not None
    return float(box.split()[2])


async def test_a_small_group_is_shown_by_itself_and_on_request(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    button = page.get_by_role("button", name="Zoom to the group")
    await expect(button).to_be_hidden()
    for step in range(3):
        await add_shot(lane, CENTRE_MM + 30 * step, CENTRE_MM + 40, 10)
    await expect(button).to_have_attribute("aria-pressed", "true")
    near = await shown_mm(page)
    assert near < 400
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(button).to_have_attribute("aria-pressed", "false")
    assert await shown_mm(page) > 1200
    await add_shot(lane, CENTRE_MM, CENTRE_MM, 10)
    await expect(page.locator(".shot")).to_have_count(4)
    assert await shown_mm(page) > 1200  # the reader's choice stays
    face = await page.locator("#face").bounding_box()
    assert face is not None
    await page.mouse.click(face["x"] + 30, face["y"] + face["height"] - 30)  # a tap beside every shot
    await expect(button).to_have_attribute("aria-pressed", "true")
    assert await shown_mm(page) < 400
    marker = await page.locator(".shot .halo").first.bounding_box()
    assert marker is not None
    await page.mouse.click(marker["x"] - 8, marker["y"] + marker["height"] / 2)  # near a shot: selects it
    await expect(page.locator(".shot.selected")).to_have_count(1)
    await expect(button).to_have_attribute("aria-pressed", "true")


async def test_the_zoom_moves_smoothly_unless_less_motion_is_wanted(open_page: Open, lane: LaneRows) -> None:
    for step in range(3):
        await add_shot(lane, CENTRE_MM + 30 * step, CENTRE_MM, 10)
    page = await open_page()
    button = page.locator("#zoom")
    await expect(button).to_have_attribute("aria-pressed", "true")
    steps = """async () => {
        const [face, seen] = [document.querySelector('#face svg'), new Set()];
        document.querySelector('#zoom').click();
        const began = performance.now();
        while (performance.now() - began < 600) {
            seen.add(face.getAttribute('viewBox'));
            await new Promise(requestAnimationFrame);
        }
        return seen.size;
    }"""
    assert await page.evaluate(steps) == 1
    await page.emulate_media(reduced_motion="no-preference")
    assert await page.evaluate(steps) > 3


@pytest.mark.parametrize(
    ("given", "colour"),
    [
        ({"points": 10, "is_x": True}, "gold"), ({"points": 9}, "gold"), ({"points": 8}, "red"), ({"points": 7}, "red"),
        ({"points": 6}, "blue"), ({"points": 5}, "blue"), ({"points": 4}, "black"), ({"points": 3}, "black"),
        ({"points": 2}, "white"), ({"points": 1}, "white"), ({"points": 0}, "miss"), ({"points": 11}, "gold"),
        ({"points": None, "result": "miss"}, "miss"), ({"points": None, "result": "pending"}, "open"),
    ],
)  # fmt: skip
async def test_a_chip_has_the_colour_of_its_zone(call: Call, given: dict[str, Any], colour: str) -> None:
    assert await call("model/score.js", "colour", shot(1, **given)) == colour


async def test_chips_are_the_arrows_of_the_end(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    chips = page.locator("#chips .chip-value")
    await expect(chips).to_have_count(6)
    await expect(page.locator("#chips .free")).to_have_count(6)
    for points in (9, 4):
        await add_shot(lane, CENTRE_MM, CENTRE_MM, points)
    await expect(page.locator("#chips .free")).to_have_count(4)
    await expect(chips.nth(0)).to_have_class("chip-value gold")
    await expect(chips.nth(1)).to_have_class("chip-value black latest")
    await expect(page.locator("#end-sum")).to_have_text("13")


async def test_paper_shows_face_and_sheet_without_controls(open_page: Open, lane: LaneRows) -> None:
    for _ in range(4):
        await add_shot(lane)
    page = await open_page()
    await expect(page.locator("#total")).to_have_text("40")
    await page.emulate_media(media="print")
    for selector in ("#zoom", "#settings", ".lanes", "#operate", ".devices-panel"):
        await expect(page.locator(selector)).to_be_hidden()
    for selector in ("#face svg", "#ends", "#shots", "#group-panel"):
        await expect(page.locator(selector)).to_be_visible()
    cut = "all => all.filter((one) => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1).length"
    assert await page.locator(".scroll").evaluate_all(cut) == 0
