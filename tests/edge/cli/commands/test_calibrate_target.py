"""``calibrate target`` and ``calibration``, with a technician at the target."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli.calibrating.calibrate_target import EXIT_INTERRUPTED
from edge.common.frames import SensorMap
from edge.common.postgres.connection import Connection
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine, shoot_lane
from tests.edge.cli.commands.presser import Presser, mounted, points_csv, pressing
from tests.test_project import ROOT

TRUE = mounted(1.5, 1.002, 11.0, -7.0)
FACE = ("--face", "wa_40", "--at", "620,620")
CROSS = [("centre", 620, 620), ("top", 620, 820), ("right", 820, 620), ("bottom", 620, 420), ("left", 420, 620)]
STATUS = """
insert into device_status (device_id, state, since, interval_s) values ('target-1', $1, now(), 60)
on conflict (device_id) do update set state = excluded.state, updated_at = now()
"""


@pytest.fixture
def technician(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """The command line beside a target that is ready."""

    async def add_target(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver, lane) values ('target-1', 'target', 'x', 1)")
        await connection.execute(STATUS, "ready")

    command_line.on_database(add_target)
    with open(os.devnull) as nothing:  # noqa: PTH123 - as in a script
        monkeypatch.setattr(sys, "stdin", nothing)
        yield command_line


def calibrate(technician: CommandLine, *words: str, status: int = 0) -> str:
    return technician.run("calibrate", "target", "target-1", *words, status=status)


def taken(technician: CommandLine) -> int:
    async def count(connection: Connection) -> int:
        found: int = await connection.fetchval(
            "select coalesce(max(jsonb_array_length(taken)), 0) from calibration_runs where ended_at is null"
        )
        return found

    return technician.on_database(count)


def test_commands_of_the_calibration_page_work(
    technician: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PREPARED["calibration.md"].endswith("test_calibrate_target.py")
    monkeypatch.chdir(tmp_path)
    Path("places.csv").write_text(points_csv(TRUE, CROSS, sensed=False))
    shown = [shlex.split(command) for command in commands(ROOT / "docs" / "calibration.md")]
    assert len(shown) >= 8
    with pressing(Presser(technician.settings, TRUE)):
        for program, *words in shown:
            assert program == "archstats-sensor"
            if words[:2] not in (["calibrate", "bow"], ["calibrate", "arrow"]):  # their own tests run these
                technician.run(*words)


def test_points_pressed_one_by_one_calibrate(technician: CommandLine, tmp_path: Path) -> None:
    with pressing(Presser(technician.settings, TRUE)):
        shown = calibrate(technician, *FACE, "--yes", "--note", "spring", "--who", "Ada")
    assert "point 2 of 5, 12 o'clock: press the pin at the outer edge of the line of ring 1, at 12 o'clock" in shown
    assert "target-1@1 is active from now on" in shown
    report = tmp_path / "report.html"
    (stored,) = technician.json("calibration", "show", "target-1", "--report", str(report))
    assert (stored["version"], stored["is_active"], stored["is_accepted"], stored["who"]) == (1, True, True, "Ada")
    assert stored["parameters"]["scale"] == pytest.approx(1.002, abs=5e-4)
    assert stored["parameters"]["rotation_deg"] == pytest.approx(1.5, abs=0.05)
    assert len(stored["points"]) == 5
    assert all(point["reading"]["seq"] > 0 for point in stored["points"])
    page = report.read_text()
    assert page.count("<line ") == 5
    assert re.search(r"drawn \d+ times as long", page)
    assert not re.search(r"(src|href)=|url\((?!#)", page), "the report needs no other file"


def test_history_activates_and_rolls_back(technician: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    for x0 in (0.0, 5.0):
        file.write_text(points_csv(mounted(0, 1, x0), CROSS))
        calibrate(technician, "--points", str(file), "--yes")
    technician.run("calibration", "activate", "target-1@1", "--why", "the better one")
    assert "target-1@1 is active already" in technician.run("calibration", "activate", "target-1", status=1)
    rolled = [technician.json("calibration", "rollback", "target-1")[0]["version"] for _ in range(3)]
    assert rolled == [2, 1, None]
    assert "no calibration of target-1 is active" in technician.run("calibration", "rollback", "target-1", status=1)
    history = technician.run("calibration", "history", "target-1").splitlines()
    assert [line.split()[0] for line in history[:2]] == ["target-1@2", "target-1@1"]
    assert len(history) == 2 + 6
    assert "reason: the better one" in history[-3]


def test_a_point_that_stands_out_is_named_and_taken_again(technician: CommandLine) -> None:
    with pressing(Presser(technician.settings, TRUE, wrong={"3 o'clock": (0.0, 10.0)})):
        shown, complaint = technician.both("calibrate", "target", "target-1", *FACE, "--yes", status=1)
    assert re.search(r"point '3 o'clock' stands out: (9\.9|10\.\d) mm from where the other points put it", shown)
    assert "target-1 is not calibrated: sigma" in complaint
    assert """--redo "3 o'clock\"""" in complaint
    with pressing(Presser(technician.settings, TRUE)):
        shown = calibrate(technician, "--redo", "3 o'clock", "--yes")
    assert "going on: 4 points are taken already" in shown
    assert "target-1@1 is active" in shown


