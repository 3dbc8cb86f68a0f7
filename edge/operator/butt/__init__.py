"""The butt of a new session: the faces on it, and the places of the archers who shoot at them."""
