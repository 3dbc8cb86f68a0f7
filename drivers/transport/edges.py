"""Input pins and what they report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Pull(StrEnum):
    """Resistor inside the chip on an input line."""

    UP = "up"
    DOWN = "down"
    FLOATING = "floating"


@dataclass(frozen=True, slots=True)
class InputPin:
    """One input line."""

    name: str
    number: int
    """Number of the line in the chip: 17 for GPIO17."""
    pull: Pull
    active_high: bool
    """Level at which the input is active: True is high."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of one input, with the kernel's time stamp."""

    name: str
    at_ns: int
    """CLOCK_MONOTONIC of the kernel's interrupt."""
    active: bool
    """Whether the input is active after it, as the kernel read it a moment later."""
    missed: int = 0
    """Edges of this input that were lost before this one."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A look at all inputs."""

    at_ns: int
    """CLOCK_MONOTONIC before it."""
    active: Mapping[str, bool]
    """State of each input by its name."""
