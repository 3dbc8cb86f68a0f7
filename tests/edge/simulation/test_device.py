"""A device that is simulated for one daemon."""

from __future__ import annotations

import pytest

from drivers.nock.driver import NockSettings
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
