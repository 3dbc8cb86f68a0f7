"""``arrow register``, ``list``, ``change``, ``void`` and ``restore``: no scanner is needed."""

from __future__ import annotations

from uuid import UUID

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.cli.command_line import CommandLine, shoot_lane


def labels(line: CommandLine, *words: str) -> list[str]:
    return [str(one["human_identifier"]) for one in line.json("arrow", "list", *words)]


def test_several_arrows_are_registered_alike(command_line: CommandLine) -> None:
    assert "No arrow yet" in command_line.run("arrow", "list")
    shown = command_line.run(
        "arrow", "register", "A09", "--count", "3", "--length", "72", "--diameter", "5.5", "--who", "Robin"
    )
    assert [line.partition(": UUID ")[0] for line in shown.splitlines()] == [
        f"Arrow {label} is registered" for label in ("A09", "A10", "A11")
    ]
    arrows = command_line.json("arrow", "list")
    assert len({UUID(str(one["id"])) for one in arrows}) == 3
    assert {UUID(str(one["id"])).version for one in arrows} == {4}
    for one in arrows:
        values = (
            one["length"],
            one["diameter"],
            one["weight"],
            one["spine"],
            one["label_position"],
            one["registered_by"],
        )
        assert values == (72, 5.5, None, None, None, "Robin")
    table = command_line.run("arrow", "list").splitlines()
    assert table[0].split() == ["LABEL", "UUID", "STATE", "SHOTS", "SIZES"]
    assert table[1].split(maxsplit=4) == ["A09", str(arrows[0]["id"])[:8], "registered", "0", "72 cm, 5.5 mm"]
    details = command_line.run("arrow", "list", "A09")
    assert f"arrow A09: {arrows[0]['id']}" in details
    assert "  sizes       72 cm, diameter 5.5 mm" in details
    assert command_line.json("arrow", "list", "A09") == arrows[:1]


def test_the_table_of_arrows_fits_a_terminal(command_line: CommandLine) -> None:
    sizes = (
        "--length",
        "72.5",
        "--weight",
        "22.55",
        "--diameter",
        "5.55",
        "--spine",
        "500",
        "--label-position",
        "10.5",
    )
    command_line.run("arrow", "register", "LONGLABELS", *sizes)
    command_line.run("arrow", "register", "A1", *sizes)
    command_line.run("arrow", "void", "A1", "--reason", "r" * 300, "--who", "w" * 60)
    header, first, voided = command_line.run("arrow", "list", "--all").splitlines()
    assert [len(line) <= 80 for line in (header, first, voided)] == [True] * 3
    assert "  72.5 cm, 22.55 g, 5.55 mm, spine" in first
    assert voided.endswith("...")
    assert "r" * 300 in command_line.run("arrow", "list", "A1")


def test_a_taken_label_registers_none(command_line: CommandLine) -> None:
    command_line.run("arrow", "register", "A3")
    error = command_line.run("arrow", "register", "A1", "--count", "4", status=1)
    assert "the label A3 is on another arrow already" in error
    assert "nothing was registered" in error
    command_line.run("arrow", "register", "A4")
    error = command_line.run("arrow", "register", "A", "--count", "5", status=1)
    assert "the labels A3, A4 are on other arrows already" in error
    assert labels(command_line) == ["A3", "A4"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ABCDEFGHIJK"], "has 11 characters, and may have 10"),
        (["ABCDEFGHI", "--count", "10"], "has 11 characters"),
        ([" A1"], "no blank at either end"),
        (["A\x1b1"], "has a character that does not print"),
        (["A1", "--length", "720"], "'--length': Input should be less than or equal to 200"),
        (["A1", "--length", "nan"], "'--length': Input should be less than or equal to 200"),
        (["A1", "--length", "70", "--label-position", "80"], "The label position 80 cm is beyond the length 70 cm"),
    ],
)
def test_impossible_values_are_refused(command_line: CommandLine, words: list[str], message: str) -> None:
    assert message in command_line.run("arrow", "register", *words, status=2)
    assert labels(command_line) == []


