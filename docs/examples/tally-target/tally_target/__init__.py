"""Driver and simulated device of the Tally target."""
