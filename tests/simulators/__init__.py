"""Tests of the simulated range: the world, its devices and their lines."""
