"""Control socket of the simulators' process: one request and one answer for each connection, each a line of JSON.

``{"press": "target-1", "x": 640, "y": 640}`` is answered by ``{"kind": "pin"}``, ``{"place": "arrow-1", "tags": ["blank"]}`` by
``{"tags": [{"tid": ..., "epc": ...}]}``, and either by ``{"error": ..., "hint": ...}`` if it cannot be served.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from drivers.contract import DeviceKind
from simulators.devices.contract import TagState
from simulators.devices.registry import load_simulator
from simulators.hosttime import HostTime
from simulators.wire.station import Station
from simulators.world.range import World

WITHIN_S: Final = 5.0
"""Longest time for a request and its answer."""
MAX_LINE: Final = 16 * 1024
"""Longest request or answer: twenty tags and their memory."""
MAX_CONNECTIONS: Final = 8
_TARGET: Final = DeviceKind.TARGET
Answer = Mapping[str, object]
"""An answer, as it is written in JSON."""


class Refused(Exception):
    """A request that cannot be served."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Press:
    """Request to press the calibration probe of a target at a point of its butt; millimetres in the butt frame."""

    press: str
    """Name of the device."""
    x: float
    y: float

    def to_json(self) -> bytes:
        """Return the request as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Request to place exactly these tags on the pad of a scanner; without ``tags`` to leave them as they are."""

    place: str
    """Name of the device."""
    tags: Sequence[str] | None = None
    far: Sequence[str] = ()
    """Tags 30 cm away."""

    def to_json(self) -> bytes:
        """Return the request as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


Request = Press | Place


def parse_request(line: bytes) -> Request:
    """Parse a request. Raises Refused."""
    with suppress(KeyError, TypeError, ValueError, RecursionError, OverflowError):
        given = json.loads(line)
        if "place" in given:
            tags = given.get("tags")
            return Place(
                str(given["place"]),
                None if tags is None else [str(tag) for tag in tags],
                [str(tag) for tag in given.get("far") or ()],
            )
        press = Press(str(given["press"]), float(given["x"]), float(given["y"]))
        if math.isfinite(press.x) and math.isfinite(press.y):
            return press
    raise Refused("the request cannot be read", 'Write it like {"press": "target-1", "x": 640, "y": 640}.')


def bind_private(path: Path) -> socket.socket:
    """Return a socket that listens at ``path`` for this user alone; replaces one that a dead process left there.

    The path may be longer than the 107 bytes of a socket's address: it is bound by the number of its folder.
    """
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    umask = os.umask(0o177)
    try:
        with _short(path) as address:
            listening.bind(address)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(umask)
    listening.listen(MAX_CONNECTIONS)
    return listening


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield the address of a socket by the number of its folder."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@asynccontextmanager
async def control_server(
    path: Path, listening: socket.socket, answer_to: Callable[[Request], Answer]
) -> AsyncIterator[None]:
    """Serve requests on a socket of :func:`bind_private` while the block runs, and remove its path then.

    ``answer_to`` returns the answer, or raises Refused.
    """
    busy = asyncio.Semaphore(MAX_CONNECTIONS)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(WITHIN_S), busy:
                line = await reader.readline()  # ValueError for a longer one
                try:
                    answer = answer_to(parse_request(line))
                except Refused as error:
                    answer = {"error": error.message, "hint": error.hint}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, sock=listening, limit=MAX_LINE)
    try:
        yield
    finally:
        server.close()
        _remove(path)


def serve_request(stations: Mapping[str, Station], world: World, host: HostTime, request: Request) -> Answer:
    """Serve a request at one of the devices behind a line. Raises Refused."""
    return (
        press_probe(stations, world, host, request)
        if isinstance(request, Press)
        else place_tags(stations, host, request)
    )


def place_tags(stations: Mapping[str, Station], host: HostTime, request: Place) -> Answer:
    """Place tags on the pad of a scanner, or leave them as they are, and return them. Raises Refused."""
    station = stations.get(request.place)
    if station is None or not station.has_pad:
        names = [name for name, one in stations.items() if one.has_pad]
        raise Refused(
            f"{request.place} is no simulated scanner of this range", f"Choose one of: {', '.join(names) or 'none'}."
        )
    try:
        if request.tags is not None:
            station.place(request.tags, request.far, host.now_us())
        return {"tags": [asdict(tag) for tag in station.placed()]}
    except ValueError as error:
        message, _, hint = str(error).partition(". ")
        raise Refused(message, hint) from error


def press_probe(stations: Mapping[str, Station], world: World, host: HostTime, request: Press) -> Answer:
    """Press the probe of one of the targets behind a line. Raises Refused."""
    station = stations.get(request.press)
    if station is None:
        names = [name for name, one in stations.items() if load_simulator(one.device.spec.driver).kind is _TARGET]
        raise Refused(
            f"{request.press} is no simulated target of this range", f"Choose one of: {', '.join(names) or 'none'}."
        )
    lane = world.lane(station.device.spec.lane)
    if not (0.0 <= request.x <= lane.butt_width_mm and 0.0 <= request.y <= lane.butt_height_mm):
        raise Refused(
            f"{request.x:g} {request.y:g} is not on the butt of {request.press}",
            f"It is {lane.butt_width_mm:g} mm wide and {lane.butt_height_mm:g} mm high, from its lower left corner.",
        )
    try:
        return {"kind": station.press(request.x, request.y, host.now_us())}
    except ValueError as error:
        raise Refused(str(error), "Choose a target.") from error


def ask(path: Path, request: Request) -> Answer:
    """Send a request to the process that serves ``path`` and return its answer.

    Raises Refused with the process's own reason, OSError when no process answers in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WITHIN_S)
        with _short(path) as address:
            connection.connect(address)
        connection.sendall(request.to_json())
        with connection.makefile("rb") as answers:
            line = answers.readline(MAX_LINE)
    if not line:
        raise ConnectionResetError("the process of the simulated devices ended before it answered")
    answer = json.loads(line)
    if "error" in answer:
        raise Refused(str(answer["error"]), str(answer.get("hint", "")))
    return {str(key): value for key, value in answer.items()}


def tags_in(answer: Answer) -> list[TagState]:
    """Return the tags of the answer to a :class:`Place`. Raises ValueError when it has none."""
    tags = answer.get("tags")
    if not isinstance(tags, list):
        raise ValueError("the process of the simulated devices answers without tags")  # noqa: TRY004 - not an argument
    return [TagState(**tag) for tag in tags]
