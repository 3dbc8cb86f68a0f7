"""Driver and simulated device of the Gong target."""
