"""``calibrate bow`` and the history of a bow's calibrations, with a technician at the keyboard and with files."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import pty
import re
import shlex
import signal
import sys
import threading
import tty
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.contract import ReadingKind
from edge.cli.calibrating import bow_cues
from edge.cli.calibrating.bow_cues import PlannedTrial
from edge.common.console import complain, iso
from edge.common.postgres.connection import Connection
from edge.sensor import writer
from tests.acceptance.test_docs import commands
from tests.edge.cli.command_line import CommandLine
from tests.edge.sensor.scripted_bow import daemon_thread
from tests.edge.sensor.sensing_bow import SensingBow, planned_trials
from tests.eventually import eventually_blocking
from tests.test_project import ROOT

PLAN = ("--trials", "4", "--from", "50", "--to", "112")  # the thresholds 50 and 112


class Archer:
    """Shoots the bow of a daemon that runs on another thread."""

    def __init__(self, bow: SensingBow, loop: asyncio.AbstractEventLoop, line: CommandLine) -> None:
        self.bow = bow
        self.line = line
        self._loop = loop
        self._shooting: list[concurrent.futures.Future[None]] = []

    def shoot(self, planned: list[PlannedTrial]) -> None:
        """Shoot at these instants, in the background."""
        self._shooting.append(asyncio.run_coroutine_threadsafe(self.bow.shoot_and_beat(planned), self._loop))

    def stop(self) -> None:
        """End the shooting."""
        for shooting in self._shooting:
            shooting.cancel()

    def act(self, kind: ReadingKind) -> None:
        """Nock or release now."""
        self._loop.call_soon_threadsafe(self.bow.act, kind)

    def run(self, *words: str, status: int = 0) -> str:
        return self.line.run("calibrate", "bow", "bow-1", *words, status=status)


@pytest.fixture
def archer(command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archer]:
    """An archer beside the daemon of a bow, which writes the bow's watermark sooner than one on a hub does."""
    monkeypatch.setattr(writer, "STATUS_PAUSE_S", 0.05)
    bow = SensingBow()
    with daemon_thread(command_line.settings, bow, tmp_path) as loop:

        async def wait(connection: Connection) -> None:
            async with asyncio.timeout(10):
                while not await connection.fetchval("select count(*) from device_status where state = 'ready'"):
                    await asyncio.sleep(0.01)

        command_line.on_database(wait)
        archer = Archer(bow, loop, command_line)
        yield archer
        archer.stop()


def write_points(path: Path, planned: list[PlannedTrial]) -> str:
    path.write_text(
        "".join(
            json.dumps({"engaged_at": iso(one.engaged_at), "released_at": iso(one.released_at)}) + "\n"
            for one in planned
        )
    )
    return str(path)


def test_a_file_calibrates_and_ctrl_c_keeps_the_trials(archer: Archer, tmp_path: Path) -> None:
    few = planned_trials(30)
    late = [PlannedTrial(few[-1].engaged_at + timedelta(hours=1), few[-1].released_at + timedelta(hours=1))]
    points = write_points(tmp_path / "points", [*few, *late])
    archer.shoot(few)

    def interrupt() -> None:
        eventually_blocking(lambda: archer.bow.settings["threshold"] == 112)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    out, err = archer.line.both("calibrate", "bow", "bow-1", *PLAN, "--points", points, status=130)
    thread.join()
    assert out.startswith("bow-1: 4 trials with the thresholds 50, 112")
    assert "bow-1 has its threshold of 100 again." in err
    assert "stopped. The trials taken are kept" in err
    assert archer.bow.settings["threshold"] == 100, "the earlier one is back"

    archer.stop()
    more = planned_trials(40)
    archer.shoot(more)
    shown = archer.run(*PLAN, "--points", write_points(tmp_path / "points", more))
    assert re.search(r"going on: trials taken already: [23] of 4, begun by .* on \d", shown)
    assert "threshold   112: 0 false, 0 missed edges; release +" in shown
    assert "bow-1@1 is active: threshold 112, was 100" in shown
    assert "50: 2 trials, 4 false edges, 0 missed" in shown
    assert archer.bow.settings["threshold"] == 112

    history = archer.line.run("calibration", "history", "bow-1")
    assert "bow-1@1" in history
    assert "threshold 112, 4 trials" in history
    assert "release after its cue: median" in archer.line.run("calibration", "show", "bow-1")
    archer.bow.settings["threshold"] = 90
    rolled_back = archer.line.run("calibration", "rollback", "bow-1")
    assert "no calibration is active from now on; its earlier threshold applies" in rolled_back
    assert archer.bow.settings["threshold"] == 100
    archer.line.run("calibration", "activate", "bow-1@1")
    assert archer.bow.settings["threshold"] == 112


