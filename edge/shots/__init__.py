"""Runtime module: readings into shots."""

from edge.shots.faces import FaceSpec, PlacedFace, load_catalogue

__all__ = ["FaceSpec", "PlacedFace", "load_catalogue"]
