"""A session is opened on the butt that its target is calibrated on, and a calibration of another driver does not apply."""

from __future__ import annotations

from pathlib import Path

from edge.common.frames import SensorMap
from edge.common.postgres.connection import Connection
from tests.edge.cli.command_line import CommandLine
from tests.edge.cli.commands.presser import points_csv

PERFECT = SensorMap(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
CROSS = [("centre", 640, 640), ("top", 640, 1240), ("right", 1240, 640), ("bottom", 640, 40), ("left", 40, 640)]


def calibrated(command_line: CommandLine, folder: Path) -> None:
    """Calibrate target-1 below a face of 122 cm, whose butt has sides of 1280 mm by default; others have 1240."""

    async def add_target(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver, lane) values ('target-1', 'target', 'x', 1)")

    async def end_session(connection: Connection) -> None:
        await connection.execute("update sessions set is_opened = false, closing_time = now(), end_time = now()")

    command_line.on_database(add_target)
    command_line.run("session", "open", "--face", "wa_122", "--distance", "70")
    command_line.on_database(end_session)
    file = folder / "points.csv"
    file.write_text(points_csv(PERFECT, CROSS))
    command_line.run("calibrate", "target", "target-1", "--face", "wa_122", "--points", str(file), "--yes")


def test_another_face_hangs_on_the_calibrated_butt(command_line: CommandLine, tmp_path: Path) -> None:
    calibrated(command_line, tmp_path)
    complaint = command_line.run("session", "open", "--face", "wa_60", "--butt-height", "1240", status=1)
    assert "target-1@1 was taken on a butt with a height of 1280 mm, and not 1240 mm" in complaint
    assert "calibration rollback target-1" in complaint
    (opened,) = command_line.json("session", "open", "--face", "wa_60", "--butt-width", "1280")
    assert [(face["x_mm"], face["y_mm"]) for face in opened["faces"]] == [(640.0, 640.0)]


def test_a_calibration_of_another_driver_is_named(command_line: CommandLine, tmp_path: Path) -> None:
    calibrated(command_line, tmp_path)

    async def change_driver(connection: Connection) -> None:
        await connection.execute("update devices set driver = 'y', sensor_origin = 'centre'")

    assert "active" in command_line.run("calibration", "history", "target-1").splitlines()[0]
    command_line.on_database(change_driver)
    assert "not applied: another driver" in command_line.run("calibration", "history", "target-1").splitlines()[0]
    opened, complaint = command_line.both("session", "open", "--face", "wa_60", "--butt-width", "1240")
    assert "is open" in opened
    assert "target-1@1 is not applied: the present driver of target-1 counts positions from another point" in complaint
