"""A serial server: serves a terminal on a TCP port of this machine, to one client at a time."""

from __future__ import annotations

import os
import select
import socket
import threading
import tty
from contextlib import suppress
from pathlib import Path


class SerialServer:
    """Copies bytes both ways in a thread, until it is closed."""

    def __init__(self, terminal: Path) -> None:
        self._fd = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop_reading, self._stop = os.pipe()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="serial server")
        self._thread.start()

    @property
    def url(self) -> str:
        """The port, as a driver opens it."""
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Stop serving."""
        os.write(self._stop, b"!")
        self._thread.join()
        for fd in (self._fd, self._stop, self._stop_reading):
            os.close(fd)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            waiting: list[int | socket.socket] = [self._fd, self._listener, self._stop_reading]
            if self._client is not None:
                waiting.append(self._client)
            readable, _, _ = select.select(waiting, [], [])
            if self._stop_reading in readable:
                self._hang_up()
                return
            if self._listener in readable:
                self._accept()
            if self._fd in readable:
                data = os.read(self._fd, 4096)
                if self._client is not None:
                    with suppress(OSError):
                        self._client.sendall(data)
            if self._client is not None and self._client in readable:
                self._take(self._client)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._client is None:
            self._client = client
        else:
            client.close()  # one client at a time

    def _take(self, client: socket.socket) -> None:
        try:
            data = client.recv(4096)
        except OSError:
            data = b""
        if data:
            os.write(self._fd, data)
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
