"""The far side of a line: pseudo-terminals and seeded line faults."""
