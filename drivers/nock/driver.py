"""The driver ``bow.nock``: the pins and deadlines of a nock switch. The meaning of edges is in :mod:`drivers.nock.session`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

from drivers.clock.host import clock_pair, host_boot_id
from drivers.contract import (
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Reading,
    Report,
    ReportProgress,
    Source,
    ignore_progress,
)
from drivers.errors import DeviceLost, DriverConfigError
from drivers.host_stream import MISSED_POLLS
from drivers.nock.session import GATES, NOCK, NockSession
from drivers.transport.edges import Edge, InputPin, Levels, Pull
from drivers.transport.pins import InputPins, open_inputs

LOOK_S: Final = 1.0
"""Interval between looks at the levels, which stand for a heartbeat."""
SILENT_NS: Final = round(MISSED_POLLS * LOOK_S * 1e9)
MEET_S: Final = 3.0
"""Deadline for the first look at the levels."""
RECORDED: Final = 64
"""Edges kept for the log line of a fault."""


class Level(StrEnum):
    """Level of a line at which its input is active."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class NockSettings:
    """Settings of a nock switch."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    gpio_chip: str | None = field(
        default=None,
        metadata={
            "min_length": 1,
            "description": "GPIO chip of pins and lights, such as gpiochip0; by default that of the header.",
        },
    )
    nock_pin: int = field(
        default=17, metadata={"ge": 0, "le": 27, "description": "GPIO number of the switch's pin: 17 for GPIO17."}
    )
    nock_active: Level = field(
        default=Level.LOW, metadata={"description": "Level while an arrow is nocked: low or high."}
    )
    nock_bias: Pull = field(
        default=Pull.UP, metadata={"description": "Resistor inside the chip for the switch: up, down or floating."}
    )
    debounce_ms: float = field(
        default=20.0,
        metadata={
            "ge": 1,
            "le": 200,
            "description": "Milliseconds without an edge after which the switch has settled.",
        },
    )
    gate_a_pin: int | None = field(
        default=None,
        metadata={"ge": 0, "le": 27, "description": "GPIO number of the light gate that an arrow passes first."},
    )
    gate_b_pin: int | None = field(
        default=None,
        metadata={"ge": 0, "le": 27, "description": "GPIO number of the light gate that an arrow passes second."},
    )
    gate_blocked: Level = field(
        default=Level.HIGH, metadata={"description": "Level of a light gate while an arrow blocks it: low or high."}
    )
    gate_bias: Pull = field(
        default=Pull.UP, metadata={"description": "Resistor inside the chip for the light gates: up, down or floating."}
    )
    gate_mm: float = field(
        default=50.0,
        metadata={"ge": 5, "le": 1000, "description": "Distance between the two light gates in millimetres."},
    )


class BowNock:
    """One nock switch. Implements :class:`drivers.contract.Driver`."""

    info: ClassVar = DriverInfo(
        name="bow.nock",
        kind=DeviceKind.BOW,
        summary="Nock switch on GPIO pins, with an optional pair of light gates",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset(),
        commands=frozenset(),
        heartbeat_s=LOOK_S,
        settings=NockSettings,
    )

    def __init__(self, device_id: str, settings: NockSettings, *, clocks: Sequence[ClockModel] = ()) -> None:
        del clocks  # the kernel stamps edges with this host's clock
        self._device_id = device_id
        self._settings = settings
        self._inputs: InputPins | None = None
        self._session: NockSession | None = None
        self._last_look_ns = 0
        self._is_asking = False
        self._fault: DeviceLost | None = None
        self._edges: deque[Edge] = deque(maxlen=RECORDED)
        self._levels: Levels | None = None
        self._last_counters: Mapping[str, int] = {}

    async def open(self) -> DeviceIdentity:
        """Open the pins and look at their levels, within :data:`MEET_S` after the chip has answered."""
        settings = self._settings
        inputs = await open_inputs(
            _pins_of(settings, self._device_id), chip=settings.gpio_chip, device=self._device_id, look_every_s=LOOK_S
        )
        self._inputs = inputs
        source = Source.SIMULATOR if inputs.is_simulated else Source.HARDWARE
        levels, edges = await self._first_look(inputs)
        session = self._session = NockSession(
            self._device_id,
            source,
            host_boot_id(),
            settle_ns=round(settings.debounce_ms * 1e6),
            gate_mm=settings.gate_mm,
            active=levels.active,
            at_ns=levels.at_ns,
            pair=clock_pair(),
        )
        for edge in edges:
            if edge.at_ns > levels.at_ns:
                session.on_edge(edge.name, edge.at_ns, edge.active, edge.missed, clock_pair())
        return DeviceIdentity(
            device_id=self._device_id,
            kind=self.info.kind,
            stream_id=session.stream.stream_id,
            source=source,
            serial=f"GPIO{settings.nock_pin}",
        )

    async def readings(self) -> AsyncIterator[Report]:
        """The switch's reports. Raises DeviceLost when the chip fails, or does not answer three looks."""
        while True:
            inputs, session = self._opened()
            while (report := session.next_report()) is not None:
                yield report
            if self._fault is not None:
                raise self._fault
            await self._turn(inputs, session)

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """Refuse every command: the settings of a switch are those of the daemon."""
        del report
        return CommandResult(
            ok=False, error=f"a nock switch has no command {command.name}: all its settings are those of its service"
        )

    async def acknowledge(self, reading: Reading) -> None:
        """Do nothing: a switch keeps no events."""

    async def close(self) -> None:
        """Give the pins back."""
        inputs, self._inputs = self._inputs, None
        if inputs is not None:
            self._last_counters = self._count(inputs)
            await inputs.close()

    def counters(self) -> Mapping[str, int]:
        """Counters of pins, switch and gates."""
        return self._last_counters if self._inputs is None else self._count(self._inputs)

    def flight_record(self) -> list[str]:
        """The last edges, and the last look at the levels."""
        pair = clock_pair()
        lines = [
            f"{pair.utc_of(edge.at_ns):%H:%M:%S.%fZ} < {edge.name} {'active' if edge.active else 'inactive'}"
            + (f" after {edge.missed} lost edges" if edge.missed else "")
            for edge in self._edges
        ]
        if self._levels is not None:
            states = ", ".join(f"{name} {'active' if on else 'inactive'}" for name, on in self._levels.active.items())
            lines.append(f"{pair.utc_of(self._levels.at_ns):%H:%M:%S.%fZ} = {states}")
        return lines

    def _count(self, inputs: InputPins) -> dict[str, int]:
        return {**asdict(inputs.counters), **(self._session.counters() if self._session else {})}

    def _opened(self) -> tuple[InputPins, NockSession]:
        if self._inputs is None or self._session is None:
            raise DeviceLost(
                "the pins are closed", device=self._device_id, hint="The daemon opens them again automatically."
            )
        return self._inputs, self._session

    async def _first_look(self, inputs: InputPins) -> tuple[Levels, list[Edge]]:
        """The first look, and the edges that came before it."""
        edges: list[Edge] = []
        try:
            async with asyncio.timeout(MEET_S):
                while not isinstance(item := await inputs.read(MEET_S), Levels):
                    if item is not None:
                        edges.append(item)
        except TimeoutError:
            raise self._silent(MEET_S) from None
        self._on_look(item)
        return item, edges

    async def _turn(self, inputs: InputPins, session: NockSession) -> None:
        """Take the next edge or look, or what is due by time."""
        now_ns = time.monotonic_ns()
        silent_ns = self._last_look_ns + SILENT_NS
        look_ns = None if self._is_asking else session.look_due_ns
        if look_ns is not None and look_ns <= now_ns:
            self._is_asking = True
            inputs.look()
            look_ns = None
        wait_ns = min(at_ns for at_ns in (silent_ns, session.due_ns, look_ns) if at_ns is not None) - now_ns
        try:
            item = await inputs.read(wait_ns / 1e9)
        except DeviceLost as fault:
            self._fault = fault
            session.finish(clock_pair())
            return
        pair = clock_pair()
        if isinstance(item, Edge):
            self._edges.append(item)
            session.on_edge(item.name, item.at_ns, item.active, item.missed, pair)
        elif item is not None:
            self._on_look(item)
            session.on_look(item.at_ns, item.active, pair)
        if not inputs.has_edges:
            session.poll(pair.mono_ns, pair)
        if item is None and pair.mono_ns >= silent_ns:
            self._fault = self._silent(SILENT_NS / 1e9)
            session.finish(pair)

    def _on_look(self, levels: Levels) -> None:
        self._levels, self._last_look_ns, self._is_asking = levels, time.monotonic_ns(), False

    def _silent(self, seconds: float) -> DeviceLost:
        return DeviceLost(
            f"silent: the GPIO chip has not answered for {seconds:g} s",
            device=self._device_id,
            hint="`dmesg | tail` shows the kernel's messages; restart the hub if it does not recover.",
            silent=True,
        )


def _pins_of(settings: NockSettings, device: str) -> list[InputPin]:
    """The inputs of the switch and its gates. Raises DriverConfigError when they contradict each other."""
    gates = (settings.gate_a_pin, settings.gate_b_pin)
    given = [number for number in gates if number is not None]
    if len(given) == 1:
        raise DriverConfigError(
            "one light gate alone measures nothing",
            device=device,
            hint="Set both ARCH_STATS_GATE_A_PIN and ARCH_STATS_GATE_B_PIN, or neither.",
        )
    numbers = [settings.nock_pin, *given]
    if len(set(numbers)) < len(numbers):
        raise DriverConfigError(
            f"two inputs have the same pin: {', '.join(f'GPIO{number}' for number in numbers)}",
            device=device,
            hint="Give ARCH_STATS_NOCK_PIN, ARCH_STATS_GATE_A_PIN and ARCH_STATS_GATE_B_PIN different numbers.",
        )
    switch = InputPin(NOCK, settings.nock_pin, settings.nock_bias, settings.nock_active is Level.HIGH)
    blocked_high = settings.gate_blocked is Level.HIGH
    return [
        switch,
        *(InputPin(name, number, settings.gate_bias, blocked_high) for name, number in zip(GATES, given, strict=False)),
    ]
