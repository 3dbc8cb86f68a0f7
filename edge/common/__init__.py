"""Leaf library of every module: settings, PostgreSQL, process supervision, vocabulary. Imports no other room."""
