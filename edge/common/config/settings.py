"""All settings, each with its variable, meaning and default. ``docs/settings.md`` is generated from these models.

Settings come only from environment variables; an empty one counts as not set. The models reject unknown fields.
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
"""Pattern of a device's name, which is also the name of its env file and of its unit's instance."""


class _Settings(BaseModel):
    """Values that stay constant while a process runs. The code uses the field names, the environment the variable names."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class NoSettings(_Settings):
    """Settings of an unknown driver: none."""


class DatabaseSettings(_Settings):
    """Address of PostgreSQL and login. Without any ``POSTGRES_*`` variable the embedded server is used."""

    user: str = Field(default="archstats", validation_alias="POSTGRES_USER", description="User name of the login")
    password: SecretStr | None = Field(
        default=None, validation_alias="POSTGRES_PASSWORD", description="Password of the login; never shown"
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
        description="Folder of the server's unix socket, usually /run/postgresql",
    )
    database_dir: Path | None = Field(
        default=None,
        validation_alias="ARCH_STATS_DATABASE_DIR",
        description="Folder of the embedded PostgreSQL; by default archstats/postgres in $XDG_STATE_HOME (~/.local/state)",
    )

    @property
    def embedded(self) -> bool:
        """Whether no server is configured, so that the embedded one is used."""
        return self.model_fields_set <= {"database_dir"}


class ServiceSettings(_Settings):
    """Settings of every process that uses the database."""

    database: DatabaseSettings = DatabaseSettings()
    dev_mode: bool = Field(
        default=False,
        validation_alias="ARCH_STATS_DEV_MODE",
        description="true: also log messages for developers. Changes no data",
    )
    ws_channel: str = Field(
        default="archy",
        pattern=r"^[a-z_]{1,40}$",
        validation_alias="ARCH_STATS_WS_CHANNEL",
        description="Name of the NOTIFY channel, 1 to 40 lower-case letters and underscores; "
        "the same as at archstats-sensor db migrate",
    )


class PushSettings(_Settings):
    """Address of the live page."""

    server_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        validation_alias="ARCH_STATS_SERVER_HOST",
        description="Address on which the live page is served",
    )
    server_port: int = Field(
        default=8000,
        ge=1,
        le=65535,
        validation_alias="ARCH_STATS_SERVER_PORT",
        description="TCP port of the live page, 1 to 65535",
    )


class DeviceSettings(_Settings):
    """One device: its driver, port and lane, and the driver's own settings."""

    driver: str = Field(validation_alias="ARCH_STATS_DRIVER", description="Name of the driver, for example bow.link")
    port: str | None = Field(
        default=None,
        validation_alias="ARCH_STATS_PORT",
        description="Serial port of the device: a path such as /dev/ttyUSB0, or a URL such as socket://host:port",
    )
    lane: int = Field(
        default=1, ge=1, le=999, validation_alias="ARCH_STATS_LANE", description="Lane of the device, 1 to 999"
    )
    spool_dir: Path | None = Field(
        default=None,
        validation_alias="ARCH_STATS_SPOOL_DIR",
        description="Folder of the spool, which stores readings while the database is away; by default $STATE_DIRECTORY under systemd, "
        "else archstats/spool in $XDG_STATE_HOME (~/.local/state)",
    )
    spool_max_mb: int = Field(
        default=256,
        ge=1,
        le=1_000_000,
        validation_alias="ARCH_STATS_SPOOL_MAX_MB",
        description="Largest spool of one device, in MB of about 3,000 readings each; after that the device keeps its readings",
    )
    driver_settings: SerializeAsAny[BaseModel]


PROCESS_VARIABLES = {
    "ARCH_STATS_WORLD": "The simulated range as JSON; --simulate sets it for its children",
    "ARCH_STATS_PARENT": "Process id of the parent to end with; --simulate sets it for its children",
}
"""Variables that processes set for their children; do not set them yourself."""

MODELS: tuple[type[BaseModel], ...] = (DatabaseSettings, ServiceSettings, PushSettings, DeviceSettings)

_Model = TypeVar("_Model", bound=BaseModel)


def variables_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the variable of each field that has one; a driver's variables are ``ARCH_STATS_`` and the field name in capitals."""
    if issubclass(model, _Settings):
        aliases = ((name, field.validation_alias) for name, field in model.model_fields.items())
        return {name: alias for name, alias in aliases if isinstance(alias, str)}
    return {name: PREFIX + name.upper() for name in model.model_fields}


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


def load_service(environ: Mapping[str, str]) -> ServiceSettings:
    """Load the settings of a process that uses the database. Raises ConfigError naming every wrong variable and the remedy."""
    return _load_with(ServiceSettings, environ, "database", DatabaseSettings, DatabaseSettings())


def load_push(environ: Mapping[str, str]) -> PushSettings:
    """Load the settings of the live page. Raises ConfigError naming the variable and the remedy."""
    return _load(PushSettings, environ)


def load_device(environ: Mapping[str, str], driver_settings: type[BaseModel]) -> DeviceSettings:
    """Load the settings of one device and, as ``driver_settings``, of its driver. Raises ConfigError naming every wrong variable."""
    return _load_with(DeviceSettings, environ, "driver_settings", driver_settings, NoSettings())


def _load_with(
    model: type[_Model], environ: Mapping[str, str], part: str, inner: type[BaseModel], stand_in: BaseModel
) -> _Model:
    """Load a model that has another model as a field, and report the faults of both together."""
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
    """Return one error that names each wrong variable and its meaning, without the values of secrets."""
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
        meaning = field.description if field is not None else None
        purpose = f"Set {variable} to a valid value: {meaning.rstrip('.')}." if meaning else None
        hint = purpose or "docs/settings.md lists all settings."
        faults.append(ConfigError(message, hint=hint))
    return ConfigError.merge(faults)