def test_keys_of_a_terminal_are_the_cues(archer: Archer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bow_cues, "REACH", timedelta(seconds=0.1))
    keyboard, terminal = pty.openpty()
    tty.setraw(terminal)
    archer.shoot([])  # heartbeats

    def obey(text: str) -> None:
        """The technician obeys at once."""
        complain(text)
        for start, kind in (("Trial", ReadingKind.ENGAGE), ("Release", ReadingKind.RELEASE)):
            if text.startswith(start):
                os.write(keyboard, b"\n")
                archer.act(kind)

    monkeypatch.setattr(bow_cues, "complain", obey)
    with open(terminal, closefd=False) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        *trials, calibration = archer.line.json(
            "calibrate", "bow", "bow-1", "--trials", "4", "--from", "100", "--to", "120"
        )
    for descriptor in (keyboard, terminal):
        os.close(descriptor)
    assert [trial["type"] for trial in trials] == ["trial"] * 4
    assert {(trial["false_edges"], trial["missed_edges"]) for trial in trials} == {(0, 0)}
    assert (calibration["name"], calibration["kind"], calibration["is_active"]) == ("bow-1@1", "bow", True)
    assert calibration["parameters"]["threshold"] == archer.bow.settings["threshold"] == 110


def test_the_end_of_the_terminal_puts_the_threshold_back(archer: Archer, monkeypatch: pytest.MonkeyPatch) -> None:
    archer.shoot([])  # heartbeats

    def hang_up() -> None:
        eventually_blocking(lambda: archer.bow.settings["threshold"] == 50)
        os.kill(os.getpid(), signal.SIGHUP)

    def calibrate() -> str:
        thread = threading.Thread(target=hang_up)
        thread.start()
        _, err = archer.line.both("calibrate", "bow", "bow-1", *PLAN, "--every", "60", status=130)
        thread.join()
        return err

    assert "bow-1 has its threshold of 100 again." in calibrate()
    assert archer.bow.settings["threshold"] == 100

    async def interrupt(*_: object) -> None:
        raise KeyboardInterrupt  # Ctrl-C once more, while the bow is to get its threshold back

    monkeypatch.setattr("edge.operator.calibration.bow.set_threshold", interrupt)
    assert "bow-1 may still have the threshold of a trial" in calibrate()


def test_wrong_words_are_refused(archer: Archer, tmp_path: Path) -> None:
    assert "there is no terminal to press Enter on" in archer.run(status=2)
    assert "cannot be read" in archer.run("--points", str(tmp_path / "missing"), status=2)
    assert "either --points FILE or --every SECONDS" in archer.run("--points", "x", "--every", "3", status=2)
    assert "there is no device bow-9" in archer.line.run("calibrate", "bow", "bow-9", "--every", "3", status=1)
    assert archer.bow.settings["threshold"] == 100


def test_commands_of_the_calibration_page_are_these() -> None:
    """The tests above run these forms; beeps are tested in ``test_bow_cues.py``."""
    shown = [shlex.split(command)[1:] for command in commands(ROOT / "docs" / "calibration.md")]
    assert [words[2:] for words in shown if words[:2] == ["calibrate", "bow"]] == [
        ["bow-1"],
        ["bow-1", "--every", "4"],
        ["bow-1", "--points", "trials.jsonl", "--json"],
    ]
