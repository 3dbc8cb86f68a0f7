"""Input pins: edges cross from another thread in order, bounded and counted, and a chip that hangs is noticed."""

from __future__ import annotations

import asyncio
import errno
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError
from drivers.transport import gpiod_pins, pins
from drivers.transport.edges import Edge, InputPin, Levels, Pull
from drivers.transport.gpio import PinSet
from drivers.transport.gpio_faults import explain_chip, explain_line
from drivers.transport.pins import InputPins, open_inputs
from drivers.transport.simulated_pins import SimulatedFactory
from tests.drivers.simulated_pins import simulated_pins
from tests.eventually import eventually

SWITCH = InputPin("switch", 17, Pull.UP, active_high=False)
GATE = InputPin("gate", 22, Pull.UP, active_high=True)


@pytest.fixture
def factory() -> Iterator[SimulatedFactory]:
    with simulated_pins() as made:
        yield made


async def opened(*specs: InputPin, look_every_s: float = 60.0) -> InputPins:
    inputs = await open_inputs(specs, chip=None, device="bow-1", look_every_s=look_every_s)
    assert isinstance(await inputs.read(5.0), Levels)
    return inputs


def drive_in_thread(factory: SimulatedFactory, moves: list[tuple[int, bool, int]]) -> None:
    """Drive lines from another thread: number, level and nanoseconds of each move."""
    thread = threading.Thread(target=factory.drive, args=moves)
    thread.start()
    thread.join()


async def test_edges_keep_their_stamps_and_their_order(factory: SimulatedFactory) -> None:
    inputs = await opened(SWITCH, GATE)
    drive_in_thread(factory, [(17, False, 1_000), (22, False, 2_000), (17, True, 3_001)])
    found = [await inputs.read(5.0) for _ in range(3)]
    assert found == [Edge("switch", 1_000, True), Edge("gate", 2_000, False), Edge("switch", 3_001, False)]
    assert await inputs.read(0.0) is None
    await inputs.close()


async def test_a_waiting_reader_is_woken_by_an_edge(factory: SimulatedFactory) -> None:
    inputs = await opened(SWITCH)
    reading = asyncio.create_task(inputs.read(60.0))
    await asyncio.sleep(0)  # it waits
    drive_in_thread(factory, [(17, False, 5_000)])
    async with asyncio.timeout(5.0):
        assert await reading == Edge("switch", 5_000, True)
    await inputs.close()


async def test_dropped_edges_are_counted_and_reported(
    factory: SimulatedFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "MAX_WAITING", 8)
    inputs = await opened(SWITCH)
    drive_in_thread(factory, [(17, number % 2 == 1, number) for number in range(1, 11)])
    drive_in_thread(factory, [(17, False, 11)])
    found = [await inputs.read(5.0) for _ in range(8)]
    assert isinstance(found[-1], Edge)
    assert [edge.at_ns for edge in found if isinstance(edge, Edge)] == list(range(4, 12))
    assert sum(edge.missed for edge in found if isinstance(edge, Edge)) == inputs.counters.edges_dropped == 3
    await inputs.close()


async def test_edges_that_the_kernel_dropped_come_with_the_next(factory: SimulatedFactory) -> None:
    inputs = await opened(SWITCH)
    factory.pin("GPIO17").lose(False, count=7)
    drive_in_thread(factory, [(17, True, 9_000), (17, False, 10_000)])
    assert await inputs.read(5.0) == Edge("switch", 9_000, False, missed=7)
    assert await inputs.read(5.0) == Edge("switch", 10_000, True)
    assert inputs.counters.edges_missed == 7
    await inputs.close()


async def test_levels_are_read_in_an_interval_and_on_request(factory: SimulatedFactory) -> None:
    factory.drive((17, False, 1))
    inputs = await open_inputs([SWITCH], chip=None, device="bow-1", look_every_s=0.05)
    looks = [await inputs.read(5.0) for _ in range(3)]
    assert [look.active for look in looks if isinstance(look, Levels)] == [{"switch": True}] * 3
    await inputs.close()

    inputs = await opened(SWITCH)
    before_ns = time.monotonic_ns()
    inputs.look()
    look = await inputs.read(5.0)
    assert isinstance(look, Levels)
    assert look.at_ns > before_ns
    await inputs.close()


