"""The HTTP API under /api/v0, one file per resource."""
