"""What an environment file says, and what systemd must know of it."""

from __future__ import annotations

import pytest

from edge.common.config.env_file import parse_env
from edge.common.config.errors import ConfigError
from edge.installer.env_files import common_text, given, listen_stream, needs_network


def test_the_first_file_holds_what_was_given_and_reads_back() -> None:
    environ = {
        "ARCH_STATS_SERVER_PORT": "8080",
        "POSTGRES_DB": "range",
        "ARCH_STATS_DRIVER": "bow.link",
        "HOME": "/root",
    }
    settings = given(environ)
    assert settings == {"ARCH_STATS_SERVER_PORT": "8080", "POSTGRES_DB": "range"}
    assert parse_env(common_text(settings)).values == settings


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "127.0.0.1:8000"),
        ({"ARCH_STATS_SERVER_HOST": "localhost", "ARCH_STATS_SERVER_PORT": "8080"}, "127.0.0.1:8080"),
        ({"ARCH_STATS_SERVER_HOST": "0.0.0.0"}, "0.0.0.0:8000"),  # noqa: S104 - the text to be made
        ({"ARCH_STATS_SERVER_HOST": "::1"}, "[::1]:8000"),
        ({"ARCH_STATS_SERVER_HOST": "[::]"}, "[::]:8000"),
    ],
)
def test_the_sockets_address_is_that_of_the_settings(settings: dict[str, str], expected: str) -> None:
    assert listen_stream(settings) == expected


@pytest.mark.parametrize("wrong", [{"ARCH_STATS_SERVER_HOST": "hub.local"}, {"ARCH_STATS_SERVER_PORT": "99999"}])
def test_an_address_that_systemd_cannot_open_is_refused_with_the_remedy(wrong: dict[str, str]) -> None:
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
def test_only_what_is_elsewhere_needs_the_network(settings: dict[str, str], expected: bool) -> None:
    assert needs_network(settings) is expected
