"""Settings from an environment, validated by Pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from edge.common.config.errors import ConfigError
from edge.common.config.settings import (
    DatabaseSettings,
    DeviceSettings,
    NoSettings,
    PushSettings,
    ServiceSettings,
    setting_fields,
    variables_of,
)

_Model = TypeVar("_Model")


def load_service(environ: Mapping[str, str]) -> ServiceSettings:
    """Load the settings of a process that uses the database. Raises ConfigError naming every wrong variable and the remedy."""
    return _load_with(ServiceSettings, environ, "database", DatabaseSettings, DatabaseSettings())


def load_push(environ: Mapping[str, str]) -> PushSettings:
    """Load the settings of the live page. Raises ConfigError naming the variable and the remedy."""
    return _load(PushSettings, environ)


def load_device(environ: Mapping[str, str], driver_settings: type[object]) -> DeviceSettings:
    """Load the settings of one device and, as ``driver_settings``, of its driver. Raises ConfigError naming every wrong variable."""
    return _load_with(DeviceSettings, environ, "driver_settings", driver_settings, NoSettings())


def _load_with(
    model: type[_Model], environ: Mapping[str, str], part: str, inner: type[object], stand_in: object
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


def _load(model: type[_Model], environ: Mapping[str, str], **more: object) -> _Model:
    variables = variables_of(model)
    values: dict[str, object] = {
        name: environ[variable] for name, variable in variables.items() if environ.get(variable)
    }
    if model is DatabaseSettings:
        values["is_server_set"] = bool(values.keys() - {"database_dir"})
    try:
        return TypeAdapter(model).validate_python({**values, **more})
    except ValidationError as fault:
        raise _explain(fault, model, environ) from None


def _explain(fault: ValidationError, model: type[object], environ: Mapping[str, str]) -> ConfigError:
    """Return one error that names each wrong variable and its meaning, without the values of secrets."""
    fields = setting_fields(model)
    faults: list[ConfigError] = []
    for error in fault.errors():
        name = str(error["loc"][0]) if error["loc"] else ""
        field = fields.get(name)
        variable = field.variable if field is not None else name
        if error["type"] == "missing":
            message = f"{variable} is not set"
        else:
            value = "" if field is not None and field.is_secret else f" is {environ.get(variable, '')!r}"
            message = f"{variable}{value}: {error['msg'][:1].lower()}{error['msg'][1:]}"
        meaning = field.description if field is not None else None
        purpose = f"Set {variable} to a valid value: {meaning.rstrip('.')}." if meaning else None
        faults.append(ConfigError(message, hint=purpose or "docs/settings.md lists all settings."))
    return ConfigError.merge(faults)
