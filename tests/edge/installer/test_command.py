"""The technician's command on a hub: its settings are those that systemd reads, its user has the rights it needs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.installer.hub import COMMON_SETTINGS, Hub
from edge.installer.inspect import inspect_hub, shipped_files
from edge.installer.plan import COMMAND_TEXT, install_plan
from edge.installer.steps import Write

Run = Callable[..., dict[str, str]]


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command on a hub in a folder; returns its environment, its user (``AS``) and its words (``WORDS``)."""
    program(tmp_path / "program", 'env -0; printf "WORDS=%s\\0" "$*"')
    program(tmp_path / "runuser", 'export AS="$2"; shift 3; exec "$@"')
    program(tmp_path / "sudo", 'export AS=root; printf "AS=root\\0WORDS=%s\\0" "$*"')
    text = COMMAND_TEXT.replace("/opt/archstats/bin/archstats-sensor", str(tmp_path / "program"))
    (tmp_path / "command").write_text(text.replace("/etc/archstats", str(tmp_path)))

    def result(*words: str, who: str = "root") -> dict[str, str]:
        program(tmp_path / "id", f'[ "$1" = -un ] && echo {who} || echo {0 if who == "root" else 1000}')
        done = subprocess.run(
            ["sh", tmp_path / "command", *words], env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        return dict(part.split("=", 1) for part in done.stdout.split("\0") if part)

    return result


def test_values_are_taken_literally(run: Run, tmp_path: Path) -> None:
    secret = "a b$HOME`id`&;'\\"
    (tmp_path / "archstats.env").write_text(
        f'# one\n; two\nPOSTGRES_PASSWORD={secret}\nPOSTGRES_DB="my range"\nno line\nA-B=1\nARCH_STATS_SERVER_PORT=8123'
    )
    environment = run("session", "list")
    assert environment["POSTGRES_PASSWORD"] == secret
    assert environment["POSTGRES_DB"] == "my range"
    assert environment["ARCH_STATS_SERVER_PORT"] == "8123"
    assert "A-B" not in environment


def test_each_command_runs_as_the_user_it_needs(run: Run, tmp_path: Path) -> None:
    operator = run("session", "list", "--lane", "1 2")
    assert (operator["AS"], operator["POSTGRES_USER"]) == ("archstats_operator", "archstats_operator")
    assert operator["WORDS"] == "session list --lane 1 2"
    owner = run("db", "status")
    assert (owner["AS"], owner["POSTGRES_USER"]) == ("postgres", "postgres")
    assert "AS" not in run("db", "status", who="postgres")
    assert "AS" not in run("install")
    technician = run("session", "list", who="pi")
    assert technician["AS"] == "root"
    assert technician["WORDS"].endswith("command session list")

    (tmp_path / "archstats.env").write_text("POSTGRES_HOST=db.local\nPOSTGRES_USER=range\n")
    elsewhere = run("db", "status")  # this hub may not have the user postgres
    assert (elsewhere["AS"], elsewhere["POSTGRES_USER"]) == ("archstats_operator", "range")


def test_config_check_reads_the_file_of_its_device(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bow-1.env").write_text("ARCH_STATS_DRIVER=bow.link\n")
    assert run("config", "check", "bow-1")["ARCH_STATS_DRIVER"] == "bow.link"
    assert "ARCH_STATS_DRIVER" not in run("config", "check")
    assert "ARCH_STATS_DRIVER" not in run("session", "list", "bow-1")


@pytest.mark.parametrize(("given", "mode"), [({}, 0o644), ({"POSTGRES_PASSWORD": "x"}, 0o600)])
def test_file_with_password_is_readable_by_root_only(given: dict[str, str], mode: int) -> None:
    [settings] = [
        step
        for step in install_plan(Hub(shipped_files(), settings=given))
        if isinstance(step, Write) and step.path == COMMON_SETTINGS
    ]
    assert settings.mode == mode


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "etc/archstats").mkdir(parents=True)
    (tmp_path / "etc/archstats/archstats.env").touch(mode=0o000)
    with pytest.raises(CommandError, match="cannot be read"):
        inspect_hub({}, tmp_path)
