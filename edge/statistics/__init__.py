"""Statistics of shots, pure and from the standard library only: the one implementation of every number that page, commands and HTTP API show."""