def test_mistyped_values_are_corrected(command_line: CommandLine) -> None:
    command_line.run("arrow", "register", "A1", "--weight", "22", "--spine", "500", "--length", "72")
    (before,) = command_line.json("arrow", "list")
    shown = command_line.run("arrow", "change", "A1", "--label", "B1", "--diameter", "5.5", "--clear", "weight")
    assert "Arrow B1, which was A1: 72 cm, diameter 5.5 mm, spine 500 (was 72 cm, 22 g, spine 500)." in shown
    (after,) = command_line.json("arrow", "list")
    assert after == {**before, "human_identifier": "B1", "diameter": 5.5, "weight": None}
    command_line.run("arrow", "register", "A1")
    assert "the label A1 is on another arrow" in command_line.run("arrow", "change", "B1", "--label", "A1", status=1)
    assert "there is nothing to change" in command_line.run("arrow", "change", "B1", status=2)
    assert "both given and cleared" in command_line.run(
        "arrow", "change", "B1", "--weight", "20", "--clear", "weight", status=2
    )
    assert "beyond the length 72 cm" in command_line.run("arrow", "change", "B1", "--label-position", "90", status=2)


def test_a_voided_arrow_keeps_its_shots_and_frees_its_label(command_line: CommandLine) -> None:
    async def shoot(connection: Connection) -> None:
        await shoot_lane(connection)

    command_line.on_database(shoot)
    command_line.run("shots", "rebuild", "--session", "last")
    (before,) = command_line.json("arrow", "list")
    assert before["shots"] == 1
    shown = command_line.run("arrow", "void", "A1", "--reason", "the nock is broken", "--who", "Marian")
    assert f"Arrow A1 ({str(before['id'])[:8]}) is voided. Its shots stay its own (1), and its label is free." in shown
    assert labels(command_line) == []
    error = command_line.run("arrow", "void", "A1", "--reason", "again", status=1)
    assert "arrow A1 was voided already, on " in error
    assert "by Marian, reason: the nock is broken" in error
    command_line.run("arrow", "register", "A1")
    assert labels(command_line, "--all") == ["A1", "A1"]
    assert "by Marian: the nock is broken" in command_line.run("arrow", "list", "--all")
    assert [shot["human_identifier"] for shot in command_line.json("shots", "list")] == ["A1", None]
    error = command_line.run("arrow", "restore", "A1", status=1)
    assert "the label A1 is on another arrow already" in error
    assert "this arrow stays voided" in error
    assert "Give this arrow another label first: " in error
    assert f"arrow change {str(before['id'])[:8]} --label NEW" in error
    command_line.run("arrow", "change", "A1", "--label", "A2")
    assert "is active again" in command_line.run("arrow", "restore", "A1")
    assert "arrow A2 is active" in command_line.run("arrow", "restore", "A2", status=1)
    restored = next(one for one in command_line.json("arrow", "list") if one["id"] == before["id"])
    assert restored == before


def test_an_arrow_is_found_by_the_beginning_of_its_uuid(command_line: CommandLine) -> None:
    (arrow,) = command_line.json("arrow", "register", "A1")
    identity = str(arrow["id"])
    for reference in (identity[:4], identity, identity.replace("-", "").upper()):
        command_line.run("arrow", "change", reference, "--spine", "500")
    error = command_line.run("arrow", "void", "A11", "--reason", "x", status=1)
    assert "there is no arrow 'A11'. Did you mean A1? See" in error
    for _ in range(2):
        command_line.run("arrow", "register", "C1")
        command_line.run("arrow", "void", "C1", "--reason", "lost")
    error = command_line.run("arrow", "change", "C1", "--spine", "500", status=1)
    assert "more than one arrow is meant by 'C1'" in error
