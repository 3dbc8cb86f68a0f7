"""The HTTP side of push: server, response envelope, static files, and the pool of read connections."""

from edge.push.http.envelope import ApiError, RequestRejected, data_response, error_response, headers, reject

__all__ = ["ApiError", "RequestRejected", "data_response", "error_response", "headers", "reject"]
