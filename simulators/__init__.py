"""Stand-ins on the far side of the wire, and the simulated range on whose events they all agree."""
