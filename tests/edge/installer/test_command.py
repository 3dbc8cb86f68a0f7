"""The technician's command on a hub: its settings are those that systemd reads, its user has the rights it needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from edge.cli.commands import session_files
from edge.common.config.errors import EX_CONFIG, CommandError, ConfigError
from edge.installer.command import NAME_FIRST, Caller, Launch, Output, main, plan_launch
from edge.installer.hub import COMMON_SETTINGS, Hub
from edge.installer.inspect import inspect_hub, shipped_files
from edge.installer.plan import install_plan
from edge.installer.steps import Write

PROGRAM = "/opt/archstats/bin/archstats-sensor"
ENVIRON = {"PATH": "/usr/bin"}

Plan = Callable[..., Launch]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Plans a command on a hub whose settings are in ``tmp_path``."""

    def planned(*words: str, who: str = "root", environ: dict[str, str] | None = None) -> Launch:
        caller = Caller(who, is_root=who == "root")
        return plan_launch(words, {**ENVIRON, **(environ or {})}, caller, settings=tmp_path)

    return planned


def test_values_are_read_as_systemd_reads_them(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "archstats.env").write_text(
        '# one\n; two\nPOSTGRES_PASSWORD=\'a b$HOME`id`&;\\"\'\nPOSTGRES_DB="my range"\nARCH_STATS_SERVER_PORT=81\\\n23'
    )
    environ = plan("session", "list").environ
    assert environ["POSTGRES_PASSWORD"] == 'a b$HOME`id`&;\\"'
    assert environ["POSTGRES_DB"] == "my range"
    assert environ["ARCH_STATS_SERVER_PORT"] == "8123"


def test_a_line_that_systemd_ignores_is_refused(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "archstats.env").write_bytes(b"POSTGRES_DB=range\nPOSTGRES_PASSWORD=\xfc\n")
    with pytest.raises(ConfigError, match=f"line 2 of {tmp_path}/archstats.env holds bytes that are not UTF-8"):
        plan("session", "list")
    assert plan("install").words == (PROGRAM, "install"), "install reports it by itself"
    (tmp_path / "archstats.env").unlink()
    (tmp_path / "bow-1.env").write_text("ARCH_STATS_LANE=1\nARCH_STATS_PORT\n")
    with pytest.raises(ConfigError, match=f"line 2 of {tmp_path}/bow-1.env is not NAME=value"):
        plan("config", "check", "bow-1")


