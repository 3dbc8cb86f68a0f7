"""The plans, as the pure functions they are."""

from __future__ import annotations

from pathlib import Path

from edge.cli.installation.hub import COMMON_SETTINGS, HOME, OS_USERS, SETTINGS, SOCKET, STATE, UNITS, Hub, Source
from edge.cli.installation.look import shipped_files
from edge.cli.installation.plan import SHIPPED_PLACES, address_file, install_plan, network_file, next_steps
from edge.cli.installation.removal import uninstall_plan, what_stays
from edge.cli.installation.steps import Remove, RemoveEmpty, Run, Step, Write

SHIPPED = shipped_files()
SOURCE = Source(Path("/home/pi/edge"), Path("/home/pi/edge/.tools/bin/uv"), Path("/usr/bin/python3"))
SENSOR_BOW = "archstats-sensor@bow-1.service"


def writes(steps: list[Step]) -> dict[Path, Write]:
    return {step.path: step for step in steps if isinstance(step, Write)}


def runs(steps: list[Step]) -> list[str]:
    return [" ".join(step.words) for step in steps if isinstance(step, Run)]


def position(commands: list[str], part: str) -> int:
    [found] = [number for number, command in enumerate(commands) if part in command]
    return found


def test_a_new_hub_gets_everything_in_an_order_that_works() -> None:
    steps = install_plan(Hub(SHIPPED, SOURCE))
    assert set(SHIPPED_PLACES.values()) < writes(steps).keys()
    commands = runs(steps)
    order = ["uv sync", "systemd-sysusers", "db init", "daemon-reload", "systemctl enable", "systemctl restart"]
    assert sorted(order, key=lambda part: position(commands, part)) == order
    assert max(i for i, step in enumerate(steps) if isinstance(step, Write)) < steps.index(
        next(step for step in steps if isinstance(step, Run) and "systemd-sysusers" in step.words)
    )


def test_the_program_installs_itself_only_from_a_source_tree() -> None:
    assert not any("uv sync" in command for command in runs(install_plan(Hub(SHIPPED))))


def test_settings_are_written_once() -> None:
    assert writes(install_plan(Hub(SHIPPED)))[COMMON_SETTINGS].once


def test_the_database_is_made_as_its_administrator_and_not_on_another_machine() -> None:
    [make] = [step for step in install_plan(Hub(SHIPPED, settings={"POSTGRES_DB": "range"})) if _is_database(step)]
    assert isinstance(make, Run)
    assert make.words[:4] == ("runuser", "-u", "postgres", "--")
    assert make.environment["POSTGRES_DB"] == "range"
    assert make.environment["POSTGRES_USER"] == "postgres"
    elsewhere = Hub(SHIPPED, settings={"POSTGRES_HOST": "db.local"})
    assert not any(_is_database(step) for step in install_plan(elsewhere))
    assert any("db init" in line for line in next_steps(elsewhere))


def _is_database(step: Step) -> bool:
    return isinstance(step, Run) and "db" in step.words


def test_another_address_is_a_drop_in_that_replaces_the_first() -> None:
    assert address_file() not in writes(install_plan(Hub(SHIPPED)))
    text = writes(install_plan(Hub(SHIPPED, settings={"ARCH_STATS_SERVER_PORT": "8080"})))[address_file()].text
    assert text.splitlines() == ["[Socket]", "ListenStream=", "ListenStream=127.0.0.1:8080"]


def test_a_drop_in_goes_when_the_settings_no_longer_ask_for_it() -> None:
    steps = install_plan(Hub(SHIPPED, present=frozenset({address_file(), UNITS / SOCKET})))
    assert Remove(address_file()) in steps
    assert RemoveEmpty(address_file().parent) in steps
    assert Remove(UNITS / SOCKET) not in steps


def test_only_a_device_with_a_url_gets_the_network() -> None:
    devices = {
        "bow-1": {"ARCH_STATS_PORT": "/dev/archstats/A1"},
        "target-1": {"ARCH_STATS_PORT": "socket://10.0.0.7:2000"},
    }
    steps = writes(install_plan(Hub(SHIPPED, devices=devices)))
    assert network_file("archstats-sensor@target-1.service") in steps
    assert network_file(SENSOR_BOW) not in steps
    remote = writes(install_plan(Hub(SHIPPED, settings={"POSTGRES_HOST": "db.local"}, devices=devices)))
    assert {path for path in remote if path.name == "network.conf"} == {
        network_file(unit)
        for unit in ("archstats-sensor@.service", "archstats-shots.service", "archstats-push.service")
    }


def test_a_folder_for_another_machine_is_filled_and_this_machine_left_alone() -> None:
    root = Path("/mnt/card")
    steps = install_plan(Hub(SHIPPED, SOURCE), root)
    commands = runs(steps)
    assert [command.split()[0].rpartition("/")[2] for command in commands] == ["uv", "uv", "systemctl"]
    assert "--relocatable" in commands[0]
    assert "--root /mnt/card enable" in commands[2]
    [sync] = [step for step in steps if isinstance(step, Run) and "sync" in step.words]
    assert sync.environment["UV_PROJECT_ENVIRONMENT"] == f"{root}{HOME}"


def test_what_is_next_names_the_devices_that_are_not_started() -> None:
    hub = Hub(SHIPPED, devices={"bow-1": {}, "target-1": {}}, instances=(SENSOR_BOW,))
    lines = "\n".join(next_steps(hub))
    assert "archstats-sensor@target-1" in lines
    assert "archstats-sensor@bow-1" not in lines
    assert "Next, for each device" in "\n".join(next_steps(Hub(SHIPPED)))


INSTALLED = Hub(SHIPPED, present=frozenset({*SHIPPED_PLACES.values(), address_file()}), instances=(SENSOR_BOW,))


def test_uninstalling_stops_first_removes_what_is_ours_and_leaves_what_is_theirs() -> None:
    steps = uninstall_plan(INSTALLED, purge=False)
    assert SENSOR_BOW in runs(steps)[0]
    assert runs(steps)[0].startswith("systemctl disable --quiet --now")
    removed = {step.path for step in steps if isinstance(step, Remove)}
    assert removed == {*INSTALLED.present, HOME}
    assert steps[-1] == Remove(HOME)
    assert not any(word in command for command in runs(steps) for word in ("dropdb", "dropuser", "userdel"))
    assert "--purge" in "\n".join(what_stays(INSTALLED, purge=False))


def test_purging_takes_settings_state_database_roles_and_users_too() -> None:
    steps = uninstall_plan(INSTALLED, purge=True)
    removed = {step.path for step in steps if isinstance(step, Remove)}
    assert {SETTINGS, STATE, HOME} <= removed
    commands = "\n".join(runs(steps))
    assert "dropdb --if-exists --force archstats" in commands
    for user in OS_USERS:
        assert f"userdel {user}" in commands
        assert f"dropuser --if-exists {user}" in commands


def test_a_database_on_another_machine_is_not_dropped() -> None:
    hub = Hub(SHIPPED, settings={"POSTGRES_HOST": "db.local"}, present=INSTALLED.present)
    assert "dropdb" not in "\n".join(runs(uninstall_plan(hub, purge=True)))
    assert what_stays(hub, purge=True)


def test_a_hub_without_anything_of_ours_is_left_as_it_is() -> None:
    steps = uninstall_plan(Hub(SHIPPED), purge=False)
    assert [step for step in steps if isinstance(step, Run) and "disable" in step.words] == []
    assert [step for step in steps if isinstance(step, Remove)] == [Remove(HOME)]
