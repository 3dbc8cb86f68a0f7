"""Plans of installation and removal, as pure functions."""

from __future__ import annotations

from pathlib import Path

from edge.installer.hub import (
    COMMON_SETTINGS,
    HOME,
    MORE_SHOTS,
    OS_USERS,
    PUSH,
    SENSOR,
    SETTINGS,
    SHOTS,
    SOCKET,
    STATE,
    THIS_MACHINE,
    UNITS,
    Hub,
    Source,
)
from edge.installer.inspect import live_page, shipped_files
from edge.installer.plan import SHIPPED_PLACES, address_file, install_plan, network_file, next_steps
from edge.installer.steps import Link, Remove, RemoveEmpty, Run, Step, Write
from edge.installer.uninstall import remaining_lines, uninstall_plan

SHIPPED = shipped_files()
PAGE = "http://127.0.0.1:8000/"
SOURCE = Source(Path("/home/pi/edge"), Path("/home/pi/edge/.tools/bin/uv"), Path("/usr/bin/python3"))
SENSOR_BOW = "archstats-sensor@bow-1.service"


def writes(steps: list[Step]) -> dict[Path, Write]:
    return {step.path: step for step in steps if isinstance(step, Write)}


def runs(steps: list[Step]) -> list[str]:
    return [" ".join(step.words) for step in steps if isinstance(step, Run)]


def environment(number: int) -> Path:
    return HOME.with_name(f"archstats-{number}")


def index(steps: list[Step], start: str) -> int:
    return next(number for number, step in enumerate(steps) if str(step).startswith(start))


def position(commands: list[str], part: str) -> int:
    [found] = [number for number, command in enumerate(commands) if part in command]
    return found


def test_new_hub_gets_everything_in_order() -> None:
    steps = install_plan(Hub(SHIPPED, SOURCE))
    assert set(SHIPPED_PLACES.values()) < writes(steps).keys()
    commands = runs(steps)
    order = ["uv sync", "systemd-sysusers", "db init", "daemon-reload", "systemctl enable", "systemctl start"]
    assert sorted(order, key=lambda part: position(commands, part)) == order
    assert index(steps, "write   /etc/sysusers.d") < index(steps, "run     systemd-sysusers")
    assert max(i for i, step in enumerate(steps) if isinstance(step, Write)) < index(steps, "run     systemctl daemon")


def test_upgrade_switches_late_and_removes_the_old_last() -> None:
    old, new = environment(7), environment(8)
    steps = install_plan(Hub(SHIPPED, SOURCE, home=old, environments=(old,)))
    [sync] = [step for step in steps if isinstance(step, Run) and step.words[1] == "sync"]
    assert (sync.makes, sync.environment["UV_PROJECT_ENVIRONMENT"]) == (new, str(new))
    assert any(f"{new}/bin/archstats-sensor db init" in command for command in runs(steps))
    order = ["run     runuser", "write   /etc/systemd", "link    ", "run     systemctl try-restart", "remove  "]
    assert sorted(order, key=lambda part: index(steps, part)) == order
    assert [str(step) for step in steps if isinstance(step, (Link, Remove))] == [
        f"link    {HOME} -> archstats-8", f"remove  {old}",
    ]  # fmt: skip


def test_leftovers_of_an_interrupted_installation_go_first() -> None:
    before, current, unfinished = environment(6), environment(7), environment(8)
    hub = Hub(SHIPPED, SOURCE, home=current, environments=(before, current, unfinished))
    steps = install_plan(hub)
    assert steps[0] == Remove(unfinished)
    assert Link(HOME, "archstats-8") in steps
    assert steps[-2:] == [Remove(before), Remove(current)]
    assert install_plan(Hub(SHIPPED, SOURCE, environments=(environment(1),)))[0] == Remove(environment(1))
    from_itself = install_plan(Hub(SHIPPED, home=current, environments=(before, current)))
    assert [step for step in from_itself if isinstance(step, (Link, Remove))] == [Remove(before)]


def test_folder_in_place_of_the_link_is_moved_then_removed() -> None:
    steps = install_plan(Hub(SHIPPED, SOURCE, home=HOME))
    assert index(steps, f"run     mv {HOME} {environment(0)}") == index(steps, "link    ") - 1
    assert Link(HOME, "archstats-1") in steps
    assert steps[-1] == Remove(environment(0))
    assert not any("mv" in command for command in runs(install_plan(Hub(SHIPPED, home=HOME))))


def test_program_is_installed_only_from_a_source_tree() -> None:
    assert not any("uv sync" in command for command in runs(install_plan(Hub(SHIPPED))))


def test_settings_are_written_once() -> None:
    assert writes(install_plan(Hub(SHIPPED)))[COMMON_SETTINGS].once


def test_database_is_created_as_postgres_and_only_locally() -> None:
    [make] = [step for step in install_plan(Hub(SHIPPED, settings={"POSTGRES_DB": "range"})) if _is_database(step)]
    assert isinstance(make, Run)
    assert make.words[:4] == ("runuser", "-u", "postgres", "--")
    assert make.environment["POSTGRES_DB"] == "range"
    assert make.environment["POSTGRES_USER"] == "postgres"
    elsewhere = Hub(SHIPPED, settings={"POSTGRES_HOST": "db.local"})
    assert not any(_is_database(step) for step in install_plan(elsewhere))
    assert any("db init" in line for line in next_steps(elsewhere, PAGE))


def _is_database(step: Step) -> bool:
    return isinstance(step, Run) and "db" in step.words


