"""The line between a simulated device and its hub: pseudo-terminals and seeded faults per frame."""

from simulators.wire.fault_plan import NO_FAULTS, Fault, FaultPlan, parse_plan

__all__ = ["NO_FAULTS", "Fault", "FaultPlan", "parse_plan"]
