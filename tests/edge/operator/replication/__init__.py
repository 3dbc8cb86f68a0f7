"""Two hubs and a centre: three PostgreSQL clusters with a link that a test can cut."""
