"""Tests of the arrows: their records, and the programming of their tags."""