def test_a_target_that_reports_nothing_ends_the_wait(technician: CommandLine) -> None:
    complaint = calibrate(technician, *FACE, "--wait", "0.3", status=1)
    assert "target-1 reported no pin for point 'centre' within 0.3 s; 0 of 5 points are kept" in complaint
    assert "--arrows" in complaint

    async def stop(connection: Connection) -> None:
        await connection.execute(STATUS, "stopped")

    technician.on_database(stop)
    assert "the daemon of target-1 does not run" in calibrate(technician, status=1)


def test_a_target_without_a_probe_is_refused_at_once(technician: CommandLine, tmp_path: Path) -> None:
    async def set_driver(connection: Connection) -> None:
        await connection.execute("update devices set driver = 'target.freetarget'")

    technician.on_database(set_driver)
    shown, complaint = technician.both("calibrate", "target", "target-1", *FACE, "--wait", "30", status=1)
    assert shown == ""
    assert "target-1 has no calibration probe: a target.freetarget reports no pin. Add --arrows: arrows" in complaint
    assert "reported no landing for point 'centre'" in calibrate(
        technician, *FACE, "--arrows", "--wait", "0.1", status=1
    )
    file = tmp_path / "points.csv"
    file.write_text(points_csv(TRUE, CROSS))
    given = ("--points", str(file))
    again = ("--redo", "top", "--wait", "0.1")
    assert "Give the file again with --points, and add --arrows" in calibrate(technician, *given, *again, status=1)
    assert "no landing for point 'top'" in calibrate(technician, *given, "--arrows", *again, status=1)
    assert "target-1@1 is stored" in calibrate(technician, *given, "--restart")


def test_ctrl_c_keeps_the_points_and_the_command_goes_on(technician: CommandLine) -> None:
    interrupt = {2: lambda: os.kill(os.getpid(), signal.SIGINT)}
    with pressing(Presser(technician.settings, TRUE, after=interrupt)):
        complaint = calibrate(technician, *FACE, status=EXIT_INTERRUPTED)
    assert "The points taken are kept" in complaint
    before = taken(technician)
    assert before >= 2
    other = calibrate(technician, "--face", "wa_122", status=1)
    assert "a calibration of target-1 with other points is under way" in other
    with pressing(Presser(technician.settings, TRUE)):
        shown = calibrate(technician)
    assert f"going on: {before} points are taken already" in shown
    assert "target-1@1 is stored and not active" in shown
    calibrate(technician, "--face", "wa_122", "--wait", "0.1", status=1)
    replaced = technician.both("calibrate", "target", "target-1", "--face", "wa_60", "--wait", "0.1", status=1)[0]
    assert "on face wa_60" in replaced, "nothing was taken yet"


def test_a_reading_from_elsewhere_is_not_taken(technician: CommandLine) -> None:
    wrong = {"12 o'clock": (200.0, -200.0)}
    with pressing(Presser(technician.settings, TRUE, wrong=wrong)):
        shown, complaint = technician.both("calibrate", "target", "target-1", *FACE, "--wait", "1", status=1)
    assert re.search(r"not taken: sensed .* 28\d mm from the expected place", shown)
    assert "give --within" in complaint
    assert taken(technician) == 1
    calibrate(technician, "--face", "wa_60", "--restart", "--wait", "0.1", status=1)
    assert taken(technician) == 0


