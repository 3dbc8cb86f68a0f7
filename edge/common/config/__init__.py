"""Settings from the environment and env files, and the errors they cause."""
