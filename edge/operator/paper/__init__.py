"""Ends on paper: the values that a second scorer called, and how they differ from those of the sensors."""
