"""Tests of the page as its audience sees it: wall, overlay, zoom, accessibility and a layout that stays."""