def test_a_face_that_is_not_wholly_on_the_butt_is_refused(technician: CommandLine) -> None:
    complaint = calibrate(technician, "--face", "wa_40_triple", "--at", "100,100", status=1)
    assert (
        "face wa_40_triple with its centre at 100, 100 mm does not lie wholly on the butt of 1240 by 1240" in complaint
    )
    assert "the centre has room from 100 to 1140 mm across, from " in complaint
    assert taken(technician) == 0
    edge = ("--face", "wa_40", "--at", "1040,200", "--wait", "0.1")
    assert "reported no pin" in calibrate(technician, *edge, status=1)
    technician.run("session", "open", "--lane", "1", "--butt-width", "900", "--butt-height", "900", "--face", "wa_60")
    assert "on the butt of 900 by 900 mm" in calibrate(technician, *edge, status=1)
    complaint = calibrate(technician, "--face", "wa_122", status=1)
    assert "Correct --face. Another butt is known once a session was opened" in complaint


def test_arrows_are_refused_while_a_session_would_take_them(technician: CommandLine) -> None:
    technician.run("session", "open", "--lane", "1")
    complaint = calibrate(technician, *FACE, "--arrows", status=1)
    assert "lane 1 has an open session" in complaint
    assert "session close --lane 1" in complaint
    pin = calibrate(technician, "--restart", *FACE, "--wait", "0.1", status=1)
    assert "reported no pin" in pin, "a pin is no shot"


def test_a_session_that_opens_meanwhile_ends_the_arrows(technician: CommandLine) -> None:
    async def insert(connection: Connection) -> None:
        await connection.execute(
            "insert into sessions (lane, start_time, is_indoor, location) values (1, now(), true, 'hall')"
        )

    def open_session() -> None:
        thread = threading.Thread(target=technician.on_database, args=(insert,))
        thread.start()
        thread.join()

    with pressing(Presser(technician.settings, TRUE, kind="landing", after={1: open_session})):
        complaint = calibrate(technician, *FACE, "--arrows", status=1)
    assert "lane 1 has an open session" in complaint
    assert 1 <= taken(technician) < 5


def test_arrows_calibrate_and_json_shows_each_step(technician: CommandLine) -> None:
    with pressing(Presser(technician.settings, TRUE, kind="landing")):
        lines = technician.json("calibrate", "target", "target-1", *FACE, "--arrows")
    kinds = [line["type"] for line in lines if line["type"] != "too_far"]
    assert kinds == ["asked", "taken"] * 5 + ["calibration"]
    assert (lines[-1]["name"], lines[-1]["is_active"], lines[-1]["outlier"], lines[-1]["limit_mm"]) == (
        "target-1@1", False, None, 0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("true", "message"),
    [
        (SensorMap(-1, 0, 0, 1, 1240, 0), "the sensor is mirrored: x counts to the left"),
        (mounted(0, 1.01), "the scale is 1.0100, more than 0.5% from 1"),
    ],
)
def test_points_that_give_no_calibration_are_explained(
    technician: CommandLine, tmp_path: Path, true: SensorMap, message: str
) -> None:
    file = tmp_path / "points.csv"
    file.write_text(points_csv(true, CROSS))
    assert message in calibrate(technician, "--points", str(file), status=1)
    assert technician.json("calibration", "history") == []


def test_a_calibration_above_the_limit_needs_force(technician: CommandLine, tmp_path: Path) -> None:
    places = [(name, x + 2.0 * (number % 2), y) for number, (name, x, y) in enumerate(CROSS)]
    sensed = [(name, x, y) for name, x, y in CROSS]
    file = tmp_path / "points.csv"
    file.write_text(
        "name,x_mm,y_mm,sensed_x_mm,sensed_y_mm\n"
        + "".join(f"{n},{x},{y},{u},{v}\n" for (n, x, y), (_, u, v) in zip(places, sensed, strict=True))
    )
    assert "is above the limit of 0.5 mm" in calibrate(technician, "--points", str(file), "--yes", status=1)
    assert "target-1@1 is stored and not active" in calibrate(technician, "--force", "--yes")
    assert "is not accepted" in technician.run("calibration", "activate", "target-1", status=1)
    technician.run("calibration", "activate", "target-1", "--force")


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 10.0), (10.0, 0.0)])
def test_a_wrong_point_of_a_file_is_taken_again_as_advised(
    technician: CommandLine, tmp_path: Path, dx: float, dy: float
) -> None:
    right = points_csv(TRUE, CROSS).splitlines()
    wrong = points_csv(TRUE, [(name, x + dx, y + dy) for name, x, y in CROSS]).splitlines()
    at = 1 + [name for name, *_ in CROSS].index("right")
    sensed = ",".join(wrong[at].split(",")[3:])
    file = tmp_path / "points.csv"
    file.write_text("\n".join([*right[:at], f"right,820,620,{sensed}", *right[at + 1 :]]))
    complaint = calibrate(technician, "--points", str(file), status=1)
    assert "point 'right' stands out" in complaint
    assert "Or correct it in the file, and give that again with --points" in complaint
    (advice,) = re.findall(r"archstats-sensor (calibrate [^`]*--redo [^`]*)`", complaint)
    assert "reported no pin for point 'right'" in technician.run(*shlex.split(advice), "--wait", "0.1", status=1)
    with pressing(Presser(technician.settings, TRUE)):
        assert "target-1@1 is stored" in technician.run(*shlex.split(advice.partition(" --redo")[0]))
    file.write_text("\n".join(right))
    assert "target-1@2 is stored" in calibrate(technician, "--points", str(file))


