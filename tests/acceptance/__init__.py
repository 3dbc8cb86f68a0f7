"""Acceptance tests: the promises, checked on a whole range that is started as a new user would."""
