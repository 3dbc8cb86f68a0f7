"""Devices of a lane: severity, advice, and the line with restart, battery and age."""

from __future__ import annotations

from typing import Any

import pytest

from edge.common.vocabulary import DeviceState
from tests.edge.push.page.fixture_types import Call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOW = 1_000_000_000
"""Milliseconds of the page's clock."""
MODULE = "model/devices.js"


def device(**more: Any) -> dict[str, Any]:
    """Return a device as the page keeps it, which was heard 4 s ago."""
    return {
        "state": "ready", "error": None, "hint": None, "restarted": None, "battery_percent": None, "age_s": 1.5,
        "heard": NOW - 2_500,
    } | more  # fmt: skip


async def test_every_state_of_a_device_has_a_severity(call: Call) -> None:
    levels = {state: await call(MODULE, "level", device(state=state.value)) for state in DeviceState}
    assert {state for state, level in levels.items() if level == "good"} == {DeviceState.READY}
    bad = {DeviceState.SILENT, DeviceState.LOST, DeviceState.STOPPED}
    assert {state for state, level in levels.items() if level == "bad"} == bad
    assert {level for state, level in levels.items() if state not in {DeviceState.READY, *bad}} == {"warn"}


async def test_unknown_state_is_a_warning_and_shown_as_sent(call: Call) -> None:
    assert await call(MODULE, "level", device(state="melting")) == "warn"
    assert await call(MODULE, "stateText", "melting") == "melting"
    assert await call(MODULE, "stateText", "silent") == "silent"


async def test_advice_joins_error_and_hint(call: Call) -> None:
    assert await call(MODULE, "advice", device()) == ""
    fault = {"error": "No port.", "hint": "Plug it in."}
    assert await call(MODULE, "advice", device(state="lost", **fault)) == "No port. Plug it in."
    degraded = await call(MODULE, "advice", device(state="degraded", **fault))
    assert degraded.startswith("No port. Plug it in. Its clock and the target's")
    assert (await call(MODULE, "advice", device(state="degraded"))).startswith("Its clock")
    assert await call(MODULE, "advice", device(state="degraded", chatters=True, **fault)) == "No port. Plug it in."


async def test_age_of_a_device_grows_with_the_pages_clock(call: Call) -> None:
    assert await call(MODULE, "condition", device(), NOW) == "heard 4 s ago"
    assert await call(MODULE, "condition", device(), NOW + 60_000) == "heard 1 min ago"
    assert await call(MODULE, "condition", device(age_s=None), NOW) == "never heard"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"battery_percent": 0}, "battery 0 % · heard 4 s ago"),
        ({"restarted": NOW}, "sensor restarted 0 s ago · heard 4 s ago"),
        ({"restarted": NOW - 599_000}, "sensor restarted 9 min ago · heard 4 s ago"),
        ({"restarted": NOW - 600_000}, "heard 4 s ago"),
        ({"restarted": NOW - 5_000, "battery_percent": 80}, "sensor restarted 5 s ago · battery 80 % · heard 4 s ago"),
    ],
)
async def test_condition_names_restart_and_battery(call: Call, more: dict[str, Any], text: str) -> None:
    assert await call(MODULE, "condition", device(**more), NOW) == text
