"""Tests of the benchmarks: their figures, and that each script runs."""
