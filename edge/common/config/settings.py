"""All settings, each with its variable, meaning and default. ``docs/settings.md`` is generated from these classes.

Settings come only from environment variables; an empty one counts as not set. The classes are plain, so that a daemon
keeps no validation library in memory: ``edge.common.config.load`` validates them with Pydantic, by the constraints in
the metadata of each field, and rejects unknown fields.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from edge.common.config.errors import ConfigError

PREFIX = "ARCH_STATS_"
DEVICE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Pattern of a device's name, which is also the name of its env file and of its unit's instance."""
FORBID_UNKNOWN: Final = dict(extra="forbid")  # noqa: C408 - a literal would look like a flag of shots
"""Pydantic's configuration of every class of settings, where Pydantic looks for it: in ``__pydantic_config__``."""
MASKED: Final = "**********"
"""Shown in place of a secret."""


def _setting(variable: str, description: str, **constraints: object) -> Mapping[str, object]:
    """Metadata of a field. ``constraints`` are those of Pydantic's ``Field``."""
    return {"variable": variable, "description": description, **constraints}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """Settings of an unknown driver: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Address of PostgreSQL and login. Without any ``POSTGRES_*`` variable the embedded server is used."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN

    user: str = field(default="archstats", metadata=_setting("POSTGRES_USER", "User name of the login"))
    password: str | None = field(
        default=None, repr=False, metadata=_setting("POSTGRES_PASSWORD", "Password of the login; never shown")
    )
    db: str = field(default="archstats", metadata=_setting("POSTGRES_DB", "Name of the database"))
    host: str | None = field(
        default=None,
        metadata=_setting("POSTGRES_HOST", "Host name or address of the server; tried after the socket"),
    )
    port: int = field(
        default=5432, metadata=_setting("POSTGRES_PORT", "Port of the server, 1 to 65535", ge=1, le=65535)
    )
    socket_dir: Path | None = field(
        default=None,
        metadata=_setting("POSTGRES_SOCKET_DIR", "Folder of the server's unix socket, usually /run/postgresql"),
    )
    database_dir: Path | None = field(
        default=None,
        metadata=_setting(
            "ARCH_STATS_DATABASE_DIR",
            "Folder of the embedded PostgreSQL; by default archstats/postgres in $XDG_STATE_HOME (~/.local/state)",
        ),
    )
    is_server_set: bool = False
    """A ``POSTGRES_*`` variable is set, if only to its default."""

    @property
    def embedded(self) -> bool:
        """Whether no server is configured, so that the embedded one is used."""
        return dataclasses.replace(self, database_dir=None) == DatabaseSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Settings of every process that uses the database."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN

    database: DatabaseSettings = DatabaseSettings()
    dev_mode: bool = field(
        default=False,
        metadata=_setting("ARCH_STATS_DEV_MODE", "true: also log messages for developers. Changes no data"),
    )
    ws_channel: str = field(
        default="archy",
        metadata=_setting(
            "ARCH_STATS_WS_CHANNEL",
            "Name of the NOTIFY channel, 1 to 40 lower-case letters and underscores; "
            "the same as at archstats-sensor db migrate",
            pattern=r"^[a-z_]{1,40}$",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """Address of the live page."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN

    server_host: str = field(
        default="127.0.0.1",
        metadata=_setting("ARCH_STATS_SERVER_HOST", "Address on which the live page is served", min_length=1),
    )
    server_port: int = field(
        default=8000,
        metadata=_setting("ARCH_STATS_SERVER_PORT", "TCP port of the live page, 1 to 65535", ge=1, le=65535),
    )
    server_names: str = field(
        default="",
        metadata=_setting(
            "ARCH_STATS_SERVER_NAMES",
            "Further names of the live page, separated by spaces, such as that of a reverse proxy; a request to any other "
            "name is rejected. Numeric addresses, localhost and the hub's host name, also with .local and the network's "
            "domain, need no setting",
            pattern=r"^[A-Za-z0-9._-]+( +[A-Za-z0-9._-]+)*$",
        ),
    )
    connections_per_address: int = field(
        default=1000,
        metadata=_setting(
            "ARCH_STATS_CONNECTIONS_PER_ADDRESS",
            "Most open connections from one address, of which a browser has two or three; beyond them its streams are "
            "rejected. Raise it when all browsers come through one proxy or router; 0: no limit. The hub itself has none",
            ge=0,
            le=1_000_000,
        ),
    )
    operator_token_file: Path | None = field(
        default=None,
        metadata=_setting(
            "ARCH_STATS_OPERATOR_TOKEN_FILE",
            "File with the operator token, which changes from other machines need; without it such changes are refused. "
            "By default systemd's credential operator-token, which installed hubs have; --simulate makes one in its database folder",
        ),
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The further names of the live page."""
        return tuple(self.server_names.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """One device: its driver, port and lane, and the driver's own settings."""

    __pydantic_config__: ClassVar = FORBID_UNKNOWN

    driver: str = field(metadata=_setting("ARCH_STATS_DRIVER", "Name of the driver, for example bow.link"))
    port: str | None = field(
        default=None,
        metadata=_setting(
            "ARCH_STATS_PORT",
            "Serial port of the device: a path such as /dev/ttyUSB0, or a URL such as socket://host:port",
        ),
    )
    lane: int = field(default=1, metadata=_setting("ARCH_STATS_LANE", "Lane of the device, 1 to 999", ge=1, le=999))
    spool_dir: Path | None = field(
        default=None,
        metadata=_setting(
            "ARCH_STATS_SPOOL_DIR",
            "Folder of the spool, which stores readings while the database is away; by default $STATE_DIRECTORY under "
            "systemd, else archstats/spool in $XDG_STATE_HOME (~/.local/state)",
        ),
    )
    spool_max_mb: int = field(
        default=256,
        metadata=_setting(
            "ARCH_STATS_SPOOL_MAX_MB",
            "Largest spool of one device, in MB of about 3,000 readings each; after that the device keeps its readings",
            ge=1,
            le=1_000_000,
        ),
    )
    light_green: int | None = field(
        default=None,
        metadata=_setting(
            "ARCH_STATS_LIGHT_GREEN",
            "GPIO number of the green status light: 24 for GPIO24; none without it",
            ge=0,
            le=27,
        ),
    )
    light_red: int | None = field(
        default=None,
        metadata=_setting("ARCH_STATS_LIGHT_RED", "GPIO number of the red status light; none without it", ge=0, le=27),
    )
    gpio_chip: str | None = field(
        default=None,
        metadata=_setting(
            "ARCH_STATS_GPIO_CHIP",
            "GPIO chip of pins and lights, such as gpiochip0; by default that of the header",
            min_length=1,
        ),
    )
    driver_settings: object
    """An instance of the driver's own class of settings."""


PROCESS_VARIABLES = {
    "ARCH_STATS_WORLD": "The simulated range as JSON; --simulate sets it for its children",
    "ARCH_STATS_PARENT": "Process id of the parent to end with; --simulate sets it for its children",
}
"""Variables that processes set for their children; do not set them yourself."""

MODELS: tuple[type[object], ...] = (DatabaseSettings, ServiceSettings, PushSettings, DeviceSettings)


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting of a class, or of a driver's Pydantic model."""

    variable: str
    description: str | None
    default: object
    is_required: bool
    is_secret: bool


def setting_fields(model: type[object]) -> dict[str, SettingField]:
    """The settings of a class by field name; a driver's variables are ``ARCH_STATS_`` and the field name in capitals.

    A secret is a field of a dataclass with ``repr=False``, or of a Pydantic model with one of Pydantic's types of secrets.
    """
    if dataclasses.is_dataclass(model):
        return {
            one.name: SettingField(
                one.metadata.get("variable", PREFIX + one.name.upper()),
                one.metadata.get("description"),
                None if one.default is dataclasses.MISSING else one.default,
                one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
                not one.repr,
            )
            for one in dataclasses.fields(model)
            if model not in MODELS or "variable" in one.metadata
        }
    declared = cast("Mapping[str, Any]", getattr(model, "model_fields"))  # noqa: B009 - a Pydantic model's
    return {
        name: SettingField(
            PREFIX + name.upper(),
            one.description,
            None if one.is_required() else one.default,
            one.is_required(),
            "Secret" in str(one.annotation),
        )
        for name, one in declared.items()
    }


def plain_settings(settings: object) -> dict[str, object]:
    """The settings by field name as values that JSON knows, secrets masked."""
    if not dataclasses.is_dataclass(settings):
        return cast("dict[str, object]", cast("Any", settings).model_dump(mode="json"))
    values: dict[str, object] = {}
    for one in dataclasses.fields(settings):
        value: object = getattr(settings, one.name)
        if not one.repr:
            value = None if value is None else MASKED
        elif isinstance(value, Path):
            value = str(value)
        elif dataclasses.is_dataclass(value) or hasattr(value, "model_dump"):
            value = plain_settings(value)
        values[one.name] = value
    return values


def variables_of(model: type[object]) -> dict[str, str]:
    """Return the variable of each setting by field name."""
    return {name: one.variable for name, one in setting_fields(model).items()}


def known_variables() -> set[str]:
    """Return all variables except the drivers' own."""
    return {variable for model in MODELS for variable in variables_of(model).values()} | PROCESS_VARIABLES.keys()


def refuse_unknown(environ: Mapping[str, str], extra_known: Collection[str] = ()) -> None:
    """Raise ConfigError for an ``ARCH_STATS_*`` variable that is neither a setting nor in ``extra_known``: probably a typing error.

    A ``POSTGRES_*`` variable may belong to another program (``POSTGRES_INITDB_ARGS``), so only one that resembles a setting
    is an error.
    """
    known = known_variables() | set(extra_known)
    others = (name for name in environ if name not in known)
    unknown = sorted(name for name in others if name.startswith(PREFIX) or _nearly_postgres(name))
    if not unknown:
        return
    import difflib  # imported here: a daemon with correct settings does not need it

    by_own_name = {name.removeprefix(PREFIX): name for name in known}  # the common prefix would make all names similar
    faults: list[ConfigError] = []
    for name in unknown:
        near = difflib.get_close_matches(name.removeprefix(PREFIX), by_own_name, n=1)
        guess = f"Did you mean {by_own_name[near[0]]}? " if near else ""
        hint = f"{guess}Correct or remove it. docs/settings.md lists all settings."
        faults.append(ConfigError(f"unknown setting {name}", hint=hint))
    raise ConfigError.merge(faults)


def _nearly_postgres(name: str) -> bool:
    """Whether a name is one of the ``POSTGRES_*`` settings with a wrong, missing or additional letter."""
    if not name.startswith("POSTGRES_"):
        return False
    import difflib

    known = variables_of(DatabaseSettings).values()
    # The ratio is 0.92 for two swapped letters in POSTGRES_HOST, 0.87 for POSTGRES_PASSWORD_FILE of Docker's image.
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=0.9))
