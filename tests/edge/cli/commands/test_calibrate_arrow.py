"""``calibrate arrow`` and the history of a scanner's calibrations, beside the daemon of a scripted scanner."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli.calibrating import calibrate_arrow
from edge.common.console import complain
from edge.common.postgres.connection import Connection
from tests.acceptance.test_docs import commands
from tests.edge.cli.command_line import CommandLine
from tests.edge.sensor.scripted_bow import daemon_thread
from tests.edge.sensor.scripted_scanner import FAR, PAD, SCANNER, ScriptedScanner
from tests.eventually import eventually_blocking
from tests.test_project import ROOT

CALIBRATE = ("calibrate", "arrow", "arrow-1", "--from", "5", "--to", "16", "--rounds", "10")


@pytest.fixture
def scanner(command_line: CommandLine, tmp_path: Path) -> Iterator[ScriptedScanner]:
    """A scanner with its daemon: 6 to 15 dBm, the tag on the pad answers from 8 dBm on, the other one from 12 dBm on."""
    scanner = ScriptedScanner()
    with daemon_thread(command_line.settings, scanner, tmp_path, SCANNER):
        yield scanner


def calibrations(line: CommandLine) -> int:
    found: list[int] = []

    async def count(connection: Connection) -> None:
        found.append(await connection.fetchval("select count(*) from calibrations"))

    line.on_database(count)
    return found[0]


def test_the_highest_power_without_others_is_set(command_line: CommandLine, scanner: ScriptedScanner) -> None:
    out, err = command_line.both(*CALIBRATE, "--yes", "--note", "on the bench")
    assert "arrow-1: 10 rounds at each power from 5 to 16 dBm; its power is 15 dBm" in out
    assert "arrow-1 does not have 5 dBm: it has no 5 dBm." in err
    assert f"Tag {PAD} answers first: it is taken for the one on the pad." in err
    assert "   8 dBm: tag on the pad in 5 of 10 rounds; others: none" in out
    assert f"  12 dBm: tag on the pad in 10 of 10 rounds; others: {FAR} in 5" in out
    assert "arrow-1@1 is active: power 11 dBm" in out
    assert "arrow-1 does not have 16 dBm" in err
    assert scanner.settings["power_dbm"] == 11.0

    history = command_line.run("calibration", "history", "arrow-1")
    assert "power 11 dBm, 10 powers measured  note: on the bench" in history
    shown = command_line.run("calibration", "show", "arrow-1")
    assert "power 11 dBm, was 15 dBm" in shown
    assert f"tag on the pad {PAD}, read in 10 of 10 rounds; another tag from 12 dBm on" in shown
    assert f"  12 dBm: tag on the pad in 10 of 10 rounds; others: {FAR} in 5" in shown
    assert "arrow scanner, which has no picture" in command_line.run(
        "calibration", "show", "arrow-1", "--report", "page.html", status=1
    )

    scanner.tags = {PAD: 8}
    alone, err = command_line.both(*CALIBRATE, "--tag", PAD.upper(), "--json", "--without-other-tag")
    *levels, stored = map(json.loads, alone.splitlines())
    assert [level["type"] for level in levels] == ["level"] * 10
    assert stored["parameters"]["settings"] == {"power_dbm": 15.0}
    assert stored["parameters"]["settings_before"] == {"power_dbm": 11.0}
    assert "No other tag was read at any power" in err
    assert scanner.settings["power_dbm"] == 15.0
    rolled_back = command_line.run("calibration", "rollback", "arrow-1")
    assert "calibration 1 is active from now on; no shot changes" in rolled_back
    assert scanner.settings["power_dbm"] == 11.0
    warning = command_line.both("devices", "config", "arrow-1", "power_dbm=9")[1]
    assert "the active calibration arrow-1@1 has the power_dbm 11.0" in warning
    assert "gets that again when its daemon opens it" in warning
    assert "its earlier power applies" in command_line.run("calibration", "rollback", "arrow-1")
    assert scanner.settings["power_dbm"] == 15.0
    command_line.run("calibration", "activate", "arrow-1@1")
    assert scanner.settings["power_dbm"] == 11.0


@pytest.mark.parametrize(
    ("tags", "words", "message", "remedy"),
    [
        ({PAD: 15}, (), "the tag on the pad was read in at most 5 of 10 rounds, at 15 dBm", "Move it closer"),
        ({PAD: 8, FAR: 9}, (), "another tag was read from 9 dBm on", "Put all other tags farther away"),
        ({}, (), "no tag answered up to 15 dBm", "Lay the arrow's tag on the pad"),
        ({PAD: 8, FAR: 8}, (), "2 tags answered at 8 dBm", "--tag EPC"),
        ({PAD: 8}, (), "no other tag answered up to 15 dBm", "--without-other-tag"),
        ({PAD: 8, FAR: 8}, ("--tag", "beef"), f"tag beef never answered; these did: {FAR}, {PAD}", "Correct --tag"),
        ({PAD: 8}, ("--from", "1", "--to", "4"), "takes no power from 1 to 4 dBm", "--from and --to"),
        ({PAD: 8}, ("--from", "9", "--to", "7"), "above the highest 7 dBm", "Correct --from or --to"),
        ({PAD: 8}, ("--tag", "xyz"), "in hexadecimal", ""),
    ],
)
def test_a_refusal_leaves_the_earlier_power(
    command_line: CommandLine,
    scanner: ScriptedScanner,
    tags: dict[str, int],
    words: tuple[str, ...],
    message: str,
    remedy: str,
) -> None:
    scanner.tags = tags
    status = 2 if "xyz" in words else 1 if "9" not in words else 2
    err = command_line.both(*CALIBRATE, "--yes", *words, status=status)[1]
    assert message in " ".join(err.split())
    assert remedy in err
    assert scanner.settings["power_dbm"] == 15.0
    assert calibrations(command_line) == 0


def test_ctrl_c_restores_the_power_and_stores_nothing(command_line: CommandLine, scanner: ScriptedScanner) -> None:
    scanner.waits_at = 10

    def interrupt() -> None:
        eventually_blocking(lambda: scanner.settings["power_dbm"] == 10.0)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    err = command_line.both(*CALIBRATE, "--yes", status=130)[1]
    thread.join()
    assert "arrow-1 has its power of 15 dBm again." in err
    assert "stopped. Nothing was stored." in err
    assert scanner.settings["power_dbm"] == 15.0
    assert calibrations(command_line) == 0


def test_an_open_session_and_a_missing_terminal_refuse(command_line: CommandLine, scanner: ScriptedScanner) -> None:
    assert "there is no terminal to ask at" in command_line.both(*CALIBRATE, status=2)[1]

    async def open_session(connection: Connection) -> None:
        await connection.execute(
            "insert into sessions (lane, start_time, is_indoor, location) values (1, now(), true, 'hall')"
        )

    command_line.on_database(open_session)
    err = command_line.both(*CALIBRATE, "--yes", status=1)[1]
    assert "lane 1 has an open session, which would take the tags that are read for the arrows" in err
    assert scanner.ran == []


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)])
def test_the_technician_confirms_the_tag(
    command_line: CommandLine, scanner: ScriptedScanner, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    [documented] = [
        shlex.split(command)[1:]
        for command in commands(ROOT / "docs" / "calibration.md")
        if " calibrate arrow " in command
    ]
    keyboard, terminal = pty.openpty()
    tty.setraw(terminal)

    def obey(text: str) -> None:
        """The technician obeys at once."""
        complain(text)
        if "Press Enter" in text:
            os.write(keyboard, b"\n")
        elif "y or n" in text:
            os.write(keyboard, f"{answer}\n".encode())

    monkeypatch.setattr(calibrate_arrow, "complain", obey)
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        out, err = command_line.both(*documented, status=status)
    os.close(keyboard)
    assert f"Tag {PAD} answers first. Is it the one on the pad?" in err
    assert ("arrow-1@1 is active: power 11 dBm" in out) == (status == 0)
    assert (f"tag {PAD} answered first and is not the one on the pad" in err) == (status == 1)
    assert scanner.settings["power_dbm"] == (11.0 if status == 0 else 15.0)


def test_without_a_daemon_the_command_says_so(command_line: CommandLine) -> None:
    async def register(connection: Connection) -> None:
        await connection.execute(
            "insert into devices (id, kind, driver, lane) values ('arrow-1', 'arrow', 'arrow.scripted', 1)"
        )

    command_line.on_database(register)
    err = command_line.both(*CALIBRATE, "--yes", status=1)[1]
    assert "the daemon of arrow-1 does not run, so it takes no command" in err
