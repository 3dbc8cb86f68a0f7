"""Tests of readings into shots."""
