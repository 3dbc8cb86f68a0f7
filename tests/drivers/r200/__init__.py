"""Tests of the R200 readers' protocol."""
