"""Tests of the sensor daemon."""
