"""The HTTP server, the JSON envelope, the static files and the read pool."""
