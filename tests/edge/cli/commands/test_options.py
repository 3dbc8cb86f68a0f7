"""Completion by the shell."""

from __future__ import annotations

import pytest

from edge.cli.main import main


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ses", ["session"]),
        ("session cl", ["close"]),
        ("shots correct --po", ["--points"]),
        ("session open --face wa_80", ["wa_80", "wa_80_5", "wa_80_6", "wa_80_compound"]),
        ("session open --face left=wa_80_", ["left=wa_80_5", "left=wa_80_6", "left=wa_80_compound"]),
        ("session open --rules wa_", ["wa_x11"]),
        ("emulate bow.l", ["bow.link"]),
        ("--simulate --target t", ["target.link", "target.freetarget"]),
        ("--simulate --bow bow.n", ["bow.nock"]),
    ],
)
def test_completion_offers_commands_options_and_values(
    words: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_ARCHSTATS_SENSOR_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"archstats-sensor {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == offered
