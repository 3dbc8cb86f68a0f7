"""The simulated range: a pure function of seed, start, speed, lane and time."""
