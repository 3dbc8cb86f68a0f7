"""Lines for people and for programs: time zones, terminals without UTF-8, and texts that command terminals."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime

import pytest

from edge.common import advice
from edge.common.console import as_json, complain, local, say

ODD = {"name": "Süd \u202e\x1b[2J\x9b\0\x7f 弓", "at": datetime(2026, 11, 29, 1, 55, 3, tzinfo=UTC)}


def terminal(encoding: str, monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """A standard output of this encoding, as the programs set it up."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding=encoding, errors="replace"))
    return shown


@pytest.mark.usefixtures("_new_york")
@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(2026, 11, 29, 1, 55, 3, tzinfo=UTC), "2026-11-28 20:55:03 EST"),
        (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), "2026-06-30 20:00:00 EDT"),
        (datetime(1, 1, 1, tzinfo=UTC), "1-01-01 00:00:00 UTC"),
    ],
)
def test_people_read_local_time_with_its_zone(instant: datetime, shown: str) -> None:
    assert local(instant).lstrip("0") == shown


@pytest.mark.usefixtures("_new_york")
def test_programs_read_utc() -> None:
    assert '"at": "2026-11-29T01:55:03.000000Z"' in as_json(ODD)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_arrives_whole_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(encoding, monkeypatch)
    say(as_json(ODD))
    say(as_json({"name": "Süd 弓"}))
    odd, plain = shown.getvalue().decode(encoding).splitlines()
    assert odd.isprintable()
    assert json.loads(odd)["name"] == ODD["name"]
    assert json.loads(plain)["name"] == "Süd 弓"
    assert ("弓" in plain) == (encoding == "utf-8")


def test_json_gets_no_prefix_in_a_stored_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(advice, "command_prefix", lambda: "sudo ")
    stored = {"reason": "seen in `archstats-sensor why last`"}
    say(as_json(stored))
    assert json.loads(capsys.readouterr().out) == stored


def test_terminal_replaces_characters_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal("latin-1", monkeypatch)
    say("Süd 弓")
    assert shown.getvalue() == "Süd ?\n".encode("latin-1")


def test_outside_text_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo \x1b[2J\u202e\u2028")
    complain("no \x9b2J\ud800")
    captured = capsys.readouterr()
    assert captured.out == "one\ntwo \\x1b[2J\\u202e\\u2028\n"
    assert captured.err == "no \\x9b2J\\ud800\n"
