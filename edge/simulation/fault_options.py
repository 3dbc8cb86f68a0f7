"""``--fault`` and ``--fault-seed``: what the command line says of the faults of simulated lines."""

from __future__ import annotations

from dataclasses import dataclass

from edge.common.config.refused import UsageError
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan, parse_plan

EXAMPLE = "drop=0.05,corrupt=0.05,reboot=0.01"
FAULT_HELP = f"Faults of the simulated lines and the chance of each for a frame, for example {EXAMPLE}."
FAULT_SEED_HELP = "Of the faults; the same number draws the same. The seed of the range when not given."


@dataclass(frozen=True, slots=True)
class WireFaults:
    """A plan that was read and understood."""

    text: str = ""
    plan: FaultPlan = NO_FAULTS
    seed: int | None = None
    """None: the world's."""

    def arguments(self) -> list[str]:
        """The same for ``python -m simulators``."""
        seed = [] if self.seed is None else ["--fault-seed", str(self.seed)]
        return ["--fault", self.text, *seed] if self.text else []


def wire_faults(text: str | None, seed: int | None) -> WireFaults:
    """Read both options. Raises Mistyped that says which part is wrong and what to write."""
    try:
        plan = parse_plan(text or "")
    except ValueError as fault:
        raise UsageError(f"--fault {text}: {fault}", hint=f"Write it like --fault {EXAMPLE}") from fault
    if seed is not None and not text:
        raise UsageError("--fault-seed without --fault draws nothing", hint=f"Add --fault, like --fault {EXAMPLE}")
    return WireFaults(text or "", plan, seed)
