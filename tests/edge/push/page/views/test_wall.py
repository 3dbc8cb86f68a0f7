"""The screens for spectators: the wall fills the screen at any count of lanes, and the overlay draws nothing else."""

from __future__ import annotations

from base64 import b64encode

import pytest
from playwright.async_api import Page, expect

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.push.page.fixture_types import Call, Open
from tests.edge.push.page.views.range_rows import ARCHERS, Archer, build_range, shoot
from tests.edge.shot_rows import add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LEGIBLE_VMIN = 5.0
"""Least height of type of a value: 34 mm on a screen of 55 inches, to be read from 5 m."""
OVERFLOWING = """() => [...document.querySelectorAll('.board, .board *:not(svg *)')].filter((one) => {
    const [box, screen] = [one.getBoundingClientRect(), document.documentElement];
    return box.right > screen.clientWidth + 1 || box.bottom > screen.clientHeight + 1
        || (one.matches('.figure, .who, .numbers, .chips, .standings') && one.scrollWidth > one.clientWidth + 2)
        || (one.matches('.figure') && box.bottom > one.parentElement.getBoundingClientRect().bottom + 2);
}).map((one) => `${one.className} ${one.textContent}`)"""
ALPHA = """async ([png, places]) => {
    const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    return places.map(([x, y]) => canvas.getImageData(x, y, 1, 1).data[3]);
}"""
"""Opacity of a picture at some places, 0 to 255."""

CONTRASTS = """() => {
    const rgba = (text) => [...text.matchAll(/[\\d.]+/g)].map(([one]) => Number(one));
    const light = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) => (one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4))
        .reduce((sum, one, i) => sum + one * [.2126, .7152, .0722][i], 0);
    return [...document.querySelectorAll(".board .chip-value:not(.free)")].map((one) => {
        const style = getComputedStyle(one);
        const [a, b] = [light(rgba(style.color)), light(rgba(style.backgroundColor))].sort((x, y) => y - x);
        return (a + .05) / (b + .05);
    });
}"""
"""Contrast of the values of an end, which axe-core does not measure within an image."""
BOXES = """() => [...document.querySelectorAll('.cell')].map((one) => {
    const { left, top, width, height } = one.getBoundingClientRect();
    return [left, top, width, height].map(Math.round);
})"""


@pytest.mark.parametrize(
    ("n", "width", "height", "expected"),
    [
        (1, 1920, 1080, (1, 1, 1)),
        (2, 1920, 1080, (2, 1, 2)),
        (3, 1920, 1080, (3, 1, 3)),
        (4, 1920, 1080, (2, 2, 2)),
        (5, 1920, 1080, (3, 2, 2)),
        (6, 1920, 1080, (3, 2, 3)),
        (8, 1920, 1080, (4, 2, 4)),
        (8, 1080, 1920, (2, 4, 2)),
        (40, 3840, 2160, (8, 5, 8)),
        (0, 1920, 1080, (1, 1, 1)),
    ],
)
async def test_boards_fill_the_screen(call: Call, n: int, width: int, height: int, expected: tuple[int, ...]) -> None:
    found = await call("model/grid.js", "arrange", n, width, height)
    assert (found["columns"], found["rows"], found["lastRow"]) == expected


async def value_sizes(page: Page) -> list[float]:
    found: list[float] = await page.locator(".board .figure b").evaluate_all(
        "all => all.map((one) => parseFloat(getComputedStyle(one).fontSize) * 100 / Math.min(innerWidth, innerHeight))"
    )
    return found


async def test_a_wall_of_eight_lanes_is_legible_and_full(open_page: Open, connection: Connection) -> None:
    lanes = await build_range(connection, 8, arrows=8)
    page = await open_page(1920, 1080, query="?wall")
    await expect(page.locator(".board")).to_have_count(8)
    await expect(page.locator(".board .names")).to_have_text(list(ARCHERS))
    await expect(page.locator(".board").first.locator(".figure.total b")).not_to_have_text("\N{EN DASH}")
    boxes = await page.evaluate(BOXES)
    assert len({top for _, top, _, _ in boxes}) == 2
    assert len({left for left, _, _, _ in boxes}) == 4
    assert sum(width * height for _, _, width, height in boxes) > 0.9 * 1920 * 1080
    assert min(await value_sizes(page)) >= LEGIBLE_VMIN
    assert await page.evaluate(OVERFLOWING) == []
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    await expect(page.locator("a:visible, button:visible")).to_have_count(0)
    before = await page.locator('[data-lane="8"] .figure.total b').inner_text()
    await add_shot(lanes[7], points=10, is_x=True)
    board = page.locator('[data-lane="8"]')
    await expect(board.locator(".figure.last b")).to_have_text("X")
    await expect(board.locator(".figure.total b")).to_have_text(str(int(before) + 10))
    await expect(board.locator(".chip-value.latest")).to_have_text("X")
    for size, columns in ((1280, 4), (600, 2)):
        await page.set_viewport_size({"width": size, "height": 1100 if size == 600 else 720})
        await expect(page.locator(".boards")).to_have_css("--tracks", str(columns * columns))
        assert await page.evaluate(OVERFLOWING) == []


