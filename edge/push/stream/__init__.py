"""The live feed: one reader, one hub, and its SSE and WebSocket clients."""
