"""Push: what is new goes to browsers, as server-sent events, a live page and a read-only HTTP API."""
