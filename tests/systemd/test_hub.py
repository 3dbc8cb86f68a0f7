"""The units under a real systemd, on a hub that ``archstats-sensor install`` made."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from tests.chromium import chromium
from tests.systemd.installed_hub import COMMAND, SENSORS, SERVICES, WITHIN_S, Hub

SENSOR, SHOTS, PUSH = SENSORS[0], "archstats-shots.service", "archstats-push.service"
USERS = {SENSOR: "archstats_sensor", SHOTS: "archstats_shots", PUSH: "archstats_push"}
STOP_WITHIN_S = 3.0
WITHIN_MS = WITHIN_S * 1000
SEEN = "[...document.querySelectorAll('#face .shot')].map(dot => dot.dataset.shot)"
"""JavaScript: ids of the shots with a dot on the face."""
QUICK_WATCHDOG = "[Service]\nWatchdogSec=2s\n"

pytestmark = pytest.mark.timeout(300)  # the first test also boots the hub


def outside(hub: Hub, unit: str) -> Path:
    """The folder of a unit's process in this machine's /proc."""
    inner = str(hub.pid(unit))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            facts = status_of(process)
            lab = (process / "ns/cgroup").readlink() == Path(f"/proc/{hub.lab.pid1}/ns/cgroup").readlink()
        except (OSError, ValueError):
            continue  # the process has ended
        if lab and facts.get("NSpid", "").split()[1:] == [inner]:
            return process
    raise AssertionError(f"no process of {unit} with pid {inner}")


def status_of(process: Path) -> dict[str, str]:
    """The kernel's status of a process."""
    return dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())


@pytest.mark.parametrize("unit", [SENSOR, SHOTS, PUSH])
def test_service_runs_hardened_and_works(hub: Hub, unit: str) -> None:
    hub.until(lambda: hub.is_healthy(unit))
    process = outside(hub, unit)
    facts = status_of(process)
    assert hub.lab.run("ps", "-o", "user:32=", "-p", str(hub.pid(unit))).strip() == USERS[unit]
    assert facts["NoNewPrivs"].strip() == "1"
    assert facts["Seccomp"].strip() == "2"
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    for namespace in ("net", "user", "mnt"):
        assert (process / "ns" / namespace).readlink() != Path(f"/proc/{hub.lab.pid1}/ns/{namespace}").readlink()


def test_status_and_journal_are_readable(hub: Hub) -> None:
    hub.until_healthy()
    status = hub.status(SENSOR)
    assert re.fullmatch(r"reading bow-1 on /dev/archstats/bow-1, \d+ readings, database ok", status)
    assert hub.status(SHOTS) == "assembling shots, database ok"
    assert hub.status(PUSH).startswith(f"serving {hub.url}/ to ")
    lines = hub.lab.journal(SENSOR)
    assert any("bow-1 answers" in line for line in lines)
    assert [line for line in lines if line.startswith("<") or "Traceback" in line] == []
    assert not any("answers" in line for line in hub.lab.journal(SENSOR, "--priority=warning"))


async def test_shot_appears_in_browser_without_network_rights(hub: Hub) -> None:
    """From a simulated device through all hardened services to a real browser."""
    hub.until_healthy()
    async with chromium() as browser:
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(hub.url)
        await expect(page.locator("#connection")).to_have_text("live", timeout=WITHIN_MS)
        known = await page.evaluate(SEEN)
        fell = await page.wait_for_function(
            f"known => {SEEN}.find(id => !known.includes(id))", arg=known, timeout=WITHIN_MS
        )
        assert hub.query(f"select result from shots where id = '{await fell.json_value()}'") in ("hit", "off_face")
        hub.until(lambda: re.fullmatch(rf"serving {hub.url}/ to [1-9]\d* streams, database ok", hub.status(PUSH)))
        health = await page.request.get(f"{hub.url}/healthz")
        assert (await health.json())["status"] == "ok"
        assert errors == []


