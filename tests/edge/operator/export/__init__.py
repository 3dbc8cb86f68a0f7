"""Tests of sheets, certificates and the list of past sessions."""
