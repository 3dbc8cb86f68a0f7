"""``archstats-sensor faces``: list the catalogue of target faces."""

from __future__ import annotations

from dataclasses import asdict

from edge.cli.commands.options import Json, command_group
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.shots.faces import FaceSpec, load_catalogue

app = command_group("Target faces: list the catalogue.")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List every face: code, outer radius, values and name."""
    for face in load_catalogue().values():
        say(json_object(asdict(face)) if as_json else face_line(face))


@app.callback()
def faces_group() -> None:
    """Target faces: list the catalogue."""


def face_line(face: FaceSpec) -> str:
    """A face for people."""
    values = "X, " if face.x_radius_mm else ""
    return (
        f"{face.code:<24}  {face.radii_mm[-1]:>6g} mm  {values}{face.points[0]} to {face.points[-1]}".ljust(52)
        + face.name
    )
