"""Which drivers there are. A driver is imported when it is asked for and not before."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, cast

from pydantic import BaseModel

from drivers.contract import ClockModel, Driver, DriverInfo
from drivers.errors import DriverConfigError

ENTRY_POINTS: Final = "archstats.drivers"
"""Group of the entry points by which other packages add drivers: ``name = "module:Class"``."""

BUILT_IN: Final = {
    "bow.link": "drivers.link.driver:BowLink",
    "target.link": "drivers.link.driver:TargetLink",
}


class DriverClass(Protocol):
    """How a driver is made: what the registry hands out."""

    info: DriverInfo

    def __call__(self, device_id: str, settings: BaseModel, *, clocks: Sequence[ClockModel] = ()) -> Driver:
        """A driver for one device. ``settings`` is an instance of ``info.settings``."""
        ...


def driver_names() -> list[str]:
    """Every driver's name, sorted."""
    return sorted({*BUILT_IN, *_added()})


def load_driver(name: str) -> DriverClass:
    """The driver's class. Raises DriverConfigError when there is none of that name or it cannot be imported."""
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
            f"driver {name} of {added[name].value} cannot be loaded: {fault}",
            device=name,
            hint="Install or repair the package that brings it.",
        ) from fault


def _added() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _unknown(name: str) -> DriverConfigError:
    from difflib import get_close_matches  # a daemon whose settings are right runs without it

    names = driver_names()
    near = get_close_matches(name, names, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return DriverConfigError(
        f"there is no driver {name}", device=name, hint=f"{guess}ARCH_STATS_DRIVER can be: {', '.join(names)}."
    )
