"""Tests of the commands that write sessions to files, list past ones, and enter ends on paper."""
