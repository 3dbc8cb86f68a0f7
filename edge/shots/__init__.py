"""Runtime module: readings into shots."""

from edge.shots.faces import FaceSpec, PlacedFace, load_all_faces, load_catalogue
from edge.shots.rules import RuleSet, load_all_rules, load_rules

__all__ = [
    "FaceSpec",
    "PlacedFace",
    "RuleSet",
    "load_all_faces",
    "load_all_rules",
    "load_catalogue",
    "load_rules",
]
