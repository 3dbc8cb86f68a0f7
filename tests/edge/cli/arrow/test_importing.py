"""``arrow import``: all lines of a file, or none."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.edge.cli.arrow.test_records import labels
from tests.edge.cli.command_line import CommandLine


def test_a_second_import_of_a_file_does_nothing(command_line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "arrows.csv"
    known = uuid4()
    text = f"\ufefflabel;id;length;diameter;is_programmed\r\nA1;{known};72,5;5,5;true\r\nA2;;71;;\r\n\r\n"
    file.write_text(text, encoding="utf-8")
    assert "2 arrows are registered, 0 were registered already." in command_line.run("arrow", "import", str(file))
    assert "0 arrows are registered, 2 were registered already." in command_line.run("arrow", "import", str(file))
    first, second = command_line.json("arrow", "list")
    assert (first["id"], first["length"], first["state"], first["tag_tid"]) == (str(known), 72.5, "elsewhere", None)
    assert (second["length"], second["diameter"], second["state"]) == (71, None, "registered")


def test_every_wrong_line_is_reported_and_none_imported(command_line: CommandLine, tmp_path: Path) -> None:
    command_line.run("arrow", "register", "A1", "--length", "72")
    (present,) = command_line.json("arrow", "list")
    file = tmp_path / "arrows.csv"
    file.write_text(
        "label,id,length,is_programmed\n"
        f"A1,,71,\nB1,{present['id']},,\nB2,{uuid4()},720,\nB3,12,,\nB4,,,yes\nB5,,,\nB5,,,\nTOO LONG FOR IT,,,\nB6,,long,\nB7,,,,\n"
    )
    error = command_line.run("arrow", "import", str(file), status=2)
    assert "the file has wrong lines, so nothing was imported" in error
    for number, message in (
        (2, f"Arrow A1 ({str(present['id'])[:8]}) is registered with another length."), (3, "with another label."),
        (4, "The length is 720, and must be 10 to 200 cm."), (5, "The id is '12', which is no UUID."),
        (6, "is_programmed is true without an id"), (8, "The label B5 is on line 7 already."),
        (9, "has 15 characters"), (10, "The length is 'long', which is no number such as 72 or 72.5."), (11, "It has 5 values for 4 columns."),
    ):  # fmt: skip
        assert f"line {number}: " in error
        assert message in error
    assert labels(command_line) == ["A1"]
    assert "cannot be read" in command_line.run("arrow", "import", str(tmp_path / "none.csv"), status=1)


def test_an_import_notes_tags_of_a_supplier(command_line: CommandLine, tmp_path: Path) -> None:
    """The club registers, the supplier programs the UUIDs into tags, and the list comes back."""
    command_line.run("arrow", "register", "A1", "--count", "3")
    arrows = command_line.json("arrow", "list")
    command_line.run("arrow", "void", "A3", "--reason", "lost")
    file = tmp_path / "arrows.csv"
    rows = [f"{one['human_identifier']},{one['id']},true\n" for one in arrows]
    file.write_text("".join(["label,id,is_programmed\n", *rows]))
    error = command_line.run("arrow", "import", str(file), status=2)
    assert f"line 4: Arrow A3 ({str(arrows[2]['id'])[:8]}) is voided and not programmed." in error
    file.write_text("".join(["label,id,is_programmed\n", *rows[:2], rows[2].replace("true", "")]))
    shown = command_line.run("arrow", "import", str(file))
    assert "0 arrows are registered, 1 were registered already. 2 are noted as programmed elsewhere: A1, A2." in shown
    assert "Of these 1 are voided, and stay so: A3." in shown
    assert [one["state"] for one in command_line.json("arrow", "list")] == ["elsewhere", "elsewhere"]
    assert "0 arrows are registered, 3 were registered already." in command_line.run("arrow", "import", str(file))
