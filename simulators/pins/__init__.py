"""Simulated devices at pins: they drive mock pins of the daemon's own process, from a thread of their own."""

from simulators.pins.thread import PinThread

__all__ = ["PinThread"]
