"""Files that say what the simulated world is, once for every Python and host."""
