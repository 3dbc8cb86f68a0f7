"""The commands of calibrations, and the dialogue of a guided one: lines about its steps and results, and its cues."""
