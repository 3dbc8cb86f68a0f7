"""The pins of the kernel's chip, with lines that stand for the kernel's: everything of gpiozero that is used is real."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.errors import DeviceUnavailable, DriverConfigError
from drivers.transport import gpio
from drivers.transport.edges import Edge, InputPin, Levels, Pull
from drivers.transport.gpiod_pins import LineWatcher, OnEdge
from drivers.transport.pins import open_inputs

CHIP = "/dev/gpiochip0"


class FakeLine:
    """A line whose edges are those that the test puts there."""

    made: dict[int, FakeLine]

    def __init__(self, chip_path: str, number: int, watcher: LineWatcher) -> None:
        assert chip_path == CHIP
        self.missed = 0
        self.is_output = False
        self.pulls: list[Pull] = []
        self.is_high = True
        self.is_closed = False
        self._watcher = watcher
        self._edges: list[tuple[int, bool]] = []
        self._on_edge: OnEdge | None = None
        self.fd, self._wake = os.pipe()
        self.made[number] = self

    def happen(self, *edges: tuple[int, bool], missed: int = 0) -> None:
        """Let edges happen."""
        self.missed += missed
        self._edges += edges
        os.write(self._wake, b"!")

    def set_direction(self, *, is_output: bool) -> None:
        self.is_output = is_output

    def set_pull(self, pull: Pull) -> None:
        self.pulls.append(pull)

    def set_level(self, level: bool) -> None:
        self.is_high = level

    def level(self) -> bool:
        return self.is_high

    def watch(self, edges: str, on_edge: OnEdge) -> None:
        assert edges == "both"
        self._on_edge = on_edge
        self._watcher.add(self)  # type: ignore[arg-type]

    def unwatch(self) -> None:
        self._watcher.remove(self)  # type: ignore[arg-type]

    def read_edges(self) -> list[tuple[int, bool]]:
        os.read(self.fd, 1)
        edges, self._edges = self._edges, []
        return edges

    def deliver(self, at_ns: int, level: bool) -> None:
        if self._on_edge is not None:
            self._on_edge(at_ns, level)

    def close(self) -> None:
        self._watcher.remove(self)  # type: ignore[arg-type]
        if not self.is_closed:
            self.is_closed = True
            os.close(self.fd)
            os.close(self._wake)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[int, FakeLine]]:
    FakeLine.made = {}
    monkeypatch.setattr(gpio, "KernelLine", FakeLine)
    monkeypatch.setattr(gpio, "find_chip", lambda _: CHIP)
    monkeypatch.setattr(gpio, "REVISION", tmp_path / "linux,revision")
    yield FakeLine.made
    assert all(line.is_closed for line in FakeLine.made.values())


async def test_edges_of_a_chip_keep_their_stamps(lines: dict[int, FakeLine]) -> None:
    specs = [InputPin("switch", 17, Pull.UP, active_high=False), InputPin("gate", 22, Pull.DOWN, active_high=True)]
    inputs = await open_inputs(specs, chip=None, device="bow-1", look_every_s=60.0)
    look = await inputs.read(5.0)
    assert isinstance(look, Levels)
    assert look.active == {"switch": False, "gate": True}
    assert (lines[17].pulls, lines[22].pulls) == ([Pull.UP], [Pull.DOWN])

    at_ns = time.monotonic_ns()
    lines[17].happen((at_ns, False), (at_ns + 1, False), missed=3)
    assert [await inputs.read(5.0) for _ in range(2)] == [
        Edge("switch", at_ns, True, missed=3),
        Edge("switch", at_ns + 1, True),
    ]
    await inputs.close()


@pytest.mark.parametrize("revision", [b"", b"\x00\xa0\x20\x82", b"\x00\xc0\x41\x70"])
async def test_a_resistor_on_the_board_is_named(lines: dict[int, FakeLine], revision: bytes) -> None:
    """GPIO2 of every board: of one that is no Raspberry Pi, of a Pi 3 and of a Pi 5."""
    if revision:
        gpio.REVISION.write_bytes(revision)
    with pytest.raises(DriverConfigError, match=r"GPIO2 has a resistor to 3\.3 V"):
        await open_inputs(
            [InputPin("switch", 2, Pull.DOWN, active_high=False)], chip=None, device="bow-1", look_every_s=60.0
        )
    assert lines[2].pulls == []


@pytest.mark.usefixtures("lines")
async def test_driver_and_lights_cannot_share_a_pin() -> None:
    switch = InputPin("switch", 17, Pull.UP, active_high=False)
    inputs = await open_inputs([switch], chip=None, device="bow-1", look_every_s=60.0)
    lights = gpio.PinSet(None, "bow-1")
    with pytest.raises(DeviceUnavailable, match="GPIO17 is in use by this program already"):
        lights.output(17)
    green = lights.output(24)
    green.state = 1
    assert (green.function, green.state) == ("output", 1)
    lights.close()
    await inputs.close()
    await (await open_inputs([switch], chip=None, device="bow-1", look_every_s=60.0)).close()
