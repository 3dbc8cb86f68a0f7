"""Stand-ins on the far side of the wire, and the simulated range they all agree on."""
