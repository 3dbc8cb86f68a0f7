"""Tests of ends on paper."""