@pytest.fixture
def typed(technician: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:  # noqa: ARG001 - whose input it is
    """A terminal as standard input; what is written to it is typed."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    with open(slave, closefd=True) as terminal:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdin", terminal)
        yield master
    os.close(master)


def test_an_operator_skips_takes_again_and_activates(technician: CommandLine, typed: int) -> None:
    """Skips the first point by a key, takes the one that stands out again, and answers the question."""
    os.write(typed, b"s\n")
    presser = Presser(technician.settings, TRUE, wrong={"9 o'clock": (8.0, 0.0)})

    presser.left_out = ("centre",)

    def answer() -> None:
        presser.wrong.clear()
        os.write(typed, b"y\n")

    def activate() -> None:
        os.write(typed, b"y\n")

    presser.after[5], presser.at_end = answer, activate
    with pressing(presser):
        shown = calibrate(technician, *FACE)
    assert "Keys, each with Enter" in shown
    assert "left out: centre" in shown
    assert re.search(
        r"not accepted: point '9 o'clock' stands out: [78]\.\d mm .*, and with it the scale would be 1.01", shown
    )
    assert "y for '9 o'clock', or press Enter to stop" in shown
    assert shown.count("  taken: sensed") == 5
    assert "target-1@1 is active from now on" in shown


@pytest.mark.parametrize("end", [b"q\n", b"\x04"])
def test_q_and_the_end_of_the_input_keep_the_points(technician: CommandLine, typed: int, end: bytes) -> None:
    presser = Presser(technician.settings, TRUE, after={2: lambda: os.write(typed, end)})
    presser.left_out = ("9 o'clock",)
    with pressing(presser):
        shown, asked = technician.both("calibrate", "target", "target-1", *FACE, "--json")
    assert all(json.loads(line)["type"] in ("asked", "taken", "too_far") for line in shown.splitlines())
    assert re.search(r"stopped: \d of 5 points are kept", asked), "programs read the standard output"
    assert taken(technician) >= 2


@pytest.mark.usefixtures("typed")
def test_ctrl_c_at_the_last_question_names_what_is_stored(technician: CommandLine) -> None:
    presser = Presser(technician.settings, TRUE)
    presser.at_end = lambda: os.kill(os.getpid(), signal.SIGINT)
    with pressing(presser):
        complaint = calibrate(technician, *FACE, status=EXIT_INTERRUPTED)
    assert "stopped. target-1@1 is stored and not active" in complaint


def test_why_shows_both_places_of_a_landing(command_line: CommandLine) -> None:
    async def shoot_calibrated(connection: Connection) -> None:
        lane = await shoot_lane(connection)
        await connection.execute(
            """
            with stored as (
                insert into calibrations (device_id, kind, version, model, parameters, points, sigma_mm, centre_error_mm, who, at)
                values ($1, 'target', 1, 'similarity', $2, '[]', 0.25, 0.1, 'Ada', $3) returning id
            )
            insert into calibration_activations (device_id, kind, action, calibration_id, at, who, reason)
            select $1, 'target', 'activate', id, $3, 'Ada', 'spring' from stored
            """,
            lane.target, '{"xx": 1, "xy": 0, "yx": 0, "yy": 1, "x0_mm": 2, "y0_mm": -3}', lane.start,
        )  # fmt: skip

    command_line.on_database(shoot_calibrated)
    command_line.run("shots", "rebuild", "--session", "last")
    hit = command_line.json("shots", "list")[0]
    (why,) = command_line.json("why", hit["id"])
    assert why["calibration"] == "target-1@1"
    placing = why["explanation"]["placing"]
    assert (placing["sensed"], placing["on_butt"]) == ({"x": 640.0, "y": 640.0}, {"x": 642.0, "y": 637.0})
    shown = command_line.run("why", hit["id"])
    assert "sensed 640.00 640.00 mm, on the butt 642.00 637.00 mm, by calibration target-1@1; sigma 0.25 mm" in shown
    assert "0.5 mm is too near" in shown
