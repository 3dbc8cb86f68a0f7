"""The options ``--fault`` and ``--fault-seed``: faults of the simulated lines."""

from __future__ import annotations

from dataclasses import dataclass

from edge.common.config.errors import UsageError
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan, parse_plan

EXAMPLE = "drop=0.05,corrupt=0.05,reboot=0.01"
FAULT_HELP = f"Faults of the simulated lines, each with its chance per frame, for example {EXAMPLE}."
FAULT_SEED_HELP = "Seed of the faults. Default: the seed of the range."


@dataclass(frozen=True, slots=True)
class WireFaults:
    """A parsed fault plan, its text and its seed."""

    text: str = ""
    plan: FaultPlan = NO_FAULTS
    seed: int | None = None
    """Seed of the faults; None for the world's seed."""

    def arguments(self) -> list[str]:
        """Return the options for ``python -m simulators``."""
        seed = [] if self.seed is None else ["--fault-seed", str(self.seed)]
        return ["--fault", self.text, *seed] if self.text else []


def wire_faults(text: str | None, seed: int | None) -> WireFaults:
    """Parse both options. Raises UsageError with the wrong part and the correct form."""
    try:
        plan = parse_plan(text or "")
    except ValueError as error:
        message, _, advice = str(error).partition(". ")
        raise UsageError(f"--fault {text}: {message}", hint=f"{advice} Write it like --fault {EXAMPLE}.") from error
    if seed is not None and not text:
        raise UsageError("--fault-seed has no effect without --fault", hint=f"Add --fault, like --fault {EXAMPLE}.")
    return WireFaults(text or "", plan, seed)
