"""Sessions on paper and in files: the sheet of shots and ends, the score sheet, the certificate, and the list of past sessions."""
