"""Tests of ``archstats-sensor arrow``."""
