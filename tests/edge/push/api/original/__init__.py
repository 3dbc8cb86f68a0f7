"""The cases of the original API, row by row, with the answers that this API gives."""
