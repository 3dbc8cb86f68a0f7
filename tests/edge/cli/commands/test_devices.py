"""``devices`` and ``commands``: settings of a device through its daemon, and the record of every command."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.common.console import iso
from edge.common.postgres.connection import Connection
from edge.operator.commands import request_command
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine
from tests.edge.sensor.scripted_bow import ScriptedBow, daemon_thread
from tests.eventually import eventually_blocking
from tests.test_project import ROOT


@pytest.fixture
def bow() -> ScriptedBow:
    return ScriptedBow()


@pytest.fixture
def served(command_line: CommandLine, bow: ScriptedBow, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line beside the daemon of a bow."""
    with daemon_thread(command_line.settings, bow, tmp_path):
        yield command_line


def test_settings_are_shown_changed_and_read_back(served: CommandLine, bow: ScriptedBow) -> None:
    assert served.run("devices", "config", "bow-1").splitlines() == [
        "gain       1.5",
        "name       oak",
        "is_loud    false",
        "threshold  100",
    ]
    changed = served.run("devices", "config", "bow-1", "threshold=300", "is_loud=on", "--who", "Marian")
    assert changed.splitlines() == [
        "gain       1.5",
        "name       oak",
        "is_loud    true  (was false)",
        "threshold  300  (was 100)",
    ]
    assert bow.settings["threshold"] == 300
    (change,) = served.json("devices", "config", "bow-1", "gain=2", "name=ash")
    assert change["before"]["gain"] == 1.5
    assert change["values"] == {"threshold": 300, "gain": 2.0, "is_loud": True, "name": "ash"}
    (facts,) = served.json("devices", "config", "bow-1")
    assert facts == {"device_id": "bow-1", "values": change["values"]}

    *_, first_change, _, last_change, _ = served.json("commands", "list")
    assert (first_change["who"], first_change["kind"]) == ("Marian", "configure")
    assert first_change["arguments"] == {"threshold": 300, "is_loud": True}
    assert last_change["id"] == change["command_id"]
    shown = served.run("commands", "show", str(change["command_id"]))
    assert "bow-1, configure gain=2.0 name=ash" in shown
    assert re.search(r"state +done since", shown)
    assert "configure is_loud=true threshold=300  Marian: done" in served.run("commands", "list", "--device", "bow-1")


def test_wrong_settings_change_nothing_and_name_the_right_ones(served: CommandLine, bow: ScriptedBow) -> None:
    error = served.run("devices", "config", "bow-1", "threshold_mv=300", status=1)
    assert "bow-1 has no setting threshold_mv, so nothing was changed. Did you mean threshold?" in error
    assert "It has: gain, name, is_loud, threshold." in error
    assert "'threshold' is no setting" in served.run("devices", "config", "bow-1", "threshold", status=2)
    error = served.run("devices", "config", "bow-1", f"threshold={'9' * 4_200}", status=1)
    assert "threshold of bow-1 must be a whole number of at most 18 digits, not '9999" in error
    assert len(error) < 300
    assert [command.name for command in bow.ran] == ["read_config"] * 2
    error = served.run("devices", "config", "bow-2", status=1)
    assert "there is no device bow-2 in this database. Did you mean bow-1?" in error


