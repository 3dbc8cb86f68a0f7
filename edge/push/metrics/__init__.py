"""``/metrics`` for Prometheus: the values of the database, read once for all scrapers of a second, beside those of this process."""
