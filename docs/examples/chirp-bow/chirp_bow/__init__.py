"""Driver and simulated device of the Chirp bow clip."""
