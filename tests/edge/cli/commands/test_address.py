"""``address``: the page's address for phones, with the operator token only for those who may read its file."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from edge.cli.commands import address as command
from edge.cli.commands.install import _show_code
from edge.cli.main import main
from edge.common.config.load import load_push, load_service
from edge.installer.inspect import inspect_hub
from edge.simulation.access import PAGE, page_file, token_file, with_token
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


OURS = b'{"status": "ok", "checks": {"database": {}, "listener": {}, "feed": {}, "connections": {}}}'


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """A server on a free port of loopback that answers every request with ``body``; gives its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep silent."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


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
    (tmp_path / "token").write_text("se%41#+/same\n")
    with answering(OURS) as port:
        monkeypatch.setenv(PORT, str(port))
        assert address("--operator", "--json") == 0
        page = json.loads(capsys.readouterr().out)["page"]
        assert page == f"http://127.0.0.1:{port}/#operator=se%2541%23%2B%2Fsame", "as the browser decodes it"
        assert address("--json") == 0
        assert "same" not in capsys.readouterr().out
    (tmp_path / "token").write_bytes(b"\xff")
    assert address("--operator") == 1
    assert "cannot be read (it holds other characters than ASCII)" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"status": "ok"}', b'{"checks": {"database": {}}}'])
def test_no_token_goes_to_another_program(
    body: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("sesame\n")
    monkeypatch.setenv(FILE, str(tmp_path / "token"))
    with answering(body) as port:
        monkeypatch.setenv(PORT, str(port))
        assert address("--operator") == 1
    shown = capsys.readouterr()
    assert f"the live page does not answer at http://127.0.0.1:{port}/" in shown.err
    assert "sesame" not in shown.out + shown.err
    assert address("--operator") == 1, "no program listens"
    assert "systemctl start archstats.target" in capsys.readouterr().err


def test_a_silent_program_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ANSWER_WITHIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not command._is_ours(f"http://127.0.0.1:{server.getsockname()[1]}/")


def test_an_answer_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ANSWER_WITHIN_S", 0.2)

    def drip(server: socket.socket) -> None:
        client, _ = server.accept()
        with client, suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\nx: ")
            for _ in range(500):
                if select.select([client], [], [], 0.02)[0] and not client.recv(4096):
                    return
                client.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = Thread(target=drip, args=(server,))
        dripping.start()
        began = time.monotonic()
        assert not command._is_ours(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert time.monotonic() - began < 5
        dripping.join()


def test_install_ends_with_the_code_for_phones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for host, is_shown in (("192.0.2.7", True), ("127.0.0.1", False)):
        terminal = Terminal("utf-8")
        monkeypatch.setattr("sys.stdout", terminal)
        _show_code(inspect_hub({HOST: host}, tmp_path), "http://192.0.2.7:8000/")
        assert ("▀" in terminal.getvalue(), "For phones: http://192.0.2.7:8000/" in terminal.getvalue()) == (
            is_shown,
        ) * 2


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
        with answering(OURS) as port:
            push = replace(load_push(environ), server_host="0.0.0.0", server_port=port)  # noqa: S104 - another shell's
            with page_file(log_folder(service), push, made):
                assert address("--operator", "--json") == 0
                shown = json.loads(capsys.readouterr().out)
                left = (log_folder(service) / PAGE).read_text()
        assert not (log_folder(service) / PAGE).exists()
        assert f":{port}/#operator=" in shown["page"]
    (log_folder(service) / PAGE).write_text(left)  # by a killed range
    assert not is_range_running(service)
    assert address() == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:8123/\n")
    assert shown["this_machine_only"] is False
    assert shown["page"].endswith("#operator=" + token_file(service).read_text().strip())
    assert made[FILE] == str(state / "operator-token")
    assert (state / "operator-token").stat().st_mode & 0o777 == 0o600
    assert with_token({FILE: "/mine"}, service) == {FILE: "/mine"}