def test_a_wrong_line_ends_the_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "archstats.env").write_text("POSTGRES\n")
    monkeypatch.setattr("edge.installer.command.plan_launch", partial(plan_launch, settings=tmp_path))
    monkeypatch.setattr("sys.argv", ["archstats-sensor", "db", "status"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == EX_CONFIG
    assert capsys.readouterr().err.startswith(f"archstats-sensor: line 1 of {tmp_path}/archstats.env is not NAME=value")


def test_process_environment_wins_over_the_files(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "archstats.env").write_text("POSTGRES_DB=range\nPOSTGRES_PORT=5433\n")
    environ = plan("session", "list", environ={"POSTGRES_DB": "trial"}).environ
    assert (environ["POSTGRES_DB"], environ["POSTGRES_PORT"]) == ("trial", "5433")
    assert environ["POSTGRES_SOCKET_DIR"] == "/run/postgresql"


def test_only_root_reads_the_operator_token(plan: Plan, tmp_path: Path) -> None:
    shown = plan("address", "--operator")
    assert shown.words == (PROGRAM, "address", "--operator")
    assert shown.environ["ARCH_STATS_OPERATOR_TOKEN_FILE"] == str(tmp_path / "operator-token")
    asked = plan("address", "--operator", who="pi")
    assert asked.words == ("sudo", "--", "/usr/local/bin/archstats-sensor", "address", "--operator")
    assert plan("address").words[:3] == ("runuser", "-u", "archstats_operator")


def test_operators_commands_run_as_the_operator(plan: Plan) -> None:
    launch = plan("session", "list", "--lane", "1 2")
    assert launch.words == ("runuser", "-u", "archstats_operator", "--", PROGRAM, "session", "list", "--lane", "1 2")
    assert launch.environ["POSTGRES_USER"] == "archstats_operator"
    assert plan("session", "list", who="archstats_operator").words == (PROGRAM, "session", "list")
    assert plan().words == ("runuser", "-u", "archstats_operator", "--", PROGRAM)


def test_a_session_is_written_as_the_caller(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert session_files.NAME_FIRST == NAME_FIRST
    launch = plan("session", "export", "last", "--as", "ends", "--output=a b.csv", "--force")
    as_operator = ("runuser", "-u", "archstats_operator", "--", PROGRAM)
    inner = ("session", "export", "--output", "-", NAME_FIRST, "last", "--as", "ends", "--force")
    assert (launch.words, launch.output) == ((*as_operator, *inner), Output(Path("a b.csv"), force=True))
    asked = plan("session", "certificate", who="pi")
    assert asked.words[:3] == ("sudo", "--", "/usr/local/bin/archstats-sensor")
    passed = plan(*asked.words[3:])
    assert (passed.words[:5], passed.output) == (as_operator, None)
    for words in (("export", "--output", "-"), ("certificate", "--json"), ("export", "--help"), ("list",)):
        assert plan("session", *words).output is None

    echo = ("sh", "-c", "printf 'lane-1-ends.csv\\nslot\\r\\n1\\r\\n'")
    for path, shown in ((None, "lane-1-ends.csv"), (tmp_path / "x.csv", str(tmp_path / "x.csv"))):
        made = Launch(echo, dict(os.environ), Output(path, force=False))
        monkeypatch.setattr("edge.installer.command.plan_launch", lambda *_, made=made: made)
        monkeypatch.chdir(tmp_path)
        for status, said in ((0, f"written to {shown}"), (1, f"{shown} exists already")):
            with pytest.raises(SystemExit) as ended:
                main()
            assert (ended.value.code, said in capsys.readouterr().err) == (status, True)
        assert (tmp_path / shown).read_bytes() == b"slot\r\n1\r\n"
        assert (tmp_path / shown).stat().st_uid == os.geteuid()


def test_database_commands_run_as_its_owner(plan: Plan, tmp_path: Path) -> None:
    launch = plan("db", "status")
    assert launch.words == ("runuser", "-u", "postgres", "--", PROGRAM, "db", "status")
    assert launch.environ["POSTGRES_USER"] == "postgres"
    assert plan("db", "status", who="postgres").words == (PROGRAM, "db", "status")

    (tmp_path / "archstats.env").write_text("POSTGRES_HOST=db.local\nPOSTGRES_USER=range\n")
    remote = plan("db", "status")  # this hub may not have the user postgres
    assert remote.words[2] == "archstats_operator"
    assert remote.environ["POSTGRES_USER"] == "range"


def test_installer_runs_as_its_caller(plan: Plan) -> None:
    for command in ("install", "uninstall"):
        assert plan(command, who="pi") == Launch((PROGRAM, command), ENVIRON)


def test_another_user_comes_back_through_sudo(plan: Plan) -> None:
    launch = plan("session", "list", who="pi")
    assert launch == Launch(("sudo", "--", "/usr/local/bin/archstats-sensor", "session", "list"), ENVIRON)


def test_config_check_reads_the_file_of_its_device(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "archstats.env").write_text("ARCH_STATS_DRIVER=target.link\n")
    (tmp_path / "bow-1.env").write_text("ARCH_STATS_DRIVER=bow.link\n")
    assert plan("config", "check", "bow-1").environ["ARCH_STATS_DRIVER"] == "bow.link"
    assert plan("config", "check").environ["ARCH_STATS_DRIVER"] == "target.link"
    assert plan("session", "list", "bow-1").environ["ARCH_STATS_DRIVER"] == "target.link"
    assert plan("config", "check", str(tmp_path / "bow-1")).environ["ARCH_STATS_DRIVER"] == "target.link"


def test_missing_program_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["archstats-sensor", "session", "list"])
    with pytest.raises(SystemExit, match=r"cannot start .+: no such program"):
        main()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_caller_without_rights_leaves_reading_to_root(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "archstats.env").touch(mode=0o000)
    assert plan("session", "list", who="pi").words[0] == "sudo"


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
