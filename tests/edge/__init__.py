"""Tests of the runtime modules."""