def test_a_device_without_settings_is_sent_no_command(command_line: CommandLine) -> None:
    async def register(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.nock', 1)")

    command_line.on_database(register)
    for words in ((), ("threshold=300",)):
        error = command_line.run("devices", "config", "bow-1", *words, status=1)
        assert "bow-1 has no settings inside it: all settings of a bow.nock are those of its service" in error
        assert "On its hub, change /etc/archstats/bow-1.env and run" in error
    assert "No command yet" in command_line.run("commands", "list")


def test_another_threshold_than_the_calibrated_one_is_named(served: CommandLine) -> None:
    async def calibrate(connection: Connection) -> None:
        await connection.execute(
            """
            with stored as (
                insert into calibrations (device_id, kind, version, parameters, points, who, at)
                values ('bow-1', 'bow', 1, '{"threshold": 100, "threshold_before": 50}', '[]', 'Ada', now()) returning id
            )
            insert into calibration_activations (device_id, kind, action, calibration_id, at, who, reason)
            select 'bow-1', 'bow', 'activate', id, now(), 'Ada', 'calibrated' from stored
            """
        )

    change = ("devices", "config", "bow-1", "threshold=200")
    assert "calibration" not in served.both(*change)[1], "the bow is not calibrated"
    served.on_database(calibrate)
    warning = served.both(*change, "--json")[1]
    assert "Warning: the active calibration bow-1@1 has the threshold 100, and bow-1 no longer has it." in warning
    (advice,) = re.findall(r"archstats-sensor ([^`]*)`", warning)
    shown, warning = served.both(*shlex.split(advice))
    assert ("threshold  100  (was 200)" in shown, warning) == (True, "")
    assert served.both("devices", "config", "bow-1", "gain=2")[1] == ""


def test_ctrl_c_cancels_the_command(served: CommandLine, bow: ScriptedBow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.operator.device_settings.READ", "wait")

    def interrupt() -> None:
        eventually_blocking(lambda: bow.ran != [])
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    out, err = served.both("devices", "config", "bow-1", status=130)
    thread.join()
    assert out == ""
    assert "Command 1 is cancelled; the device may have carried it out." in err
    assert bow.cancelled == 1
    (row,) = served.json("commands", "list")
    assert row["state"] == "cancelled"


def test_without_a_daemon_it_says_so_at_once(command_line: CommandLine) -> None:
    assert "No device yet" in command_line.run("devices", "list")
    assert "No command yet" in command_line.run("commands", "list")

    async def register(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.link', 1)")
        await connection.execute(
            "insert into commands (device_id, kind, who, expires_at) values ('bow-1', 'read_config', 'Robin', now())"
        )
        await connection.execute("insert into commands (device_id, kind, who) values ('bow-1', 'read_config', 'Robin')")

    command_line.on_database(register)
    error = command_line.run("devices", "config", "bow-1", status=1)
    assert "the daemon of bow-1 does not run, so it takes no command" in error
    assert "sudo systemctl start archstats-sensor@bow-1" in error
    assert [row["state"] for row in command_line.json("commands", "list")] == ["expired", "pending"]
    assert "cancelled" in command_line.run("commands", "cancel", "2")
    error = command_line.run("commands", "cancel", "1", status=1)
    assert "Command 1 had ended before: it is expired." in error
    assert "there is no command 9" in command_line.run("commands", "show", "9", status=1)
    assert command_line.run("devices", "list").splitlines() == [
        "DEVICE  KIND  DRIVER    LANE  STATE",
        "bow-1   bow   bow.link  1     unknown",
    ]
    (device,) = command_line.json("devices", "list", "--lane", "1")
    assert (device["id"], device["state"], device["is_served"]) == ("bow-1", "unknown", False)


def test_waiting_commands_of_a_device_are_bounded(served: CommandLine) -> None:
    async def fill(connection: Connection) -> None:
        await connection.execute(
            "insert into devices (id, kind, driver, lane) values ('bow-2', 'bow', 'bow.link', 2), ('bow-3', 'bow', 'bow.link', 3)"
        )
        await connection.execute(
            "insert into device_status (device_id, state, since, interval_s) values ('bow-2', 'ready', now(), 100), "
            "('bow-3', 'ready', now(), 100)"
        )
        await connection.execute(
            "insert into commands (device_id, kind, who) select 'bow-2', 'read_config', 'Robin' from generate_series(1, 16)"
        )

        with pytest.raises(CommandError, match="the values of configure are too long for one command to bow-3"):
            await request_command(connection, "bow-3", "configure", {"name": "x" * 4_000}, "Robin")

    served.on_database(fill)
    error = served.run("devices", "config", "bow-2", status=1)
    assert "bow-2 has 16 waiting commands already" in error
    assert "commands list --device bow-2" in error


def test_commands_of_the_commands_page_work(served: CommandLine) -> None:
    assert PREPARED["commands.md"].endswith("test_devices.py")
    shown = [shlex.split(command)[1:] for command in commands(ROOT / "docs" / "drivers" / "commands.md")]
    assert len(shown) == 6
    for words in shown:
        served.run(*words)
    assert "had ended before" in served.run("commands", "cancel", "1", status=1)


def test_a_daemon_that_dies_is_noticed_while_its_command_waits(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.operator.commands.LOOK_S", 0.05)

    async def serve(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.link', 1)")
        await connection.execute(
            "insert into device_status (device_id, state, since, interval_s) values ('bow-1', 'ready', now() - interval '1 h', 60)"
        )

    async def die(connection: Connection) -> None:
        async with asyncio.timeout(10):
            while not await connection.fetchval("select count(*) from commands"):
                await asyncio.sleep(0.01)
        await connection.execute("update device_status set updated_at = now() - interval '5 min'")

    command_line.on_database(serve)
    thread = threading.Thread(target=command_line.on_database, args=(die,))
    thread.start()
    error = command_line.run("devices", "config", "bow-1", status=1)
    thread.join()
    assert "the daemon of bow-1 does not run, so it takes no command" in error
    assert [row["state"] for row in command_line.json("commands", "list")] == ["cancelled"]
    (device,) = command_line.json("devices", "list")
    assert device["state"] == "silent"

    async def updated_at(connection: Connection) -> datetime:
        at: datetime = await connection.fetchval("select updated_at from device_status")
        return at

    assert device["since"] == iso(command_line.on_database(updated_at)), "since its last report"


def test_cancelling_needs_a_daemon_and_a_command_not_ended(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.operator.commands.CANCELS_WITHIN_S", 0.1)

    async def run_one_and_end_one(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.link', 1)")
        await connection.execute(
            "insert into commands (device_id, kind, who) select 'bow-1', 'read', 'Robin' from generate_series(1, 2)"
        )
        claimed = "claimed_by = gen_random_uuid(), claimed_at = now()"
        await connection.execute(f"update commands set state = 'running', {claimed} where id = 1")
        await connection.execute(f"update commands set state = 'done', {claimed}, finished_at = now() where id = 2")

    command_line.on_database(run_one_and_end_one)
    error = command_line.run("commands", "cancel", "1", status=1)
    assert "Command 1 still runs: its daemon does not answer." in error
    assert "else by itself 30 s after its deadline" in error
    assert "it is done" in command_line.run("commands", "cancel", "2", status=1)
    assert [row["cancel_requested"] for row in command_line.json("commands", "list")] == [True, False]

    async def let_pass(connection: Connection) -> None:
        await connection.execute(
            """
            update commands set claimed_at = now() - interval '61 s', phase = 'writes the tag', done = 2,
                result = '{"written": true}' where id = 1
            """
        )

    command_line.on_database(let_pass)
    shown = command_line.run("commands", "show", "1")
    assert "state      failed since" in shown
    assert "last step  writes the tag (2)" in shown
    assert "written    true" in shown, "the evidence of a command that never ended"
    assert "the daemon of bow-1 did not report the end of the command" in shown
    assert "Look at the daemon of bow-1 and its log" in shown


def test_progress_is_shown_on_standard_error(
    served: CommandLine, bow: ScriptedBow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.operator.device_settings.READ", "write")

    async def go_on(connection: Connection) -> None:
        async with asyncio.timeout(10):
            while not await connection.fetchval("select count(*) from commands where phase is not null"):
                await asyncio.sleep(0.01)
        await connection.execute("update commands set cancel_requested = true")

    thread = threading.Thread(target=served.on_database, args=(go_on,))
    thread.start()
    _, err = served.both("devices", "config", "bow-1", status=1)
    thread.join()
    assert "writes the tag (2 of 5)" in err  # while it runs, or as its last step when it is cancelled first
    assert "command 1 to bow-1 was cancelled" in err
    assert "does not answer" not in err
    assert bow.cancelled == 1
