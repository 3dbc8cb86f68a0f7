"""Values that the database cannot store are rejected by name, before they reach it."""

from __future__ import annotations

import pytest

from tests.edge.cli.command_line import CommandLine


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("session", "open", "--since", "0001-01-01T00:00:00+14:00"), "--since 0001-01-01T00:00:00+14:00"),
        (("session", "open", "--since", "9999-12-31T23:59:59.999999-14:00"), "between 1970 and 9999"),
        (("session", "open", "--since", "0500-01-01T00:00:00Z"), "between 1970 and 9999"),
        (("session", "open", "--location", "a\udcff"), "'--location'"),
        (("shots", "void", "last", "--why", "\udcff"), "'--why'"),
        (("shots", "correct", "last", "--why", "x", "--who", "\udcff"), "'--who'"),
        (("orphan", "void", "last", "--why", "a\0"), "'--why'"),
        (("quarantine", "settle", "9223372036854775808"), "9223372036854775807"),
        (("shots", "correct", "last", "--why", "x", "--points", "2147483648"), "'--points'"),
        (("calibrate", "bow", "bow-1", "--every", "3", "--who", " "), "'--who'"),
        (("calibration", "rollback", "bow-1", "--who", "x" * 201), "at most 200 characters"),
        (("calibrate", "target", "target-1", "--note", " "), "'--note'"),
        (("calibration", "activate", "target-1", "--why", "\udcff"), "'--why'"),
        (("db", "prune", "--days", "1e300"), "'--days'"),
        (("--simulate", "--duration", "inf"), "'--duration'"),
        (("press", "target-1", "--x", "nan", "--y", "1"), "'--x'"),
    ],
)
def test_values_out_of_range_are_wrong_usage(command_line: CommandLine, words: tuple[str, ...], named: str) -> None:
    message = command_line.run(*words, status=2)
    assert named in message
    assert "Traceback" not in message


def test_a_text_of_the_environment_is_rejected_too(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    command_line.run("session", "open")
    monkeypatch.setenv("LOGNAME", "\udcff")  # the name of the operator
    assert "cannot store a value of this command" in command_line.run("session", "end", status=2)


def test_instants_within_the_bounds_open_a_session(command_line: CommandLine) -> None:
    command_line.run("session", "open", "--since", "1970-01-01T00:00:00Z")
    assert '"start_time": "1970-01-01T00:00:00.000000Z"' in command_line.run("session", "list", "--json")
