"""The registry of simulated devices: every driver has one, and no other file names a protocol."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import pytest
from pytest_mock import MockerFixture

from drivers.contract import DeviceKind
from drivers.registry import BUILT_IN, driver_names, load_driver
from simulators.devices import registry
from simulators.devices.contract import Simulator
from simulators.devices.registry import (
    NoLine,
    UnknownSimulator,
    load_line_simulator,
    load_simulator,
    range_driver,
    simulator_names,
)
from tests.test_project import ROOT, tracked

HOMES = (
    "drivers/registry.py",
    "simulators/devices/",
    *("/".join(home.split(".")[:2]) + "/" for home in BUILT_IN.values()),
)
"""Files that may name a protocol: the drivers' folders, the registries and the simulated devices."""
PROTOCOL = re.compile(
    rf"\b(?:{'|'.join(DeviceKind)})\.(?:{'|'.join(name.partition('.')[2] for name in driver_names())})\b"
)
EXAMPLES = ("help=", "for example", "ARCH_STATS_DRIVER=")
"""Words that mark a driver's name as an example in a help text."""


@pytest.mark.parametrize("driver", driver_names())
def test_every_driver_has_a_simulator_of_its_kind(driver: str) -> None:
    simulator = load_simulator(driver)
    assert (simulator.driver, simulator.kind) == (driver, load_driver(driver).info.kind)


@pytest.mark.parametrize("driver", simulator_names())
def test_framing_keeps_every_byte(driver: str) -> None:
    data = bytes(range(256)) * 3
    simulator = load_simulator(driver)
    if isinstance(simulator, Simulator):
        frames, rest = simulator.framing(data)
        assert b"".join(frames) + rest == data


def test_a_simulator_at_pins_has_no_line() -> None:
    assert load_line_simulator("bow.link").driver == "bow.link"
    with pytest.raises(
        NoLine, match=r"bow\.nock has no line: it drives pins inside the daemon\. Run the daemon with it"
    ):
        load_line_simulator("bow.nock")


def test_range_has_a_bow_and_a_target() -> None:
    assert {load_simulator(range_driver(kind)).kind for kind in (DeviceKind.BOW, DeviceKind.TARGET)} == {
        DeviceKind.BOW,
        DeviceKind.TARGET,
    }


def test_unknown_driver_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(UnknownSimulator, match=r"'bow\.gpio'\. Choose one of: bow\.link, .*target\.link"):
        load_simulator("bow.gpio")


def test_plug_ins_add_simulators(mocker: MockerFixture) -> None:
    added = (
        EntryPoint("bow.extra", "simulators.devices.bow_link:SIMULATOR", registry.ENTRY_POINTS),
        EntryPoint("bow.broken", "no_such_module:SIMULATOR", registry.ENTRY_POINTS),
    )
    mocker.patch.object(registry, "entry_points", return_value=added)
    assert simulator_names() == [*registry.BUILT_IN, "bow.broken", "bow.extra"]
    assert load_simulator("bow.extra").kind is DeviceKind.BOW
    with pytest.raises(UnknownSimulator, match=r"bow\.broken in no_such_module:SIMULATOR cannot be loaded: .*Install"):
        load_simulator("bow.broken")


def test_no_other_file_names_a_protocol() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked("drivers/*.py", "simulators/*.py", "edge/*.py")
        if not str(path.relative_to(ROOT)).startswith(HOMES)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if PROTOCOL.search(line) and not any(example in line for example in EXAMPLES)
    ]
    assert found == []
