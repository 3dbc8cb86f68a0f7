"""The golden file of the simulated world, equal for every Python version and host."""
