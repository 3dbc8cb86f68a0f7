"""The environment a command works in: the process's own, and what its options say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.config.settings import refuse_unknown


def effective(environ: Mapping[str, str], *, database_dir: Path | None = None) -> dict[str, str]:
    """A copy of ``environ`` in which ``--database-dir`` has been written down as its variable."""
    result = dict(environ)
    if database_dir is not None:
        result["ARCH_STATS_DATABASE_DIR"] = str(database_dir.absolute())
    return result


def refuse_mistyped(environ: Mapping[str, str]) -> None:
    """Raise ConfigError when an ``ARCH_STATS_*`` variable is neither ours nor that of any driver.

    A device's settings may stand in the environment of any command. Drivers are imported only when something is unknown.
    """
    try:
        refuse_unknown(environ)
    except ConfigError:
        refuse_unknown(environ, variables_of_drivers())


def variables_of_drivers() -> set[str]:
    """The variables that the drivers know. Raises ConfigError when a driver of another package cannot be loaded."""
    from drivers.errors import DriverConfigError
    from drivers.registry import driver_names, load_driver

    try:
        drivers = [load_driver(name) for name in driver_names()]
    except DriverConfigError as fault:
        raise ConfigError(fault.message, hint=fault.hint) from fault
    return {f"ARCH_STATS_{field.upper()}" for driver in drivers for field in driver.info.settings.model_fields}
