"""The first lines of a simulated range."""

from __future__ import annotations

import json

import pytest

from edge.common.config.settings import PushSettings
from edge.simulation.fault_options import WireFaults
from edge.simulation.setup import range_devices
from edge.simulation.simulate import SimulateOptions, _announce
from simulators.world.instants import from_iso
from simulators.world.range import World

START = "2026-11-29T01:55:03.250000Z"


@pytest.mark.usefixtures("_new_york")
@pytest.mark.parametrize(
    ("as_json", "shown"), [(False, "2026-11-28T20:55:03.250000-05:00"), (True, "2026-11-29T01:55:03.250000Z")]
)
def test_start_is_local_for_people_and_utc_for_programs(
    capsys: pytest.CaptureFixture[str], as_json: bool, shown: str
) -> None:
    """Both name the start exactly, for ``archstats-sensor truth --start``."""
    options = SimulateOptions(7, 1.0, None, None, 1, 1, WireFaults(), as_json, force=False)
    _announce(options, range_devices(1), World(7, from_iso(START), 1.0), PushSettings())
    line = capsys.readouterr().out.splitlines()[0]
    start = json.loads(line)["start"] if as_json else line.partition("start ")[2].partition(",")[0]
    assert start == shown
    assert from_iso(start) == from_iso(START)


@pytest.mark.parametrize(
    ("bow", "words"),
    [(None, "a blank tag is on its pad"), ("nock", "the archer scans each arrow")],
)
def test_scanner_is_announced(capsys: pytest.CaptureFixture[str], bow: str | None, words: str) -> None:
    for as_json in (False, True):
        options = SimulateOptions(7, 1.0, None, None, 1, 1, WireFaults(), as_json, force=False, bow=bow)
        for has_scanner in (True, False):
            devices = range_devices(1, bow, has_scanner=has_scanner)
            _announce(options, devices, World(7, from_iso(START), 1.0), PushSettings())
            shown = capsys.readouterr().out
            if as_json:
                assert json.loads(shown)["scanner"] == ("arrow-1" if has_scanner else None)
            else:
                assert (f"Arrow scanner: arrow-1 on lane 1; {words}" in shown) is has_scanner
