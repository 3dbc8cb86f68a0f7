"""Who operates: the name is asked for once, the token when the hub wants it, and an audience sees no control."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import Page, expect

from edge.push.http.access import OperatorToken
from edge.push.service import run_push
from tests.edge.lane_rows import LaneRows
from tests.edge.push.page.conftest import in_the_runs_loop
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.page.operate.hands import OPERATOR, Operate, Operator

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOKEN = "korrekt-pferd-batterie"
FROM_THE_NETWORK = {"X-Forwarded-For": "192.0.2.7"}
"""A request through a proxy: it needs the token, also on this machine."""
STORED = "() => Object.fromEntries(Object.entries(localStorage).filter(([name]) => name.startsWith('archstats.')))"


@in_the_runs_loop
async def token(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the service of the test want a token."""
    monkeypatch.setattr("tests.edge.push.serving.run_push", partial(run_push, token=OperatorToken(TOKEN)))
    return TOKEN


async def place_of(lane: LaneRows) -> str:
    """Return the place of the session in the database."""
    return str(await lane.connection.fetchval("select location from sessions"))


async def move(operator: Operator, place: str) -> None:
    """Type another place of the session, and send it."""
    dialog = await operator.choose("settings")
    await dialog.get_by_label("Place").fill(place)
    await operator.submit()


async def come_from_the_network(page: Page) -> None:
    await page.context.set_extra_http_headers(FROM_THE_NETWORK)


async def test_the_name_is_asked_once_and_kept(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    await operator.page.reload()
    await expect(operator.page.locator("#operate-bar")).to_be_visible()  # without a question
    await operator.choose("end")
    await operator.finish()
    assert await lane.connection.fetchval("select who from end_marks") == OPERATOR


async def test_without_a_name_there_are_no_controls(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    await page.locator("#operate").click()
    await expect(page.get_by_label("Your name")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator("#operate-bar")).to_have_count(0)
    await expect(page.locator("#operate")).to_be_focused()
    assert await place_of(lane) == "Field 1"


async def test_another_operator_takes_over(operate: Operate, lane: LaneRows) -> None:
    operator = await operate("Anna")
    await operator.page.get_by_role("button", name="Operator: Anna").click()
    await operator.dialog.get_by_label("Your name").fill("Bert")
    await operator.finish()
    await expect(operator.page.get_by_role("button", name="Operator: Bert")).to_be_visible()
    await operator.choose("end")
    await operator.finish()
    assert await lane.connection.fetchval("select who from end_marks") == "Bert"


async def test_the_token_is_asked_for_and_kept(token: str, operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    await come_from_the_network(operator.page)
    await move(operator, "Hall 2")
    await expect(operator.dialog).to_contain_text("Operator token")
    await operator.dialog.get_by_label("Token").fill("schlüssel")  # no header can carry it
    await operator.submit()
    await expect(operator.fault("token")).to_contain_text("letters without accents")
    await operator.dialog.get_by_label("Token").fill("wrong-wrong-wrong")
    await operator.submit()
    await expect(operator.fault("token")).to_have_text("The hub did not accept this token. Check it and type it again.")
    assert await place_of(lane) == "Field 1"
    await operator.dialog.get_by_label("Token").fill(token)
    await operator.page.keyboard.press("Enter")
    await expect(operator.page.locator("dialog")).to_have_count(0)
    assert await place_of(lane) == "Hall 2"
    await move(operator, "Hall 3")
    await expect(operator.page.locator("dialog")).to_have_count(0)  # the token is not asked for again
    assert await place_of(lane) == "Hall 3"


@pytest.mark.long
@pytest.mark.usefixtures("token")
async def test_a_form_survives_a_token_that_is_not_given(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    await come_from_the_network(operator.page)
    await move(operator, "Hall 2")
    await expect(operator.dialog).to_contain_text("Operator token")
    await operator.page.keyboard.press("Escape")
    await expect(operator.dialog.get_by_label("Place")).to_have_value("Hall 2")
    await expect(operator.dialog.locator("button[type=submit]")).to_have_text("Save")
    assert await place_of(lane) == "Field 1"


async def test_the_address_of_the_qr_code_brings_the_token(token: str, open_page: Open, lane: LaneRows) -> None:
    encoded = "".join(f"%{ord(character):02X}" for character in token)
    page = await open_page(query=f"?lane=1#operator={encoded}")
    await expect(page.get_by_label("Your name")).to_be_focused()  # the operator mode opens by itself
    assert "operator=" not in page.url
    assert page.url.endswith("?lane=1")
    await page.get_by_label("Your name").fill("Bert")
    await page.keyboard.press("Enter")
    await come_from_the_network(page)
    operator = Operator(page)
    await move(operator, "Hall 2")
    await expect(page.locator("dialog")).to_have_count(0)
    assert await place_of(lane) == "Hall 2"
    assert await page.evaluate(STORED) == {
        "archstats.operator": "Bert", "archstats.token": token, "archstats.operate": "yes"
    }  # fmt: skip


@pytest.mark.long
async def test_a_hub_without_a_token_says_so(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    await come_from_the_network(operator.page)
    await move(operator, "Hall 2")
    await expect(operator.faults).to_contain_text("no operator token")
    assert await place_of(lane) == "Field 1"


@pytest.mark.parametrize(
    "view", [*(pytest.param(one, marks=pytest.mark.long) for one in ("wall", "overlay")), "spectator"]
)
async def test_an_audience_sees_no_control(operate: Operate, lane: LaneRows, view: str) -> None:
    operator = await operate()
    await operator.page.goto(operator.page.url.split("?")[0] + f"?{view}&lane={lane.number}")
    await expect(operator.page.locator("#title")).to_have_text("Lane 1")
    await expect(operator.page.locator("#operate")).to_be_hidden()
    await expect(operator.page.locator("#operate-bar")).to_have_count(0)
