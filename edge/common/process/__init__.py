"""One service process: logs, supervision, watchdog and shutdown."""
