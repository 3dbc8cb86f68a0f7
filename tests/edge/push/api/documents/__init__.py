"""Tests of the resources that export sessions, list past ones, and take ends on paper."""
