"""Steps are applied beneath a folder: each is reported first, and none is applied twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.installer.apply import apply_steps, needed
from edge.installer.hub import ANNOUNCEMENT, COMMAND, COMMON_SETTINGS, OPERATOR_TOKEN, Hub, Source
from edge.installer.inspect import inspect_hub, shipped_files
from edge.installer.plan import SHIPPED_PLACES, address_file, install_plan
from edge.installer.steps import Link, MakeSecret, Remove, RemoveEmpty, Run, Step, Write
from edge.installer.uninstall import uninstall_plan

PROGRAM = Path(sys.prefix) / "bin" / "archstats-sensor"


def files_only(steps: list[Step]) -> list[Step]:
    return [step for step in steps if not isinstance(step, Run)]


def tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() or path.is_symlink()}


def test_plan_applied_twice_changes_nothing_more(tmp_path: Path) -> None:
    plan = files_only(install_plan(Hub(shipped_files(), settings={"ARCH_STATS_SERVER_PORT": "8080"})))
    reported: list[str] = []
    apply_steps(plan, tmp_path, reported.append)
    assert len(reported) == len(plan)
    assert {
        str(path.relative_to("/"))
        for path in (*SHIPPED_PLACES.values(), COMMAND, COMMON_SETTINGS, OPERATOR_TOKEN, address_file())
    } == tree(tmp_path)
    assert (tmp_path / COMMAND.relative_to("/")).stat().st_mode & 0o777 == 0o755
    apply_steps(plan, tmp_path, reported.append)
    assert len(reported) == len(plan)


def test_settings_of_the_operator_survive_upgrade_and_removal(tmp_path: Path) -> None:
    apply_steps(files_only(install_plan(inspect_hub({}, tmp_path))), tmp_path, lambda _: None)
    common = tmp_path / COMMON_SETTINGS.relative_to("/")
    common.write_text("ARCH_STATS_SERVER_PORT=8123\n")
    (common.parent / "bow-1.env").write_text("ARCH_STATS_PORT=socket://10.0.0.7:2000\n")
    theirs = tmp_path / "etc/systemd/system/archstats-push.socket.d/mine.conf"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Socket]\n")

    hub = inspect_hub({}, tmp_path)
    apply_steps(files_only(install_plan(hub)), tmp_path, lambda _: None)
    assert "ListenStream=127.0.0.1:8123" in (tmp_path / address_file().relative_to("/")).read_text()
    assert "etc/systemd/system/archstats-sensor@bow-1.service.d/network.conf" in tree(tmp_path)

    apply_steps(files_only(uninstall_plan(inspect_hub({}, tmp_path), purge=False)), tmp_path, lambda _: None)
    assert tree(tmp_path) == {
        "etc/archstats/archstats.env", "etc/archstats/bow-1.env", "etc/archstats/operator-token",
        "etc/systemd/system/archstats-push.socket.d/mine.conf",
    }  # fmt: skip
    apply_steps(files_only(uninstall_plan(inspect_hub({}, tmp_path), purge=True)), tmp_path, lambda _: None)
    assert tree(tmp_path) == {"etc/systemd/system/archstats-push.socket.d/mine.conf"}


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_do_not_depend_on_the_callers_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        place = tmp_path / "opt/archstats-1"
        program = place / "bin/archstats-push"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o700)
        (place / "module.py").touch(mode=0o660)
        source = Source(Path("/srv/edge"), Path("/usr/bin/uv"), Path("/usr/bin/python3"))
        hub = Hub(shipped_files(), source, settings={"POSTGRES_PASSWORD": "x y"})
        plan = install_plan(hub, tmp_path)
        apply_steps([*files_only(plan), *(step for step in plan if "chmod" in str(step))], tmp_path, lambda _: None)
    finally:
        os.umask(before)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes.pop("etc/archstats/archstats.env") == modes.pop("etc/archstats/operator-token") == 0o600
    readable = {name: mode for name, mode in modes.items() if name != "opt"}  # made by this test
    assert {mode for name, mode in readable.items() if (tmp_path / name).is_dir()} == {0o755}
    assert modes["opt/archstats-1/bin/archstats-push"] == modes["usr/local/bin/archstats-sensor"] == 0o755
    assert {mode for name, mode in readable.items() if (tmp_path / name).is_file()} == {0o644, 0o755}


def test_a_secret_goes_into_no_file_that_others_have_open(tmp_path: Path) -> None:
    left = tmp_path / ".archstats.env.new"  # by an interrupted installation
    left.touch()
    with left.open() as reader:
        apply_steps([Write(Path("/archstats.env"), "POSTGRES_PASSWORD=x", 0o600)], tmp_path, lambda _: None)
        assert reader.read() == ""
    assert (tmp_path / "archstats.env").read_text() == "POSTGRES_PASSWORD=x"


def test_the_operator_token_is_made_once_and_never_shown(tmp_path: Path) -> None:
    reported: list[str] = []
    token = tmp_path / OPERATOR_TOKEN.relative_to("/")
    for _ in range(2):
        apply_steps([MakeSecret(OPERATOR_TOKEN)], tmp_path, reported.append)
        kept = token.read_text()
    assert reported == ["secret  /etc/archstats/operator-token (kept if it exists, with mode 0600)"]
    assert (len(kept.strip()), token.stat().st_mode & 0o777) == (43, 0o600)
    assert kept == token.read_text()
    token.chmod(0o644)
    assert needed(MakeSecret(OPERATOR_TOKEN), tmp_path)
    apply_steps([MakeSecret(OPERATOR_TOKEN)], tmp_path, reported.append)
    assert (len(reported), token.read_text(), token.stat().st_mode & 0o777) == (2, kept, 0o600)
    token.unlink()
    apply_steps([MakeSecret(OPERATOR_TOKEN)], tmp_path, reported.append)
    assert token.read_text() != kept
    assert [path.name for path in token.parent.iterdir()] == ["operator-token"]


def test_avahi_announces_the_page_of_a_hub_that_others_reach(tmp_path: Path) -> None:
    place = tmp_path / ANNOUNCEMENT.relative_to("/")
    environ = {"ARCH_STATS_SERVER_HOST": "0.0.0.0", "ARCH_STATS_SERVER_PORT": "8123"}  # noqa: S104 - nothing is opened
    apply_steps(files_only(install_plan(inspect_hub(environ, tmp_path))), tmp_path, lambda _: None)
    assert not place.exists(), "Avahi is not installed"
    place.parent.mkdir(parents=True)
    apply_steps(files_only(install_plan(inspect_hub({}, tmp_path))), tmp_path, lambda _: None)
    assert "<port>8123</port>" in place.read_text()

    (tmp_path / COMMON_SETTINGS.relative_to("/")).write_text("ARCH_STATS_SERVER_PORT=8123\n")
    apply_steps(files_only(install_plan(inspect_hub({}, tmp_path))), tmp_path, lambda _: None)
    assert not place.exists(), "only the hub itself can open the page"


def test_an_uninstalled_hub_announces_nothing(tmp_path: Path) -> None:
    place = tmp_path / ANNOUNCEMENT.relative_to("/")
    place.parent.mkdir(parents=True)
    place.touch()
    apply_steps(files_only(uninstall_plan(inspect_hub({}, tmp_path), purge=False)), tmp_path, lambda _: None)
    assert (place.exists(), place.parent.is_dir()) == (False, True)


def test_failed_command_reports_its_purpose_and_output(tmp_path: Path) -> None:
    failing = Run(("sh", "-c", "echo no room >&2; exit 3"), "to make room")
    with pytest.raises(CommandError, match=r"sh failed \(to make room\): no room"):
        apply_steps([failing, Write(Path("/after"), "")], tmp_path, lambda _: None)
    assert tree(tmp_path) == set()
    with pytest.raises(CommandError, match="no-such-program"):
        apply_steps([Run(("no-such-program",), "nothing")], tmp_path, lambda _: None)


def test_command_that_may_fail_is_reported_and_skipped(tmp_path: Path) -> None:
    reported: list[str] = []
    apply_steps([Run(("false",), "nothing", may_fail=True), Write(Path("/after"), "")], tmp_path, reported.append)
    assert tree(tmp_path) == {"after"}
    assert any("failed, continuing" in line for line in reported)


def test_failed_build_leaves_no_half_environment(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    half = f"mkdir {tmp_path}/new; echo full >&2; exit 1"
    with pytest.raises(CommandError, match="full"):
        apply_steps([Run(("sh", "-c", half), "a new one", makes=Path("/new"))], tmp_path, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_link_is_replaced_and_unwritable_file_is_reported(tmp_path: Path) -> None:
    reported: list[str] = []
    for target in ("one", "two", "two"):
        apply_steps([Link(Path("/opt/it"), target)], tmp_path, reported.append)
    assert (tmp_path / "opt/it").readlink() == Path("two")
    assert reported == ["link    /opt/it -> one", "link    /opt/it -> two"]
    with pytest.raises(CommandError, match=r"write   /opt/it/file failed: .*opt"):
        apply_steps([Write(Path("/opt/it/file"), "")], tmp_path, reported.append)
    assert tree(tmp_path) == {"opt/it"}


def test_folder_is_removed_only_when_empty(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "theirs").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "full")
    apply_steps(
        [RemoveEmpty(Path("/full")), RemoveEmpty(Path("/empty")), Remove(Path("/link"))], tmp_path, lambda _: None
    )
    assert tree(tmp_path) == {"full/theirs"}
    assert not (tmp_path / "empty").exists()


def test_dry_run_changes_nothing_and_needs_no_rights(tmp_path: Path) -> None:
    done = subprocess.run(
        [PROGRAM, "install", "--dry-run", "--prefix", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "write   /etc/systemd/system/archstats-sensor@.service" in done.stdout
    assert list(tmp_path.iterdir()) == []
    done = subprocess.run([PROGRAM, "install", "--dry-run"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "systemctl try-restart archstats.target" in done.stdout


@pytest.mark.long
def test_install_and_uninstall_on_a_card_for_another_hub(tmp_path: Path) -> None:
    def run(program: Path, *words: str) -> str:
        done = subprocess.run(
            [program, *words, "--prefix", str(tmp_path)], capture_output=True, text=True, check=False, timeout=300,
            umask=0o077,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(PROGRAM, "install")
    there = tree(tmp_path)
    assert {
        "etc/systemd/system/sockets.target.wants/archstats-push.socket",
        "opt/archstats-1/bin/archstats-push",
        "opt/archstats",
    } <= there
    assert str(tmp_path) not in (tmp_path / "opt/archstats/bin/archstats-sensor").read_text()
    private = [path.name for path in tmp_path.rglob("*") if not path.is_symlink() and not path.stat().st_mode & 0o004]
    assert private == ["operator-token"]
    run(PROGRAM, "install")
    assert {path.replace("archstats-2", "archstats-1") for path in tree(tmp_path)} == there
    run(tmp_path / "opt/archstats/bin/archstats-sensor", "uninstall")
    assert tree(tmp_path) == {"etc/archstats/archstats.env", "etc/archstats/operator-token"}
