"""Tests of push against a real PostgreSQL, over real sockets, in a real browser."""
