"""The simulated range as one command: set-up, processes, follower, teardown and truth."""
