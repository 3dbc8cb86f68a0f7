"""Runtime module: readings into shots."""