def test_each_service_has_its_own_database_user(hub: Hub) -> None:
    hub.until_healthy()
    known = hub.query(
        "select distinct usename, split_part(application_name, ' ', 1) from pg_stat_activity where usename like 'archstats%'"
    )
    assert set(known.splitlines()) >= {
        "archstats_sensor|archstats-sensor", "archstats_shots|archstats-shots", "archstats_push|archstats-push",
    }  # fmt: skip
    assert all(line.split("|")[0] == line.split("|")[1].replace("-", "_") for line in known.splitlines())


def test_killed_and_hung_services_restart(hub: Hub) -> None:
    """A stopped process stands for a hung one. Its watchdog is shortened here; --long tests the units' own."""
    hub.write(f"/run/systemd/system/{SHOTS}.d/quick.conf", QUICK_WATCHDOG)
    hub.lab.run("systemctl", "daemon-reload")
    try:
        hub.lab.run("systemctl", "restart", SHOTS)
        hub.until_healthy()
        before = {unit: (hub.restarts(unit), hub.pid(unit)) for unit in SERVICES}
        for unit, (_, pid) in before.items():
            hub.lab.run("kill", "-STOP" if unit == SHOTS else "-KILL", str(pid))
        for unit, (restarts, _) in before.items():
            hub.until(lambda unit=unit, restarts=restarts: hub.restarts(unit) > restarts)  # type: ignore[misc]
        hub.until_healthy()
        # A watchdog this short may fire again while the service starts on a busy machine.
        again = {unit: hub.restarts(unit) - restarts for unit, (restarts, _) in before.items() if unit != SHOTS}
        assert set(again.values()) == {1}
        assert any("Watchdog timeout (limit 2s)" in line for line in hub.lab.journal(SHOTS))
    finally:
        hub.lab.run("rm", "-r", f"/run/systemd/system/{SHOTS}.d")
        hub.lab.run("systemctl", "daemon-reload")


@pytest.mark.long  # test_shares.py has the same hand-over without systemd
def test_second_assembler_takes_a_part_of_the_lanes(hub: Hub) -> None:
    second, shares = "archstats-shots@2", "assembling the shots of a part of the lanes, database ok"
    hub.until_healthy()
    hub.lab.run("systemctl", "enable", "--now", second)
    try:
        hub.until(lambda: hub.status(SHOTS) == hub.status(second) == shares)
        hub.lab.run("systemctl", "stop", SHOTS)
        hub.until(lambda: hub.status(second) == "assembling shots, database ok")
        hub.lab.run("systemctl", "start", SHOTS)
        hub.until(lambda: hub.status(SHOTS) == hub.status(second) == shares)
        assert (hub.restarts(SHOTS), hub.restarts(second)) == (0, 0), "no restart since the manual start"
    finally:
        hub.lab.run("systemctl", "disable", "--now", second)
    hub.until(lambda: hub.status(SHOTS) == "assembling shots, database ok")


@pytest.mark.long
@pytest.mark.parametrize("unit", [SENSOR, SHOTS, PUSH])
def test_watchdog_of_the_unit_ends_a_hung_service(hub: Hub, unit: str) -> None:
    hub.lab.run("systemctl", "restart", unit)
    hub.until(lambda: hub.is_healthy(unit))
    restarts = hub.restarts(unit)
    hub.lab.run("kill", "-STOP", str(hub.pid(unit)))
    hub.until(lambda: hub.restarts(unit) == restarts + 1 and hub.is_healthy(unit))
    assert any("Watchdog timeout (limit 10s)" in line for line in hub.lab.journal(unit))


