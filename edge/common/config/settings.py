"""Every setting there is, with its variable, its meaning and its default. ``docs/settings.md`` is made from here.

Settings come from environment variables alone; an empty one counts as not set. The models refuse what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, SerializeAsAny, ValidationError

from edge.common.config.errors import ConfigError

PREFIX = "ARCH_STATS_"
DEVICE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Form of a device's name, which is also the name of its env file and of its unit's instance."""


class _Settings(BaseModel):
    """Values that do not change while a process runs. In code the fields' names are used, outside the variables'."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class NoSettings(_Settings):
    """Of a driver that is not known."""


class DatabaseSettings(_Settings):
    """Where PostgreSQL is. Without any ``POSTGRES_*`` variable the embedded one is used."""

    user: str = Field(default="archstats", validation_alias="POSTGRES_USER", description="Name to log in with")
    password: SecretStr | None = Field(
        default=None, validation_alias="POSTGRES_PASSWORD", description="Password to log in with; never shown"
    )
    db: str = Field(default="archstats", validation_alias="POSTGRES_DB", description="Name of the database")
    host: str | None = Field(
        default=None,
        validation_alias="POSTGRES_HOST",
        description="Host name or address of the server; tried after the socket",
    )
    port: int = Field(
        default=5432, ge=1, le=65535, validation_alias="POSTGRES_PORT", description="Port of the server, 1 to 65535"
    )
    socket_dir: Path | None = Field(
        default=None,
        validation_alias="POSTGRES_SOCKET_DIR",
        description="Folder of the server's unix socket, /run/postgresql for most",
    )
    database_dir: Path | None = Field(
        default=None,
        validation_alias="ARCH_STATS_DATABASE_DIR",
        description="Folder of the embedded PostgreSQL; by default archstats/postgres in $XDG_STATE_HOME (~/.local/state)",
    )

    @property
    def embedded(self) -> bool:
        """Whether nobody named a server, so that our own is to be used."""
        return self.model_fields_set <= {"database_dir"}


class ServiceSettings(_Settings):
    """What every process on the database needs."""

    database: DatabaseSettings = DatabaseSettings()
    dev_mode: bool = Field(
        default=False,
        validation_alias="ARCH_STATS_DEV_MODE",
        description="true: also log what is only of use to developers. Touches no data",
    )
    ws_channel: str = Field(
        default="archy",
        pattern=r"^[a-z_]{1,40}$",
        validation_alias="ARCH_STATS_WS_CHANNEL",
        description="Name that the database rings its doorbells under, 1 to 40 small letters and underscores; "
        "the one given to archstats-sensor db migrate",
    )


class PushSettings(_Settings):
    """Where the live page is served."""

    server_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        validation_alias="ARCH_STATS_SERVER_HOST",
        description="Address the live page is served on",
    )
    server_port: int = Field(
        default=8000,
        ge=1,
        le=65535,
        validation_alias="ARCH_STATS_SERVER_PORT",
        description="TCP port of the live page, 1 to 65535",
    )


class DeviceSettings(_Settings):
    """One device: which driver, where it is plugged in, which lane it watches, and what the driver itself wants to know."""

    driver: str = Field(validation_alias="ARCH_STATS_DRIVER", description="Name of the driver, for example bow.link")
    port: str | None = Field(
        default=None,
        validation_alias="ARCH_STATS_PORT",
        description="Serial port of the device: a path such as /dev/ttyUSB0, or a URL such as socket://host:port",
    )
    lane: int = Field(
        default=1, ge=1, le=999, validation_alias="ARCH_STATS_LANE", description="Lane the device belongs to, 1 to 999"
    )
    spool_dir: Path | None = Field(
        default=None,
        validation_alias="ARCH_STATS_SPOOL_DIR",
        description="Folder where readings wait while the database is away; by default $STATE_DIRECTORY under systemd, "
        "else archstats/spool in $XDG_STATE_HOME (~/.local/state)",
    )
    spool_max_mb: int = Field(
        default=256,
        ge=1,
        le=1_000_000,
        validation_alias="ARCH_STATS_SPOOL_MAX_MB",
        description="Most that may wait there for one device, in MB (about 3,000 readings each); then the device keeps its own",
    )
    driver_settings: SerializeAsAny[BaseModel]


PROCESS_VARIABLES = {
    "ARCH_STATS_WORLD": "The simulated range as JSON; --simulate sets it for its children",
    "ARCH_STATS_PARENT": "Process id of the parent to end with; --simulate sets it for its children",
}
"""Variables that processes set for each other and people leave alone."""

MODELS: tuple[type[BaseModel], ...] = (DatabaseSettings, ServiceSettings, PushSettings, DeviceSettings)

_Model = TypeVar("_Model", bound=BaseModel)


def variables_of(model: type[BaseModel]) -> dict[str, str]:
    """The variable of each field that has one; a driver's fields are ``ARCH_STATS_`` and the name in capitals."""
    if issubclass(model, _Settings):
        aliases = ((name, field.validation_alias) for name, field in model.model_fields.items())
        return {name: alias for name, alias in aliases if isinstance(alias, str)}
    return {name: PREFIX + name.upper() for name in model.model_fields}


