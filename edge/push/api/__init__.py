"""The HTTP API under ``/api/v0``: checked parameters, queries, and the snapshot of a lane."""

from edge.push.api.parameters import Query, parse_query
from edge.push.api.routes import api_routes

__all__ = ["Query", "api_routes", "parse_query"]