def test_other_address_becomes_a_drop_in() -> None:
    assert address_file() not in writes(install_plan(Hub(SHIPPED)))
    text = writes(install_plan(Hub(SHIPPED, settings={"ARCH_STATS_SERVER_PORT": "8080"})))[address_file()].text
    assert text.splitlines() == ["[Socket]", "ListenStream=", "ListenStream=127.0.0.1:8080"]


def test_needless_drop_in_is_removed() -> None:
    steps = install_plan(Hub(SHIPPED, present=frozenset({address_file(), UNITS / SOCKET})))
    assert Remove(address_file()) in steps
    assert RemoveEmpty(address_file().parent) in steps
    assert Remove(UNITS / SOCKET) not in steps


def test_only_device_with_url_gets_the_network() -> None:
    devices = {
        "bow-1": {"ARCH_STATS_PORT": "/dev/archstats/A1"},
        "target-1": {"ARCH_STATS_PORT": "socket://10.0.0.7:2000"},
    }
    steps = writes(install_plan(Hub(SHIPPED, devices=devices)))
    assert network_file("archstats-sensor@target-1.service") in steps
    assert network_file(SENSOR_BOW) not in steps
    remote = writes(install_plan(Hub(SHIPPED, settings={"POSTGRES_HOST": "db.local"}, devices=devices)))
    assert {path for path in remote if path.name == "network.conf"} == {
        network_file(unit) for unit in (SENSOR, SHOTS, MORE_SHOTS, PUSH)
    }


def test_folder_for_another_machine_leaves_this_one_alone() -> None:
    root = Path("/mnt/card")
    steps = install_plan(Hub(SHIPPED, SOURCE), root)
    commands = runs(steps)
    assert [command.split()[0].rpartition("/")[2] for command in commands] == [
        "uv", "uv", "chmod", "sync", "systemctl",
    ]  # fmt: skip
    assert "--relocatable" in commands[0]
    assert "--root /mnt/card enable" in commands[4]
    [sync] = [step for step in steps if isinstance(step, Run) and step.words[1] == "sync"]
    assert sync.environment["UV_PROJECT_ENVIRONMENT"] == f"{root}{HOME}-1"
    assert Link(HOME, "archstats-1") in steps


def test_next_steps_name_devices_that_are_not_started() -> None:
    hub = Hub(SHIPPED, devices={"bow-1": {}, "target-1": {}}, instances=(SENSOR_BOW,))
    lines = "\n".join(next_steps(hub, PAGE))
    assert "archstats-sensor@target-1" in lines
    assert "archstats-sensor@bow-1" not in lines
    assert "Next, for each device" in "\n".join(next_steps(Hub(SHIPPED), PAGE))


INSTALLED = Hub(
    SHIPPED,
    home=environment(7),
    environments=(environment(6), environment(7)),
    present=frozenset({*SHIPPED_PLACES.values(), address_file()}),
    instances=(SENSOR_BOW,),
)


def test_uninstall_stops_first_and_removes_only_our_files() -> None:
    steps = uninstall_plan(INSTALLED, purge=False)
    assert SENSOR_BOW in runs(steps)[0]
    assert runs(steps)[0].startswith("systemctl disable --quiet --now")
    removed = {step.path for step in steps if isinstance(step, Remove)}
    assert removed == {*INSTALLED.present, HOME, *INSTALLED.environments}
    assert steps[-3:] == [Remove(HOME), Remove(environment(6)), Remove(environment(7))]
    assert not any(word in command for command in runs(steps) for word in ("dropdb", "dropuser", "userdel"))
    assert "--purge" in "\n".join(remaining_lines(INSTALLED, purge=False))


def test_purge_removes_settings_state_database_and_users() -> None:
    steps = uninstall_plan(INSTALLED, purge=True)
    removed = {step.path for step in steps if isinstance(step, Remove)}
    assert {SETTINGS, STATE, HOME} <= removed
    commands = "\n".join(runs(steps))
    assert "dropdb --if-exists --force archstats" in commands
    for user in OS_USERS:
        assert f"userdel {user}" in commands
        assert f"dropuser --if-exists {user}" in commands


def test_remote_database_is_not_dropped() -> None:
    hub = Hub(SHIPPED, settings={"POSTGRES_HOST": "db.local"}, present=INSTALLED.present)
    assert "dropdb" not in "\n".join(runs(uninstall_plan(hub, purge=True)))
    assert remaining_lines(hub, purge=True)


def test_hub_without_our_files_is_left_alone() -> None:
    steps = uninstall_plan(Hub(SHIPPED), purge=False)
    assert [step for step in steps if isinstance(step, Run) and "disable" in step.words] == []
    assert [step for step in steps if isinstance(step, Remove)] == [Remove(HOME)]


def test_page_on_every_address_is_shown_as_one_to_open() -> None:
    hub = Hub(SHIPPED, settings={"ARCH_STATS_SERVER_HOST": "0.0.0.0"})  # noqa: S104 - nothing is opened
    assert "0.0.0.0" not in live_page(hub, THIS_MACHINE)  # noqa: S104 - nothing is opened
    assert live_page(hub, THIS_MACHINE).endswith(" and http://127.0.0.1:8000/")
    assert live_page(hub, Path("/mnt/card")) == "port 8000 of every address of that machine"
    assert live_page(Hub(SHIPPED), Path("/mnt/card")) == PAGE


def test_the_next_steps_say_how_phones_open_the_page() -> None:
    assert any("ARCH_STATS_SERVER_HOST=0.0.0.0" in line for line in next_steps(Hub(SHIPPED), PAGE))
    opened = Hub(SHIPPED, settings={"ARCH_STATS_SERVER_HOST": "::"})
    assert any("address --operator" in line for line in next_steps(opened, PAGE))
