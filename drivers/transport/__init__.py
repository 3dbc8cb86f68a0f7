"""Transports of bytes and edges: serial ports, TCP by URL, and GPIO pins. They know no protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from drivers.transport.edges import Edge, InputPin, Levels, Pull
    from drivers.transport.flight_recorder import FlightRecorder
    from drivers.transport.pins import InputPins, open_inputs
    from drivers.transport.port_faults import explain
    from drivers.transport.serial import Chunk, SerialPort, open_port
    from drivers.transport.threads import run_in_thread

__all__ = [
    "Chunk",
    "Edge",
    "FlightRecorder",
    "InputPin",
    "InputPins",
    "Levels",
    "Pull",
    "SerialPort",
    "explain",
    "open_inputs",
    "open_port",
    "run_in_thread",
]

_HOMES: Final = {
    "Chunk": "serial",
    "Edge": "edges",
    "FlightRecorder": "flight_recorder",
    "InputPin": "edges",
    "InputPins": "pins",
    "Levels": "edges",
    "Pull": "edges",
    "SerialPort": "serial",
    "explain": "port_faults",
    "open_inputs": "pins",
    "open_port": "serial",
    "run_in_thread": "threads",
}
"""Modules loaded at the first use of a name: a process that only records frames loads no serial port."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
