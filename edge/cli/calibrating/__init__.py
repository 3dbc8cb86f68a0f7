"""The dialogue of a guided calibration: lines about its steps and results, and the cues of its trials."""
