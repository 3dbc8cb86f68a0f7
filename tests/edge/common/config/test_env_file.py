"""Env files follow systemd's rules and survive a round trip; ``.env`` gives settings only in development."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.config.env_file import (
    apply_development_file,
    format_assignment,
    read_development_file,
    read_env_file,
)
from edge.common.config.env_parser import EnvFile, is_text, parse_env
from edge.common.config.errors import EX_CONFIG, ConfigError
from tests.acceptance.simulated_range import clean_environment
from tests.edge.common.config.env_lines import READ, REFUSED
from tests.warm_programs import WarmPrograms

BIN = Path(sys.executable).parent
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]).filter(is_text)) | st.text("'\"\\\\`$ \n\r#;=a")


@pytest.mark.parametrize("case", READ)
def test_values_equal_those_of_systemd(case: str) -> None:
    content, values = READ[case]
    assert parse_env(content) == EnvFile(values, ())


@pytest.mark.parametrize("case", REFUSED)
def test_a_line_that_readers_may_take_differently_is_refused(case: str, tmp_path: Path) -> None:
    content, line, cause = REFUSED[case]
    (tmp_path / "bow-1.env").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_env_file(tmp_path / "bow-1.env")
    assert caught.value.parts[0].message == f"line {line} of {tmp_path}/bow-1.env {cause}"


@given(st.dictionaries(NAMES, VALUES))
def test_a_written_file_reads_back(values: dict[str, str]) -> None:
    text = "".join(f"{format_assignment(name, value)}\n" for name, value in values.items())
    assert parse_env(text.encode()) == EnvFile(values, ())


@given(st.text("'\"\\\\ \n\r#;=ab"))
def test_any_text_can_be_parsed(text: str) -> None:
    faults = parse_env(text.encode()).faults
    assert all(1 <= fault.line <= text.count("\n") + 1 for fault in faults)


@pytest.mark.parametrize(("name", "value"), [("1A", "x"), ("A B", "x"), ("", "x"), ("A", "x\0"), ("A", "\udcfc")])
def test_impossible_assignments_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"variable|UTF-8"):
        format_assignment(name, value)


@pytest.mark.parametrize("line", ["POSTGRES_USER", "=x", "a b=c", "export A=b", "- x"])
def test_a_wrong_line_is_named_but_not_shown(line: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A=b\n{line}\nC=d\n")
    with pytest.raises(ConfigError, match=r"line 2 of .*\.env is not NAME=value") as caught:
        read_development_file(tmp_path)
    assert line not in caught.value.message.replace("NAME=value", "")


def test_only_settings_of_this_project_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "POSTGRES_USER=ana\nPOSTGRES_INITDB_ARGS=x\nSECRET_KEY=x\nARCH_STATS_NOPE=1\nARCH_STATS_LANE=2\n"
    )
    environ = {"HOME": "/", "ARCH_STATS_LANE": "7"}
    apply_development_file(environ, tmp_path)
    assert environ == {"HOME": "/", "POSTGRES_USER": "ana", "ARCH_STATS_NOPE": "1", "ARCH_STATS_LANE": "7"}


@pytest.mark.parametrize(
    "given_by", [{"SYSTEMD_EXEC_PID": str(os.getpid())}, {"NOTIFY_SOCKET": "/run/x"}, {"ARCH_STATS_PARENT": "1"}]
)
def test_environment_of_a_child_or_unit_is_unchanged(given_by: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=ana\n")
    environ = dict(given_by)
    apply_development_file(environ, tmp_path)
    assert environ == given_by


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    environ = {"A": "b"}
    apply_development_file(environ, tmp_path)
    assert environ == {"A": "b"}


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(programs: WarmPrograms) -> Run:
    """Runs one of the programs in a folder with only the given settings in its environment."""

    def run_with(words: list[str], folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return programs.run(*words, environment=clean_environment(**settings), folder=folder)

    return run_with


def test_a_command_reads_the_file_and_the_environment_wins(tmp_path: Path, run: Run) -> None:
    (tmp_path / ".env").write_text("POSTGRES_DB='my range'\nARCH_STATS_SERVER_PORT=8080\nARCH_STATS_DEV_MODE=true\n")
    shown = json.loads(
        run(["archstats-sensor", "config", "show", "--json"], tmp_path, ARCH_STATS_SERVER_PORT="9090").stdout
    )
    assert (shown["database.db"], shown["dev_mode"], shown["server_port"]) == ("my range", True, 9090)


@pytest.mark.parametrize("words", [["archstats-sensor", "run", "bow-1"], ["archstats-shots"], ["archstats-push"]])
def test_a_service_reads_the_file(words: list[str], tmp_path: Path, run: Run) -> None:
    (tmp_path / ".env").write_text(
        "ARCH_STATS_DRIVER=bow.link\nARCH_STATS_PORT=/dev/ttyUSB0\nARCH_STATS_WS_CHANNEL=No\n"
    )
    ended = run(words, tmp_path)
    assert ended.returncode == EX_CONFIG
    assert "ARCH_STATS_WS_CHANNEL is 'No'" in ended.stderr


@pytest.mark.parametrize("words", [["archstats-sensor", "config", "show"], ["archstats-shots"]])
def test_a_wrong_file_ends_a_program(words: list[str], tmp_path: Path, run: Run) -> None:
    (tmp_path / ".env").write_text("no assignment\n")
    ended = run(words, tmp_path)
    assert ended.returncode == EX_CONFIG
    assert f"{words[0]}: line 1 of {tmp_path}/.env is not NAME=value. Correct" in ended.stderr


def test_a_systemd_unit_does_not_read_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ARCH_STATS_DRIVER=bow.nothing\n")
    unit = f'SYSTEMD_EXEC_PID=$$ exec "{BIN}/archstats-sensor" run bow-1'
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
    ended = subprocess.run(
        ["sh", "-c", unit], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == EX_CONFIG
    assert "no driver is set" in ended.stderr
