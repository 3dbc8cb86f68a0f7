"""The HTTP API under ``/api/v0``: strict questions, and one envelope for every answer."""
