"""The first env file, and what the units need to know of the settings."""

from __future__ import annotations

import pytest

from edge.common.config.env_parser import parse_env
from edge.common.config.errors import ConfigError
from edge.installer.env_files import common_text, listen_stream, needs_network, settings_to_keep


def test_first_file_holds_the_settings_and_reads_back() -> None:
    environ = {
        "ARCH_STATS_SERVER_PORT": "8080",
        "POSTGRES_DB": "range",
        "POSTGRES_PASSWORD": "pa\\ss 'q' \"d\" $x ü",
        "ARCH_STATS_DRIVER": "bow.link",
        "HOME": "/root",
    }
    settings = settings_to_keep(environ)
    assert settings == {
        "ARCH_STATS_SERVER_PORT": "8080",
        "POSTGRES_DB": "range",
        "POSTGRES_PASSWORD": environ["POSTGRES_PASSWORD"],
    }
    assert parse_env(common_text(settings).encode()).values == settings


@pytest.mark.parametrize("wrong", [{"POSTGRES_PASSWORD": "\udcfc"}, {"POSTGRES_A-B": "x"}])
def test_setting_that_no_file_can_hold_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as fault:
        common_text(wrong)
    assert "\udcfc" not in fault.value.message


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "127.0.0.1:8000"),
        ({"ARCH_STATS_SERVER_HOST": "localhost", "ARCH_STATS_SERVER_PORT": "8080"}, "127.0.0.1:8080"),
        ({"ARCH_STATS_SERVER_HOST": "0.0.0.0"}, "0.0.0.0:8000"),  # noqa: S104 - expected text
        ({"ARCH_STATS_SERVER_HOST": "::1"}, "[::1]:8000"),
        ({"ARCH_STATS_SERVER_HOST": "[::]"}, "[::]:8000"),
    ],
)
def test_socket_address_follows_the_settings(settings: dict[str, str], expected: str) -> None:
    assert listen_stream(settings) == expected


@pytest.mark.parametrize("wrong", [{"ARCH_STATS_SERVER_HOST": "hub.local"}, {"ARCH_STATS_SERVER_PORT": "99999"}])
def test_address_that_systemd_cannot_open_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as fault:
        listen_stream(wrong)
    assert fault.value.hint


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ARCH_STATS_PORT": "/dev/archstats/A1"}, False),
        ({"ARCH_STATS_PORT": "socket://10.0.0.7:2000"}, True),
        ({"POSTGRES_HOST": "db.local"}, True),
        ({"POSTGRES_HOST": ""}, False),
    ],
)
def test_only_remote_ports_and_databases_need_network(settings: dict[str, str], expected: bool) -> None:
    assert needs_network(settings) is expected