def known_variables() -> set[str]:
    """All variables but the drivers' own."""
    return {variable for model in MODELS for variable in variables_of(model).values()} | PROCESS_VARIABLES.keys()


def refuse_unknown(environ: Mapping[str, str], extra_known: Collection[str] = ()) -> None:
    """Raise ConfigError when an ``ARCH_STATS_*`` variable is neither ours nor in ``extra_known``: a typing error, most likely.

    A ``POSTGRES_*`` variable may be that of another program (``POSTGRES_INITDB_ARGS``), so only a near miss of ours is one.
    """
    known = known_variables() | set(extra_known)
    others = (name for name in environ if name not in known)
    unknown = sorted(name for name in others if name.startswith(PREFIX) or _nearly_postgres(name))
    if not unknown:
        return
    import difflib  # a daemon whose settings are right runs without it

    by_own_name = {name.removeprefix(PREFIX): name for name in known}  # the prefix alone makes nothing alike
    faults: list[ConfigError] = []
    for name in unknown:
        near = difflib.get_close_matches(name.removeprefix(PREFIX), by_own_name, n=1)
        guess = f"Did you mean {by_own_name[near[0]]}? " if near else ""
        hint = f"{guess}Correct or remove it; docs/settings.md lists all settings"
        faults.append(ConfigError(f"there is no setting {name}", hint=hint))
    raise ConfigError.merge(faults)


def _nearly_postgres(name: str) -> bool:
    """Whether it is one of our ``POSTGRES_*`` variables with a letter wrong, missing or too many."""
    if not name.startswith("POSTGRES_"):
        return False
    import difflib

    ours = variables_of(DatabaseSettings).values()
    # 0.92 for two letters changed over in POSTGRES_HOST, 0.87 for POSTGRES_PASSWORD_FILE, which Docker's image has.
    return bool(difflib.get_close_matches(name, ours, n=1, cutoff=0.9))


def load_service(environ: Mapping[str, str]) -> ServiceSettings:
    """Settings of any process on the database. Raises ConfigError naming every wrong variable and the remedy."""
    return _load_with(ServiceSettings, environ, "database", DatabaseSettings, DatabaseSettings())


def load_push(environ: Mapping[str, str]) -> PushSettings:
    """Settings of the live page. Raises ConfigError naming the variable and the remedy."""
    return _load(PushSettings, environ)


def load_device(environ: Mapping[str, str], driver_settings: type[BaseModel]) -> DeviceSettings:
    """Settings of one device and, as ``driver_settings``, its driver's. Raises ConfigError naming every wrong variable of both."""
    return _load_with(DeviceSettings, environ, "driver_settings", driver_settings, NoSettings())


def _load_with(
    model: type[_Model], environ: Mapping[str, str], part: str, inner: type[BaseModel], stand_in: BaseModel
) -> _Model:
    """A model that has another as one of its fields; faults of one do not hide those of the other."""
    faults: list[ConfigError] = []
    loaded = None
    try:
        stand_in = _load(inner, environ)
    except ConfigError as fault:
        faults.append(fault)
    try:
        loaded = _load(model, environ, **{part: stand_in})
    except ConfigError as fault:
        faults.append(fault)
    if loaded is None or faults:
        raise ConfigError.merge(faults)
    return loaded


def _load(model: type[_Model], environ: Mapping[str, str], **more: BaseModel) -> _Model:
    variables = variables_of(model)
    values: dict[str, Any] = {name: environ[variable] for name, variable in variables.items() if environ.get(variable)}
    try:
        return model.model_validate({**values, **more}, by_name=True)
    except ValidationError as fault:
        raise _explain(fault, model, environ) from None


def _explain(fault: ValidationError, model: type[BaseModel], environ: Mapping[str, str]) -> ConfigError:
    """Each wrong variable, and what it should be. Secrets are not repeated."""
    variables = variables_of(model)
    faults: list[ConfigError] = []
    for error in fault.errors():
        name = str(error["loc"][0]) if error["loc"] else ""
        variable = variables.get(name, name)
        field = model.model_fields.get(name)
        if error["type"] == "missing":
            message = f"{variable} is not set"
        else:
            value = "" if "SecretStr" in str(field and field.annotation) else f" is {environ.get(variable, '')!r}"
            message = f"{variable}{value}: {error['msg'][:1].lower()}{error['msg'][1:]}"
        meant = field.description if field is not None else None
        hint = f"{variable} is meant to be: {meant}" if meant else "docs/settings.md lists all settings"
        faults.append(ConfigError(message, hint=hint))
    return ConfigError.merge(faults)
