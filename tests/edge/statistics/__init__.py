"""Tests of the statistics, against numbers that are computed in another way."""
