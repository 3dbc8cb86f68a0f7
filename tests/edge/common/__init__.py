"""Tests of what all runtime modules lean on."""
