"""A device that is simulated for one daemon."""

from __future__ import annotations

import pytest

from drivers.nock.driver import NockSettings
from drivers.r200.settings import R200Settings
from edge.common.config.settings import variables_of
from edge.simulation.device import simulated_device
from edge.simulation.fault_options import wire_faults

GATES = {"ARCH_STATS_GATE_A_PIN", "ARCH_STATS_GATE_B_PIN"}


@pytest.mark.parametrize(("variant", "gates"), [("", GATES), ("gates", GATES), ("switch", set())])
def test_the_variant_decides_the_wiring(variant: str, gates: set[str]) -> None:
    environ = {"ARCH_STATS_DRIVER": "bow.nock"}
    with simulated_device("bow-1", environ, wire_faults(None, None), variant) as simulated:
        wired = simulated.environ.keys() & set(variables_of(NockSettings).values())
    assert "ARCH_STATS_NOCK_PIN" in wired
    assert wired & GATES == gates


@pytest.mark.parametrize(("variant", "poll"), [("", None), ("lane-aa", "50")])
def test_a_scanner_gets_the_settings_that_it_needs(variant: str, poll: str | None) -> None:
    with simulated_device("arrow-2", {}, wire_faults("late=0.1", 3), variant) as simulated:
        environ = simulated.environ
        assert environ.keys() & set(variables_of(R200Settings).values()) >= {"ARCH_STATS_PORT", "ARCH_STATS_REGION"}
    assert (environ["ARCH_STATS_DRIVER"], environ["ARCH_STATS_LANE"]) == ("arrow.r200", "2")
    assert environ.get("ARCH_STATS_POLL_MS") == poll
    with simulated_device("arrow-1", {"ARCH_STATS_REGION": "us"}, wire_faults(None, None)) as simulated:
        assert simulated.environ["ARCH_STATS_REGION"] == "us", "the user's own setting"
