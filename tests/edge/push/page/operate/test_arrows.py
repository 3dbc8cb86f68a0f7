"""Register arrows on the page, and program their tags on a simulated scanner, by its real driver and daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import expect

from edge.common.config.settings import ServiceSettings
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.stand import served
from tests.edge.lane_rows import LaneRows
from tests.edge.operator.calibration.test_simulated_scanner import scanner_daemon, until_ready
from tests.edge.push.page.conftest import in_the_runs_loop
from tests.edge.push.page.operate.hands import Operate

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCANNER = "arrow-1"


@in_the_runs_loop
async def scanner(lane: LaneRows, database_settings: ServiceSettings, tmp_path: Path) -> AsyncIterator[Scanner]:
    """Return a simulated scanner with a running daemon."""
    async with (
        served(DeviceSpec(SCANNER, "arrow.r200", 1), tmp_path / SCANNER, speed=1.0) as device,
        scanner_daemon(database_settings, tmp_path),
    ):
        assert isinstance(device, Scanner)
        await until_ready(lane.connection)
        yield device


async def test_an_arrow_is_registered(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    await operator.choose("arrows")
    await operator.dialog.get_by_role("button", name="Register an arrow").click()
    dialog = operator.dialog
    await dialog.get_by_label("Name on the shaft").fill("B07")
    await dialog.get_by_label("Length, cm").fill("72.5")
    await dialog.get_by_label("Shaft diameter, mm").fill("5.5")
    await dialog.get_by_text("More:").click()
    await dialog.get_by_label("Weight, g").fill("22.25")
    await dialog.get_by_label("Spine").fill("500")
    await dialog.get_by_label("Tag from the nock, cm").fill("10")
    await operator.submit()
    await expect(operator.dialog).to_contain_text("Arrow B07 is registered.")
    await expect(operator.dialog).to_contain_text("No scanner is known to this hub.")
    row = await lane.connection.fetchrow(
        "select length, diameter, weight, spine, label_position, is_programmed, is_active from arrows where human_identifier = 'B07'"
    )
    assert row is not None
    assert tuple(row) == (72.5, 5.5, 22.25, 500, 10, False, True)
    await operator.page.keyboard.press("Escape")
    await expect(operator.dialog.get_by_role("listitem").last).to_contain_text("B07")
    await expect(operator.dialog.get_by_role("button", name="Register an arrow")).to_be_focused()


@pytest.mark.long
async def test_a_name_in_use_stands_beside_its_field(operate: Operate, lane: LaneRows) -> None:
    operator = await operate(width=390)
    await operator.choose("arrows")
    await operator.dialog.get_by_role("button", name="Register an arrow").click()
    await operator.dialog.get_by_label("Name on the shaft").fill("A1")
    await operator.dialog.get_by_label("Length, cm").fill("70")
    await operator.submit()
    await expect(operator.fault("human_identifier")).to_contain_text("A1")
    await expect(operator.dialog.get_by_label("Name on the shaft")).to_be_focused()
    assert await lane.connection.fetchval("select count(*) from arrows") == 1
    await operator.dialog.get_by_label("Name on the shaft").fill("A2")
    await operator.submit()
    await expect(operator.dialog).to_contain_text("Arrow A2 is registered.")
    assert await lane.connection.fetchval("select count(*) from arrows") == 2


async def test_a_tag_is_programmed_and_the_next_arrow_follows(
    operate: Operate, lane: LaneRows, scanner: Scanner
) -> None:
    scanner.pad.place(["blank"])
    (placed,) = scanner.pad.tags
    operator = await operate(width=390)
    await operator.choose("arrows")
    await operator.dialog.get_by_role("button", name="Register an arrow").click()
    await operator.dialog.get_by_label("Name on the shaft").fill("B09")
    await operator.dialog.get_by_label("Length, cm").fill("71")
    await operator.submit()
    await expect(operator.dialog).to_contain_text("Put the arrow on the scanner, alone and still")
    await operator.submit()
    await expect(operator.dialog.locator(".progress")).to_contain_text(
        "Arrow B09 is programmed: written and read back."
    )
    row = await lane.connection.fetchrow("select id, is_programmed, tag_tid from arrows where human_identifier = 'B09'")
    assert row is not None
    assert isinstance(row["id"], UUID)
    assert (row["is_programmed"], row["tag_tid"]) == (True, placed.tag.tid.hex())
    assert placed.tag.epc_memory[:16] == row["id"].bytes
    await operator.dialog.get_by_role("button", name="Register the next").click()
    await expect(operator.dialog.get_by_label("Name on the shaft")).to_have_value("B10")
    await expect(operator.dialog.get_by_label("Length, cm")).to_have_value("71")


async def test_a_tag_of_another_arrow_is_refused_in_words(operate: Operate, lane: LaneRows, scanner: Scanner) -> None:
    scanner.pad.place(["programmed"])
    operator = await operate()
    await operator.choose("arrows")
    await operator.dialog.get_by_role("button", name="Program the tag of A1").click()
    await operator.submit()
    await expect(operator.faults).to_contain_text("a UUID that is not registered here")
    await expect(operator.dialog.locator("button[type=submit]")).to_have_text("Write tag")
    assert not await lane.connection.fetchval("select is_programmed from arrows")
    scanner.pad.place(["blank"])
    await operator.submit()
    await expect(operator.dialog.locator(".progress")).to_contain_text("Arrow A1 is programmed")
    assert await lane.connection.fetchval("select is_programmed from arrows")
    await operator.page.keyboard.press("Escape")
    await expect(operator.dialog.get_by_role("listitem")).to_contain_text("tag programmed")
