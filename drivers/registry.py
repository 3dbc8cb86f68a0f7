"""Registry of drivers by name. A driver is imported when it is loaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from drivers.contract import ClockModel, Driver, DriverInfo
from drivers.errors import DriverConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS: Final = "archstats.drivers"
"""Entry-point group in which other packages register drivers: ``name = "module:Class"``."""

BUILT_IN: Final = {
    "bow.link": "drivers.link.driver:BowLink",
    "target.freetarget": "drivers.freetarget.driver:FreeTarget",
    "target.link": "drivers.link.driver:TargetLink",
    "bow.nock": "drivers.nock.driver:BowNock",
    "arrow.r200": "drivers.r200.driver:ArrowReader",
}


class DriverClass(Protocol):
    """Constructor of a driver."""

    info: DriverInfo

    def __call__(self, device_id: str, settings: object, *, clocks: Sequence[ClockModel] = ()) -> Driver:
        """Build the driver of one device. ``settings`` is an instance of ``info.settings``."""
        ...


def driver_names() -> list[str]:
    """The names of all drivers, sorted."""
    return sorted({*BUILT_IN, *_added()})


def load_driver(name: str) -> DriverClass:
    """The driver's class. Raises DriverConfigError for an unknown name, or if the import fails."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return cast("DriverClass", getattr(import_module(module), attribute))
    added = _added()
    if name not in added:
        raise _unknown(name)
    try:
        return cast("DriverClass", added[name].load())
    except (ImportError, AttributeError) as fault:
        raise DriverConfigError(
            f"driver {name} from {added[name].value} cannot be loaded: {fault}",
            device=name,
            hint="Install or repair the package that provides it.",
        ) from fault


def _added() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # a daemon with a built-in driver runs without it

    os.close(os.open(os.devnull, os.O_RDONLY))  # OSError without a descriptor, where the next line finds no package
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _unknown(name: str) -> DriverConfigError:
    from difflib import get_close_matches  # a daemon with correct settings runs without it

    names = driver_names()
    near = get_close_matches(name, names, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return DriverConfigError(
        f"unknown driver {name}", device=name, hint=f"{guess}ARCH_STATS_DRIVER can be: {', '.join(names)}."
    )
