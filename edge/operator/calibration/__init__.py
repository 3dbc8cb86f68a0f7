"""Calibrations of devices: guided runs, the fit to their points, and the history of stored ones. Bows are calibrated in files of their own."""
