"""Tests, in folders named as the packages they hold to their word."""
