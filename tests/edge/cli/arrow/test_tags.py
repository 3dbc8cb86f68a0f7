"""``arrow program`` and ``arrow verify`` beside the daemon of a scanner."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
import threading
import tty
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.cli.arrow.scripted_pad import BLANK, PadTag, ScriptedPad
from tests.edge.cli.command_line import CommandLine
from tests.edge.operator.arrows import command_rows
from tests.eventually import eventually_blocking

SECOND = PadTag(tid="e28011700000020f87654321")


@pytest.fixture
def line(command_line: CommandLine, pad: ScriptedPad) -> CommandLine:
    """The command line beside the scanner, with the arrows A07 and A08."""
    del pad
    command_line.run("arrow", "register", "A07", "--count", "2", "--who", "Robin")
    return command_line


def arrow(line: CommandLine, label: str = "A07") -> dict[str, object]:
    return next(one for one in line.json("arrow", "list", "--all") if one["human_identifier"] == label)


def hex_of(line: CommandLine, label: str = "A07") -> str:
    return str(arrow(line, label)["id"]).replace("-", "")


def test_an_arrow_is_programmed_and_verified(line: CommandLine, pad: ScriptedPad) -> None:
    out, err = line.both("arrow", "program", "A07", "--who", "Robin")
    (tag,) = pad.on_pad
    epc = hex_of(line)
    assert (tag.memory, tag.is_locked) == (epc, False)
    assert out == f"Arrow A07 is programmed: tag {tag.tid.upper()}, EPC {epc.upper()}, written, and read back twice.\n"
    assert "Put arrow A07 on arrow-1, and no other tag near it." in err
    steps = [one for one in err.splitlines() if one.startswith("arrow-1: ")]
    # Steps that last for an instant only may be left out, all of them on a busy machine.
    assert not any(one == after for one, after in pairwise(steps)), "once, whatever its evidence"
    facts = arrow(line)
    assert (facts["state"], facts["tag_tid"], facts["is_locked"]) == ("programmed", tag.tid, False)
    assert facts["programmed_at"] is not None
    assert f"It is arrow A07: tag {tag.tid.upper()} holds its UUID." in line.run("arrow", "verify")
    assert line.json("arrow", "verify", "A07")[0]["finding"] == "matches"
    error = line.run("arrow", "verify", "A08", status=1)
    assert "It is arrow A07" in error
    assert "It is not arrow A08." in error
    (facts,) = line.json("arrow", "program", "A07")
    assert (facts["was_written"], facts["epc"], facts["device_id"]) == (False, epc, "arrow-1")


def test_a_torn_write_is_finished_by_the_same_command(line: CommandLine, pad: ScriptedPad) -> None:
    pad.tears_after = 3
    error = line.run("arrow", "program", "A07", status=1)
    assert "arrow A07 is not programmed: The tag left the field after the write began" in error
    assert "Keep the tag for this arrow: put it on the scanner and run " in error
    assert arrow(line)["state"] == "unfinished"
    found = line.run("arrow", "verify", status=1)
    assert "holds 3 of 8 words of arrow A07: a write may have begun and is not finished. Finish it:" in found
    pad.on_pad, torn = [replace(SECOND)], pad.on_pad
    error = line.run("arrow", "program", "A07", status=1)
    assert "the UUID of arrow A07 is, or may be, in tag e28011700000020f12345678" in error
    assert pad.on_pad == [SECOND]
    pad.on_pad = torn
    error = line.run("arrow", "program", "A08", status=1)
    assert re.search(r"a write of arrow A07 \([0-9a-f]{8}\) into the tag on the scanner may have begun", error)
    assert "Arrow A07 is programmed" in line.run("arrow", "program", "A07")
    assert torn[0].memory == hex_of(line)


def test_tags_that_are_no_blank_ones_are_refused_unchanged(line: CommandLine, pad: ScriptedPad) -> None:
    line.run("arrow", "program", "A07")
    (first,) = pad.on_pad
    messages = []
    foreign = PadTag("e28011700000020f00000009", uuid4().hex, "4000")
    copied = PadTag("e28011700000020f0000000a", first.memory, "4000")
    for tag, label in ((first, "A08"), (foreign, "A08"), (copied, "A07"), (replace(SECOND), "A07")):
        pad.on_pad, before = [tag], replace(tag)
        messages.append(line.run("arrow", "program", label, status=1))
        assert tag == before
    line.run("arrow", "void", "A07", "--reason", "the shaft is cracked")
    pad.on_pad = [first]
    messages.append(line.run("arrow", "program", "A08", status=1))
    assert "the tag on the scanner is that of arrow A07 (" in messages[0]
    assert "a UUID that is not registered here" in messages[1]
    assert all("the UUID of arrow A07 is in tag e28011700000020f12345678" in text for text in messages[2:4])
    assert "which was voided" in messages[4]
    assert [command.name for command in pad.ran].count("program_arrow") == 1
    assert arrow(line, "A08")["state"] == "registered"
    assert "A07, which was voided" in line.run("arrow", "verify", status=1)
    error = line.run("arrow", "program", "A07", status=1)
    assert "arrow A07 was voided on" in error


def test_a_uuid_of_elsewhere_gets_no_second_tag(line: CommandLine, pad: ScriptedPad, tmp_path: Path) -> None:
    file, known, unknown = tmp_path / "arrows.csv", uuid4(), uuid4()
    file.write_text(f"label,id,is_programmed\nC1,{known},true\nC2,{unknown},\n")
    line.run("arrow", "import", str(file))
    for label, identity, text in (
        ("C1", known, "arrow C1 was programmed elsewhere: its UUID is in a tag that is not known"),
        ("C2", unknown, "arrow C2 may have a tag: its UUID may be in a tag that is not known"),
    ):
        pad.on_pad = [PadTag()]
        error = line.run("arrow", "program", label, status=1)
        assert text in error
        assert "Put the arrow with its own tag on the scanner." in error
        assert pad.on_pad == [PadTag()]
        assert arrow(line, label)["state"] == ("elsewhere" if label == "C1" else "unknown")
        pad.on_pad = [PadTag(f"e28011700000020f0000000{label.lower()[1]}", identity.hex, "4000")]
        assert "it was there already, and was read back twice" in line.run("arrow", "program", label)
        assert (arrow(line, label)["state"], arrow(line, label)["is_tag_unknown"]) == ("programmed", False)


def test_none_or_several_tags_write_nothing(line: CommandLine, pad: ScriptedPad) -> None:
    pad.on_pad = []
    error = line.run("arrow", "program", "A07", status=1)
    assert "arrow-1 found no tag to go on with: The scanner reads no tag. Try again. Nothing was written." in error
    assert "Nothing was written." in error
    pad.on_pad = [PadTag(), replace(SECOND)]
    error = line.run("arrow", "program", "A07", status=1)
    assert f"several tags: {BLANK}, {BLANK}" in error
    assert arrow(line)["state"] == "registered"


def test_an_arrow_is_free_when_its_command_ended(line: CommandLine, pad: ScriptedPad) -> None:
    """Whichever command looks at the arrows notices the end: no daemon, and no list of commands."""

    async def request(connection: Connection) -> None:
        await connection.execute(
            "insert into devices (id, kind, driver) values ('bow-1', 'bow', 'bow.link') on conflict do nothing"
        )
        identity = await connection.fetchval("select id from arrows where human_identifier = 'A07'")
        await command_rows.request(connection, identity, SECOND.tid, device_id="bow-1")

    async def expire(connection: Connection) -> None:
        await connection.execute("update commands set expires_at = now() - interval '1 s' where finished_at is null")

    line.on_database(request)
    pad.on_pad = [replace(SECOND)]
    error = line.run("arrow", "program", "A08", status=1)
    assert "the tag on the scanner is being programmed for arrow A07" in error
    assert pad.on_pad == [SECOND]
    line.on_database(expire)
    assert arrow(line)["state"] == "registered"
    line.on_database(request)
    line.on_database(expire)
    assert line.json("arrow", "change", "A07", "--spine", "500")[0]["state"] == "registered"


def test_a_lock_is_asked_for_twice(line: CommandLine, pad: ScriptedPad, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ((), ("--yes",)):
        error = line.run("arrow", "program", "A07", "--lock", *words, status=2)
        assert "--lock asks twice, and there is no terminal to answer on" in error
    for typed, answer in (("no\n", 1), ("yes\nA08\n", 1), ("yes\nA07\n", 0)):
        keyboard, terminal = pty.openpty()
        tty.setcbreak(terminal)
        with os.fdopen(terminal) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            os.write(keyboard, typed.encode())
            out, err = line.both("arrow", "program", "A07", "--lock", status=answer)
        os.close(keyboard)
        assert "no reader can write it again. Lock it? Type yes:" in err
        assert ("was not confirmed, so nothing was written" in err) == bool(answer)
        assert pad.on_pad[0].is_locked == (not answer)
    assert "It is locked for ever (a second write was refused)." in out
    assert arrow(line)["state"] == "locked"


def test_a_script_locks_with_two_answers(line: CommandLine, pad: ScriptedPad) -> None:
    (facts,) = line.json("arrow", "program", "A08", "--lock", "--yes", "--yes")
    assert (facts["is_locked"], facts["state"], pad.on_pad[0].is_locked) == (True, "locked", True)


@pytest.mark.parametrize(
    ("number", "where", "state", "words"),
    [
        (signal.SIGINT, "waits_before_write", "registered", "Stopped. Nothing was written into the tag of arrow A07."),
        (
            signal.SIGINT,
            "waits_in_write",
            "unfinished",
            "Stopped. The write of arrow A07 may have begun: keep tag E28",
        ),
        (
            signal.SIGTERM,
            "waits_in_write",
            "unfinished",
            "Stopped. The write of arrow A07 may have begun: keep tag E28",
        ),
    ],
)
def test_an_interruption_cancels_the_command(
    line: CommandLine, pad: ScriptedPad, number: int, where: str, state: str, words: str
) -> None:
    setattr(pad, where, True)

    async def has_evidence(connection: Connection) -> bool:
        found: bool = await connection.fetchval(
            "select exists (select from commands where state = 'running' and result ? 'written')"
        )
        return found

    def interrupt() -> None:
        eventually_blocking(lambda: line.on_database(has_evidence))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    err = line.both("arrow", "program", "A07", status=130)[1]
    thread.join()
    assert "is cancelled" in err
    assert words in err
    assert arrow(line)["state"] == state
    setattr(pad, where, False)
    assert "is programmed" in line.run("arrow", "program", "A07")


def test_without_a_daemon_it_says_so_at_once(command_line: CommandLine) -> None:
    command_line.run("arrow", "register", "A07")
    for words in (("program", "A07"), ("verify",)):
        error = command_line.run("arrow", *words, status=1)
        assert "no scanner of arrows has ever run on this database" in error
        assert "archstats-sensor run arrow-1" in error

    async def register(connection: Connection) -> None:
        await connection.execute(
            "insert into devices (id, kind, driver) values ('arrow-1', 'arrow', 'arrow.r200'), ('bow-1', 'bow', 'bow.link')"
        )

    command_line.on_database(register)
    error = command_line.run("arrow", "program", "A07", status=1)
    assert "the daemon of arrow-1 does not run, so it takes no command" in error
    assert "sudo systemctl start archstats-sensor@arrow-1" in error
    error = command_line.run("arrow", "program", "A07", "--device", "bow-1", status=1)
    assert "bow-1 is no scanner of arrows: it is a bow" in error
    assert "No command yet" in command_line.run("commands", "list")


def test_several_scanners_need_a_choice(line: CommandLine) -> None:
    async def add(connection: Connection) -> None:
        await connection.execute("insert into devices (id, kind, driver) values ('arrow-2', 'arrow', 'arrow.r200')")

    line.on_database(add)
    error = line.run("arrow", "verify", status=1)
    assert "there are several scanners: arrow-1, arrow-2" in error
    assert "is no arrow's: its EPC is" in line.run("arrow", "verify", "--device", "arrow-1", status=1)
