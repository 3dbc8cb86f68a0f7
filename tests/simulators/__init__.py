"""The simulated range and the devices that stand on it."""
