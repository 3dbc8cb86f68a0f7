"""The environment of a command: the process's own, with the values of its options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.config.settings import refuse_unknown, variables_of


def effective(environ: Mapping[str, str], *, database_dir: Path | None = None) -> dict[str, str]:
    """A copy of ``environ`` with ``--database-dir`` as its variable."""
    result = dict(environ)
    if database_dir is not None:
        result["ARCH_STATS_DATABASE_DIR"] = str(database_dir.absolute())
    return result


def refuse_mistyped(environ: Mapping[str, str]) -> None:
    """Raise ConfigError when an ``ARCH_STATS_*`` variable is neither ours nor that of any driver.

    The environment of any command may hold the settings of a device. Drivers are imported only for an unknown variable.
    """
    try:
        refuse_unknown(environ)
    except ConfigError:
        refuse_unknown(environ, variables_of_drivers())


def variables_of_drivers() -> set[str]:
    """The variables of all drivers. Raises ConfigError when a driver of another package cannot be loaded."""
    from drivers.errors import DriverConfigError
    from drivers.registry import driver_names, load_driver

    try:
        drivers = [load_driver(name) for name in driver_names()]
    except DriverConfigError as fault:
        raise ConfigError(fault.message, hint=fault.hint) from fault
    return {variable for driver in drivers for variable in variables_of(driver.info.settings).values()}
