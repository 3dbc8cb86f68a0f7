"""The promises, held against the whole range as a newcomer would start it."""
