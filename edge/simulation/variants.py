"""Variants of a simulated device, as ``--variant``, ``--bow`` and ``--target`` name them."""

from __future__ import annotations

from edge.common.config.errors import UsageError
from simulators.devices.registry import load_simulator


def refuse_unknown_variant(asked: str, driver: str, variant: str) -> None:
    """Raise UsageError, after the words of ``asked``, when the simulated device of a driver has no such variant."""
    known = tuple(load_simulator(driver).variants)
    if variant and variant not in known:
        raise UsageError(
            f"{asked}: the simulated {driver} has no variant {variant!r}",
            hint=f"Choose one of: {', '.join(known)}." if known else "Leave it out: this device has none.",
        )
