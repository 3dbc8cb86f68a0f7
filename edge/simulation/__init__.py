"""The simulated range as one command: set-up, processes, follower, teardown and truth, and single simulated devices.

Only light names are public here. The commands are imported from their own modules when they run.
"""

from edge.simulation.fault_options import WireFaults, wire_faults

__all__ = ["WireFaults", "wire_faults"]