async def test_a_chip_that_hangs_gives_no_looks_and_closes(factory: SimulatedFactory) -> None:
    inputs = await open_inputs([SWITCH], chip=None, device="bow-1", look_every_s=0.01)
    factory.freeze()
    while await inputs.read(0.1) is not None:
        pass
    before = time.monotonic()
    await inputs.close()
    assert time.monotonic() - before < 5.0
    factory.thaw()
    await eventually(lambda: all(thread.name != "bow-1 levels" for thread in threading.enumerate()))
    with pytest.raises(DeviceLost, match="the pins are closed"):
        await inputs.read(1.0)
    await inputs.close()


async def test_a_chip_that_fails_is_lost(factory: SimulatedFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = await opened(SWITCH)

    def fail() -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(factory, "wait_while_frozen", fail)
    inputs.look()
    with pytest.raises(DeviceLost, match="the GPIO chip does not answer: No such device") as raised:
        await inputs.read(5.0)
    assert raised.value.hint
    await inputs.close()


@pytest.mark.usefixtures("factory")
async def test_a_pin_is_not_opened_twice() -> None:
    inputs = await opened(SWITCH)
    with pytest.raises(DeviceUnavailable, match="GPIO17 is in use by this program already"):
        await opened(SWITCH)
    await inputs.close()
    await (await opened(SWITCH)).close()


@pytest.mark.usefixtures("factory")
async def test_wrong_pins_are_refused() -> None:
    with pytest.raises(DriverConfigError, match="there is no GPIO99"):
        await opened(InputPin("switch", 99, Pull.UP, active_high=False))
    with pytest.raises(DriverConfigError, match=r"GPIO2 has a resistor to 3\.3 V"):
        await opened(InputPin("switch", 2, Pull.DOWN, active_high=False))


async def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "drivers.transport.gpio", raising=False)
    monkeypatch.setitem(sys.modules, "gpiozero.exc", None)
    with pytest.raises(
        DriverConfigError, match=r"for GPIO pins is not installed\. Install the extra gpio: `pip install"
    ):
        await open_inputs([SWITCH], chip=None, device="bow-1", look_every_s=1.0)


async def test_a_machine_without_chips_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpiod_pins, "DEV", tmp_path)
    with pytest.raises(DeviceUnavailable, match=r"this machine has no GPIO chip: .*gpiochip0 does not exist"):
        await open_inputs([SWITCH], chip=None, device="bow-1", look_every_s=1.0)
    (tmp_path / "gpiochip0").touch()  # no chip: it cannot be opened as one
    with pytest.raises(DeviceUnavailable, match="sudo usermod -aG gpio "):
        await open_inputs([SWITCH], chip=None, device="bow-1", look_every_s=1.0)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EACCES, ["no permission for the GPIO chip /dev/gpiochip0", "sudo usermod -aG gpio "]),
        (
            errno.EPERM,
            ["the unit does not allow", "systemctl edit archstats-sensor@bow-1", "DeviceAllow=char-gpiochip rw"],
        ),
        (errno.ENOTUNIQ, ["several GPIO chips", "ARCH_STATS_GPIO_CHIP"]),
        (errno.EIO, ["cannot be opened", "dmesg"]),
    ],
)
def test_chips_that_cannot_be_opened_are_explained(code: int, expected: list[str]) -> None:
    text = str(explain_chip("/dev/gpiochip0", "bow-1", OSError(code, "no", "/dev/gpiochip0")))
    assert all(word in text for word in expected)


@pytest.mark.parametrize(
    ("fault", "kind", "expected"),
    [
        (
            OSError(errno.EBUSY, "busy"),
            DeviceUnavailable,
            "GPIO17 of /dev/gpiochip0 is in use by another program. Stop",
        ),
        (OSError(errno.EACCES, "no"), DeviceUnavailable, "no permission"),
        (OSError(errno.EINVAL, "no"), DriverConfigError, "no line 17 that can be used"),
        (ValueError("line offset"), DriverConfigError, "no line 17 that can be used"),
        (OSError(errno.ENXIO, "no"), DriverConfigError, "reports no edges"),
        (OSError(errno.EIO, "no"), DeviceUnavailable, "dmesg"),
    ],
)
def test_lines_that_cannot_be_opened_are_explained(fault: Exception, kind: type[Exception], expected: str) -> None:
    error = explain_line(17, "/dev/gpiochip0", "bow-1", fault)
    assert type(error) is kind
    assert expected in str(error)


@pytest.mark.usefixtures("factory")
def test_an_output_is_low_until_it_is_set() -> None:
    held = PinSet(None, "bow-1")
    pin = held.output(24)
    levels = [pin.state]
    pin.state = 1
    levels.append(pin.state)
    held.close()
    assert levels == [0, 1]
