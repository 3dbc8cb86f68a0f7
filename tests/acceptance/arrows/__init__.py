"""Acceptance tests of programmed arrows: what the database says of a tag is what the tag holds."""
