"""The control socket of the simulators' process: requests, refusals, rights and limits."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators import control
from simulators.control import MAX_LINE, Answer, Press, Refused, Request, ask, bind_private, control_server

ANSWER = {"kind": "pin"}


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[list[Press]]:
    """A socket at ``path`` that answers every request but those for ``bow-1``; yields the requests."""
    seen: list[Press] = []

    def answer_to(request: Request) -> Answer:
        assert isinstance(request, Press)
        if request.press == "bow-1":
            raise Refused("bow-1 senses no position on a butt", "Choose a target.")
        seen.append(request)
        return ANSWER

    async with control_server(path, bind_private(path), answer_to):
        yield seen


async def test_request_is_answered_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 50) / "range.control"  # longer than the address of a socket
    path.parent.mkdir()
    async with served(path) as seen:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        request = Press("target-1", 640.0, 12.5)
        assert await asyncio.to_thread(ask, path, request) == ANSWER
        assert seen == [request]
    assert not path.exists()


async def test_refusal_has_the_reason_and_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "range.control"
    async with served(path):
        with pytest.raises(Refused, match="senses no position") as refused:
            await asyncio.to_thread(ask, path, Press("bow-1", 1.0, 1.0))
        assert refused.value.hint == "Choose a target."


@pytest.mark.parametrize(
    "line",
    [b"\n", b"{}\n", b"[1]\n", b'{"press": "target-1", "x": "a", "y": 1}\n', b'{"press": "t", "x": NaN, "y": 1}\n'],
)
async def test_unreadable_request_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "range.control"
    async with served(path) as seen:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        answer = json.loads(await reader.readline())
        writer.close()
        assert answer["error"] == "the request cannot be read"
        assert seen == []


async def test_long_and_slow_requests_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "WITHIN_S", 0.2)
    path = tmp_path / "range.control"
    async with served(path), asyncio.timeout(10):
        for sent in (b"x" * (3 * MAX_LINE), b""):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(sent)
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                assert sent, "only the rest of a long line is dropped"
            writer.close()
        assert await asyncio.to_thread(ask, path, Press("target-1", 1.0, 1.0)) == ANSWER


def test_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "range.control"
    bind_private(path).close()
    with pytest.raises(ConnectionRefusedError):
        ask(path, Press("target-1", 1.0, 1.0))
    bind_private(path).close()
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert os.umask(os.umask(0o022)) != 0o177, "the umask is as before"


def test_process_that_ends_before_its_answer_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "range.control"
    listening = bind_private(path)
    listening.setblocking(True)
    listening.settimeout(10)

    def hang_up() -> None:
        connection, _ = listening.accept()
        connection.recv(MAX_LINE)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(ConnectionResetError):
        ask(path, Press("target-1", 1.0, 1.0))
    thread.join(10)
    listening.close()
