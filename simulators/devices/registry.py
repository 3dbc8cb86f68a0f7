"""Registry of the simulated devices by driver name. A simulator is imported when it is requested and not before."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from drivers.contract import DeviceKind
from simulators.devices.contract import AnySimulator, PinSimulator, Simulator

ENTRY_POINTS: Final = "archstats.simulators"
"""Group of the entry points by which other packages add simulators: ``driver = "module:SIMULATOR"``."""

BUILT_IN: Final = {
    "bow.link": "simulators.devices.bow_link:SIMULATOR",
    "target.link": "simulators.devices.target_link:SIMULATOR",
    "bow.nock": "simulators.devices.bow_nock:SIMULATOR",
    "target.freetarget": "simulators.devices.freetarget:SIMULATOR",
    "arrow.r200": "simulators.devices.arrow_r200:SIMULATOR",
}
"""Simulators of this package. The first of each kind is the device of the simulated range."""


class NoLine(LookupError):
    """The simulated device of a driver has no line that could be opened: it is at pins, inside the daemon."""


class UnknownSimulator(LookupError):
    """No simulator exists for a driver, or it cannot be loaded; the text lists the drivers that have one."""


def simulator_names() -> list[str]:
    """Return the names of all drivers that have a simulator, built-in ones first."""
    return [*BUILT_IN, *sorted(_added().keys() - BUILT_IN.keys())]


def load_line_simulator(driver: str) -> Simulator:
    """Return the simulator for a driver whose device is behind a line. Raises UnknownSimulator, and NoLine for one at pins."""
    simulator = load_simulator(driver)
    if isinstance(simulator, PinSimulator):
        raise NoLine(
            f"the simulated device of {driver} has no line: it drives pins inside the daemon."
            f" Run the daemon with it: ARCH_STATS_DRIVER={driver} archstats-sensor run {simulator.kind}-1 --simulate."
        )
    return simulator


def load_simulator(driver: str) -> AnySimulator:
    """Return the simulator for a driver. Raises UnknownSimulator when none exists or it cannot be imported."""
    if driver in BUILT_IN:
        module, _, attribute = BUILT_IN[driver].partition(":")
        return cast("AnySimulator", getattr(import_module(module), attribute))
    added = _added()
    if driver not in added:
        raise UnknownSimulator(
            f"no simulator exists for driver {driver!r}. Choose one of: {', '.join(simulator_names())}."
        )
    try:
        return cast("AnySimulator", added[driver].load())
    except (ImportError, AttributeError) as error:
        raise UnknownSimulator(
            f"the simulator for driver {driver} in {added[driver].value} cannot be loaded: {error}."
            " Install or repair the package that provides it."
        ) from error


def range_driver(kind: DeviceKind) -> str:
    """Return the driver of the simulated device that stands for this kind on the simulated range.

    Raises UnknownSimulator when no device of this kind is simulated.
    """
    for driver in BUILT_IN:
        if load_simulator(driver).kind is kind:
            return driver
    raise UnknownSimulator(f"no simulated device is of kind {kind}. Choose one of: {', '.join(simulator_names())}.")


def _added() -> dict[str, EntryPoint]:
    os.close(os.open(os.devnull, os.O_RDONLY))  # OSError without a descriptor, where the next line finds no package
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}
