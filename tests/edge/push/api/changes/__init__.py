"""Changes through the API beyond the cases of the original: conditions, whole sessions, archers and slots."""
