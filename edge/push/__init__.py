"""Runtime module: what is new, pushed to browsers."""
