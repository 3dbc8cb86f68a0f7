"""The push service: events to browsers as server-sent events and WebSocket messages, the live page, and the HTTP API."""