def test_services_stop_in_time_and_start_without_database(hub: Hub, pytestconfig: pytest.Config) -> None:
    """Without PostgreSQL and devices the units start at once, report what they wait for, and need no second start.

    The limit of three seconds holds with --long; among other tests the machine is busy.
    """
    stop_within_s = STOP_WITHIN_S if pytestconfig.getoption("--long") else WITHIN_S / 2
    hub.until_healthy()
    lab = hub.lab
    try:
        for unit in SERVICES:
            began = time.monotonic()
            lab.run("systemctl", "stop", unit)
            assert time.monotonic() - began < stop_within_s, f"{unit} took too long to stop"
            assert lab.show(unit, "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
        lab.run("systemctl", "stop", "archstats.target", "postgresql")
        hub.unplug()
        lab.run("systemctl", "start", "archstats.target")
        running = {unit: hub.pid(unit) for unit in SERVICES}
        assert all(running.values())
        for unit in SERVICES:
            hub.until(lambda unit=unit: "waiting for the database" in hub.status(unit))  # type: ignore[misc]
        hub.until(lambda: hub.status(SENSOR).startswith("bow-1 on /dev/archstats/bow-1 is not connected"))
        assert httpx.get(f"{hub.url}/healthz", timeout=30.0).json()["status"] == "away"
    finally:
        lab.run("systemctl", "start", "postgresql", "archstats.target")
        hub.plug_in()
    hub.until_healthy()
    assert {unit: hub.pid(unit) for unit in SERVICES} == running


@pytest.mark.long
def test_unplugged_device_is_reported_and_found_again(hub: Hub) -> None:
    hub.until_healthy()
    running = {unit: hub.pid(unit) for unit in SENSORS}
    hub.unplug()
    try:
        hub.until(lambda: hub.status(SENSOR).startswith("bow-1 on /dev/archstats/bow-1 is lost"))
        assert hub.status(SENSOR).endswith("database ok")
    finally:
        hub.plug_in()
    hub.until_healthy()
    assert {unit: hub.pid(unit) for unit in SENSORS} == running


@pytest.mark.long
def test_database_restart_restarts_no_service(hub: Hub) -> None:
    hub.until_healthy()
    running = {unit: hub.pid(unit) for unit in SERVICES}
    stored = int(hub.query("select count(*) from readings"))
    hub.lab.run("systemctl", "restart", "postgresql")
    hub.until(lambda: int(hub.query("select count(*) from readings")) > stored)
    hub.until_healthy()
    assert {unit: hub.pid(unit) for unit in SERVICES} == running


def test_wrong_settings_are_reported_once(hub: Hub) -> None:
    unit = "archstats-sensor@wrong.service"
    hub.write("/etc/archstats/wrong.env", "ARCH_STATS_DRIVER=bow.lonk\nARCH_STATS_PORT=/dev/archstats/wrong\n")
    try:
        hub.lab.run("systemctl", "start", unit, check=False)
        hub.until(lambda: hub.lab.show(unit, "ActiveState")["ActiveState"] == "failed")
        facts = hub.lab.show(unit, "ExecMainStatus", "NRestarts", "Result")
        assert facts == {"ExecMainStatus": "78", "NRestarts": "0", "Result": "exit-code"}
        assert any("bow.lonk" in line and "bow.link" in line for line in hub.lab.journal(unit, "--priority=err"))
    finally:
        hub.lab.run("rm", "/etc/archstats/wrong.env")
        hub.lab.run("systemctl", "reset-failed", unit, check=False)


def test_device_without_file_fails_once(hub: Hub) -> None:
    unit = "archstats-sensor@missing.service"
    assert "Assertion failed" in hub.lab.run("systemctl", "start", unit, check=False)
    assert hub.lab.show(unit, "ActiveState", "NRestarts") == {"ActiveState": "inactive", "NRestarts": "0"}


def test_technician_command_has_the_rights_it_needs(hub: Hub) -> None:
    assert "up to date" in hub.lab.run(COMMAND, "db", "status")
    assert "1" in hub.lab.run(COMMAND, "session", "list")
    assert hub.query("select count(*) from sessions") == "1"


def test_backup_and_config_check_work_on_a_hub(hub: Hub) -> None:
    folder = "/var/backups/archstats"
    hub.lab.run("install", "-d", "-o", "postgres", "-m", "700", folder)
    assert "bytes" in hub.lab.run(COMMAND, "db", "backup", f"{folder}/range.backup", "--force")
    output = hub.lab.run("env", "POSTGRES_DB=trial", COMMAND, "db", "restore", f"{folder}/range.backup")
    assert "restored 1 sessions" in output
    hub.lab.run("runuser", "-u", "postgres", "--", "dropdb", "trial")
    assert "ok     device bow-1" in hub.lab.run(COMMAND, "config", "check", "bow-1")
