"""What the shell offers after Tab for a value that only we know."""

from __future__ import annotations

from edge.shots.faces import load_catalogue


def faces(incomplete: str) -> list[str]:
    """Codes of faces that begin so."""
    return [code for code in sorted(load_catalogue()) if code.startswith(incomplete)]


def simulated_drivers(incomplete: str) -> list[str]:
    """Drivers that begin so and have a simulator."""
    from simulators.devices.registry import simulator_names  # only --simulate and this need it

    return [name for name in simulator_names() if name.startswith(incomplete)]
