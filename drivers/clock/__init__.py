"""Target drivers: where and when an arrow lands."""
