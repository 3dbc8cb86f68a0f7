"""Commands in advice work where they are shown, and open no session with values of another lane."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from edge.common import advice
from edge.common.advice import SessionValues, as_typed, open_command, prefix_for


def test_prefix_is_that_of_the_place(tmp_path: Path) -> None:
    (tmp_path / "dev").touch()
    assert prefix_for(tmp_path / ".venv") == "./dev exec "
    assert prefix_for(tmp_path / "other" / ".venv") == ""
    assert prefix_for(Path("/opt/archstats")) == prefix_for(Path("/opt/archstats-2")) == "sudo "
    assert prefix_for(Path("/usr")) == ""


def test_commands_between_backticks_get_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "command_prefix", lambda: "sudo ")
    assert as_typed("Run `archstats-sensor db migrate`, then `sudo systemctl start archstats-shots`.") == (
        "Run `sudo archstats-sensor db migrate`, then `sudo systemctl start archstats-shots`."
    )
    assert as_typed("archstats-shots is busy") == "archstats-shots is busy"


@pytest.mark.parametrize(
    ("last", "options"),
    [
        (SessionValues(), "--distance METRES --face FACE"),
        (
            SessionValues(distance=18.0, faces=[["1", "wa_40_triple", 620.0, 620.0]], is_indoor=True),
            "--distance 18 --face wa_40_triple --indoor",
        ),
        (
            SessionValues(18.288, [["1", "wa_122", 640.0, 620.0]], False, 6, 1280.0, 1240.0),
            "--distance 18.288 --face wa_122 --outdoor --arrows-per-end 6 --butt-width 1280",
        ),
        (
            SessionValues(
                18.0,
                [["L", "wa_40", 346.7, 620.0], ["R", "wa_40_triple", 893.0, 620.0]],
                True,
                3,
                1240.0,
                1240.0,
                [["A", "L", "hub2/bow-1", "Kim"], ["B", "R", None, None]],
                "wa_x11",
            ),
            (
                "--distance 18 --face L=wa_40@346.7,620 --face R=wa_40_triple@893,620 --indoor --arrows-per-end 3 "
                "--slot A=L,bow=bow-1,archer=Kim --slot B=R --rules wa_x11"
            ),
        ),
    ],
)
def test_session_opens_like_the_last_one_or_asks(last: SessionValues, options: str) -> None:
    words = shlex.split(open_command(3, last))
    assert words == ["archstats-sensor", "session", "open", "--lane", "3", *options.split()]
