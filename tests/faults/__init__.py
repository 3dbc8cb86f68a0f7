"""A range under fire: everything fails, again and again, and the database holds exactly the truth."""
