"""Tests of the intervals in which a device is proven to have worked."""
