"""Pins without hardware, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drivers.transport.gpio import simulate_pins
from drivers.transport.simulated_pins import SimulatedFactory


@contextmanager
def simulated_pins() -> Iterator[SimulatedFactory]:
    """Pins in place of the hardware, while the block runs."""
    factory = SimulatedFactory()
    simulate_pins(factory)
    try:
        yield factory
    finally:
        factory.thaw()
        simulate_pins(None)