async def test_a_shared_butt_shows_each_archer(open_page: Open, lane: LaneRows) -> None:
    archers = [Archer(name) for name in ARCHERS[:4]]
    await shoot(lane, archers, 13)
    page = await open_page(1920, 1080, query=f"?wall&lane={lane.number}")
    rows = page.locator(".board .standings .name")
    await expect(rows).to_have_text([f"{letter} · {one.name}" for letter, one in zip("ABCD", archers, strict=True)])
    await expect(page.locator(".board .names")).to_have_text(f"A · {ARCHERS[0]}")
    total = await page.locator(".board .standings .last b").inner_text()
    await expect(page.locator(".board .figure.total b")).to_have_text(total)
    assert await page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize(
    ("given", "width", "has_pointer", "operates", "view"),
    [
        ({}, 1600, False, False, "wall"),
        ({}, 1599, False, False, "lane"),
        ({}, 2199, True, False, "lane"),
        ({"lang": "de"}, 2200, True, False, "wall"),
        ({}, 3840, False, True, "lane"),
        ({"wall": "0"}, 3840, False, False, "lane"),
        ({"lane": "2"}, 3840, False, False, "lane"),
        ({"lane": "all"}, 3840, False, False, "overview"),
        ({"spectator": ""}, 3840, False, False, "lane"),
        ({"overlay": ""}, 3840, False, False, "overlay"),
        ({"overlay": "0", "wall": "", "lane": "2"}, 390, True, True, "wall"),
    ],
)
async def test_a_wide_screen_is_a_wall_by_itself(
    call: Call, given: dict[str, str], width: int, has_pointer: bool, operates: bool, view: str
) -> None:
    found = await call("model/view.js", "viewOf", given, {"width": width, "hasPointer": has_pointer}, operates)
    assert found == {"view": view, "isAutomatic": view == "wall" and "wall" not in given}


async def test_a_new_lane_joins_the_wall(open_page: Open, connection: Connection) -> None:
    lane = LaneRows(connection, OUTDOORS, source="hardware")
    await lane.build()
    page = await open_page(2200, 1240)
    back = page.get_by_role("link", name="Lane page and settings")
    await expect(back).to_have_css("opacity", "0")
    await expect(page.locator(".board h2")).to_have_text([f"Lane {lane.number}"])
    other = LaneRows(connection, OUTDOORS, 2, source="hardware")
    await other.build()
    await expect(page.locator(".board h2")).to_have_text(["Lane 1", "Lane 2"])
    first, second = await page.evaluate(BOXES)
    assert first[1] == second[1]
    assert first[0] + first[2] <= second[0]
    await expect(page.locator("#simulated")).to_be_hidden()
    await connection.execute("update device_status set source = 'simulator'")  # before its first shot
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the screen wakes up
    await expect(page.locator("#simulated")).to_be_visible()
    await page.mouse.move(500, 500)
    await expect(back).to_have_css("opacity", "1")
    await back.click()
    await expect(page.locator("#operate")).to_be_visible()  # also with ?wall=0 in the address
    await expect(page.locator("main")).to_be_visible()


async def test_the_overlay_is_transparent_around_its_board(open_page: Open, modules: Page, lane: LaneRows) -> None:
    await add_shot(lane, CENTRE_MM + 70, CENTRE_MM, 9)
    await add_shot(lane, None, None, 0, result="miss")
    page = await open_page(1280, 720, query="?overlay")
    await expect(page.locator(".board .figure.total b")).to_have_text("9")
    contrasts = await page.evaluate(CONTRASTS)
    assert len(contrasts) == 2
    assert min(contrasts) >= 4.5
    await expect(page.locator("#simulated")).to_be_hidden()
    await expect(page.locator(".board .note")).to_have_text("Simulated data")
    box = await page.locator(".board").bounding_box()
    assert box is not None
    picture = b64encode(await page.screenshot(omit_background=True)).decode()
    middle = [box["x"] + box["width"] / 2, box["y"] + 4]
    corner, board = await modules.evaluate(ALPHA, [picture, [[3, 3], middle]])
    assert corner == 0
    assert board >= 200
    assert await page.evaluate(OVERFLOWING) == []
