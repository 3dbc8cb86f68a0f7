"""Settings: an error names the wrong variable and the remedy, and never shows a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from edge.common.config.errors import ConfigError
from edge.common.config.load import load_device, load_push, load_service
from edge.common.config.settings import plain_settings, refuse_unknown, setting_fields, variables_of


class LineSettings(BaseModel):
    """Settings of a driver in these tests."""

    model_config = ConfigDict(extra="forbid")

    port: str = Field(description="Serial port")
    baud: int = Field(default=921600, gt=0, description="Bits per second")
    key: SecretStr | None = Field(default=None, min_length=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedSettings:
    """Settings of a driver without Pydantic, with a secret."""

    key: str = field(repr=False, metadata={"max_length": 5})
    targets: list[str] = field(default_factory=list)


def test_every_setting_but_the_driver_has_a_default() -> None:
    service, push = load_service({}), load_push({})
    assert service.database.embedded
    assert (service.ws_channel, service.dev_mode) == ("archy", False)
    assert (push.server_host, push.server_port) == ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    "variable", ["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_HOST", "POSTGRES_SOCKET_DIR"]
)
def test_any_postgres_variable_configures_a_server(variable: str) -> None:
    assert not load_service({variable: "x"}).database.embedded
    assert load_service({variable: ""}).database.embedded  # empty is not set


def test_folder_of_the_embedded_server_configures_no_other() -> None:
    database = load_service({"ARCH_STATS_DATABASE_DIR": "/srv/range"}).database
    assert database.embedded
    assert database.database_dir == Path("/srv/range")


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "80.5", "8000 8001"])
@pytest.mark.parametrize("variable", ["ARCH_STATS_SERVER_PORT", "POSTGRES_PORT"])
def test_wrong_port_number_is_refused(variable: str, value: str) -> None:
    load = load_service if variable.startswith("POSTGRES") else load_push
    with pytest.raises(ConfigError) as caught:
        load({variable: value})
    assert variable in caught.value.message
    assert repr(value) in caught.value.message
    assert "1 to 65535" in caught.value.hint


@pytest.mark.parametrize("value", ["Archy", "arch-stats", "a" * 41, 'a"; drop table shots', "archy1"])
def test_wrong_channel_name_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="ARCH_STATS_WS_CHANNEL is") as caught:
        load_service({"ARCH_STATS_WS_CHANNEL": value})
    assert "lower-case letters and underscores" in caught.value.hint


def test_all_wrong_variables_are_named_together() -> None:
    with pytest.raises(ConfigError, match=r"ARCH_STATS_DEV_MODE.*; ARCH_STATS_WS_CHANNEL"):
        load_service({"ARCH_STATS_DEV_MODE": "perhaps", "ARCH_STATS_WS_CHANNEL": "X"})


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("ARCH_STATS_SERVERPORT", "ARCH_STATS_SERVER_PORT"),
        ("ARCH_STATS_CHANNEL", "ARCH_STATS_WS_CHANNEL"),
        ("ARCH_STATS_DRVER", "ARCH_STATS_DRIVER"),
        ("ARCH_STATS_BUAD", "ARCH_STATS_BAUD"),
        ("POSTGRES_HOTS", "POSTGRES_HOST"),
        ("POSTGRES_BD", "POSTGRES_DB"),
        ("POSTGRES_PASSWRD", "POSTGRES_PASSWORD"),
    ],
)
def test_an_unknown_variable_names_the_nearest_known(wrong: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=wrong) as caught:
        refuse_unknown({wrong: "1", "HOME": "/"}, variables_of(LineSettings).values())
    assert f"Did you mean {nearest}?" in caught.value.hint


def test_known_and_foreign_variables_are_no_errors() -> None:
    refuse_unknown({"ARCH_STATS_PORT": "1", "ARCH_STATS_BAUD": "9600", "ARCHERY": "x"}, {"ARCH_STATS_BAUD"})
    with pytest.raises(ConfigError, match="ARCH_STATS_BAUD"):
        refuse_unknown({"ARCH_STATS_BAUD": "9600"})
    docker_suffixes = ("INITDB_ARGS", "INITDB_WALDIR", "HOST_AUTH_METHOD", "PASSWORD_FILE", "USER_FILE", "DB_FILE")
    refuse_unknown(dict.fromkeys((f"POSTGRES_{name}" for name in (*docker_suffixes, "URL", "DSN", "VERSION")), "x"))


def test_device_and_driver_settings_are_loaded_together() -> None:
    environ = {
        "ARCH_STATS_DRIVER": "bow.link",
        "ARCH_STATS_PORT": "/dev/ttyUSB0",
        "ARCH_STATS_LANE": "3",
        "ARCH_STATS_BAUD": "9600",
    }
    device = load_device(environ, LineSettings)
    assert (device.driver, device.port, device.lane) == ("bow.link", "/dev/ttyUSB0", 3)
    assert device.driver_settings == LineSettings(port="/dev/ttyUSB0", baud=9600)


def test_missing_driver_setting_is_named_by_its_variable() -> None:
    with pytest.raises(ConfigError, match="ARCH_STATS_PORT is not set") as caught:
        load_device({"ARCH_STATS_DRIVER": "bow.link"}, LineSettings)
    assert "Serial port" in caught.value.hint


def test_secrets_are_never_shown() -> None:
    service = load_service({"POSTGRES_PASSWORD": "hunter2"})
    assert "hunter2" not in f"{service!r} {service} {plain_settings(service)}"
    with pytest.raises(ConfigError) as caught:
        load_device({"ARCH_STATS_DRIVER": "d", "ARCH_STATS_PORT": "p", "ARCH_STATS_KEY": "hu7"}, LineSettings)
    assert "ARCH_STATS_KEY" in caught.value.message
    assert "hu7" not in str(caught.value)


def test_secret_of_a_driver_with_a_dataclass_is_never_shown() -> None:
    environ = {"ARCH_STATS_DRIVER": "d", "ARCH_STATS_KEY": "hu7"}
    device = load_device(environ, KeyedSettings)
    assert device.driver_settings == KeyedSettings(key="hu7")
    assert "hu7" not in f"{device} {plain_settings(device)}"
    assert not setting_fields(KeyedSettings)["targets"].is_required
    with pytest.raises(ConfigError, match="ARCH_STATS_KEY: ") as caught:
        load_device({**environ, "ARCH_STATS_KEY": "hu7nter2"}, KeyedSettings)
    assert "hu7" not in str(caught.value)
