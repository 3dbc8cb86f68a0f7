"""Tests of the drivers: codecs, clock, transport, drivers on their simulators."""
