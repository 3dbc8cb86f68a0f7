"""``address``: the page's address for phones, with the operator token only for those who may read its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.common.config.load import load_service
from edge.simulation.access import token_file, with_token
from edge.simulation.processes import is_range_running, log_folder, range_lock
from tests.edge.common.test_qr_code import Terminal

HOST, PORT, FILE = "ARCH_STATS_SERVER_HOST", "ARCH_STATS_SERVER_PORT", "ARCH_STATS_OPERATOR_TOKEN_FILE"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of the embedded database."""
    monkeypatch.setenv("ARCH_STATS_DATABASE_DIR", str(tmp_path / "db"))
    monkeypatch.setenv(PORT, "8123")
    return tmp_path / "db"


def address(*words: str) -> int:
    """Run the command; returns its exit status."""
    with pytest.raises(SystemExit) as ended:
        main(["address", *words])
    return int(ended.value.code or 0)


def test_a_page_for_this_machine_says_how_phones_open_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert address() == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "http://127.0.0.1:8123/"
    assert "set ARCH_STATS_SERVER_HOST=0.0.0.0" in shown[-1]
    assert address("--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "page": "http://127.0.0.1:8123/",
        "addresses": ["http://127.0.0.1:8123/"],
        "this_machine_only": True,
    }


def test_a_page_for_every_machine_is_shown_as_phones_open_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOST, "192.0.2.7")
    assert address() == 0
    assert capsys.readouterr().out.splitlines() == ["http://192.0.2.7:8123/"]
    monkeypatch.setenv(HOST, "0.0.0.0")  # noqa: S104 - nothing is opened
    assert address("--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["this_machine_only"] is False
    assert "0.0.0.0" not in shown["page"]  # noqa: S104 - nothing is opened
    assert shown["addresses"][-1] == "http://127.0.0.1:8123/"


def test_the_operators_address_carries_the_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / "token"))
    assert address("--operator") == 1
    assert f"there is no operator token ({tmp_path}/token does not exist)" in capsys.readouterr().err
    (tmp_path / "token").write_text("\n")
    assert address("--operator") == 1
    assert "is empty" in capsys.readouterr().err
    (tmp_path / "token").write_text("sesame\n")
    assert address("--operator", "--json") == 0
    assert json.loads(capsys.readouterr().out)["page"] == "http://127.0.0.1:8123/#operator=sesame"
    assert address("--json") == 0
    assert "sesame" not in capsys.readouterr().out
    (tmp_path / "token").write_bytes(b"\xff")
    assert address("--operator") == 1
    assert "cannot be read (it holds other characters than ASCII)" in capsys.readouterr().err


def test_a_terminal_shows_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal("utf-8")
    monkeypatch.setattr("sys.stdout", terminal)
    assert address() == 0
    assert "▀" in terminal.getvalue()


def test_a_running_simulated_range_is_open_for_phones(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"ARCH_STATS_DATABASE_DIR": str(state)}
    service = load_service(environ)
    assert not is_range_running(service)
    with range_lock(log_folder(service)):
        assert is_range_running(service)
        made = with_token(environ, service)
        assert address("--operator", "--json") == 0
        shown = json.loads(capsys.readouterr().out)
    assert not is_range_running(service)
    assert shown["this_machine_only"] is False
    assert shown["page"].endswith("#operator=" + token_file(service).read_text().strip())
    assert made[FILE] == str(state / "operator-token")
    assert (state / "operator-token").stat().st_mode & 0o777 == 0o600
    assert with_token({FILE: "/mine"}, service) == {FILE: "/mine"}
