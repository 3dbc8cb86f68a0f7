"""Tests of the freETarget protocol."""
