"""Runtime module: one device's reports into readings."""
