"""``archstats-sensor place DEVICE``: places tags on the pad of a simulated scanner of the running range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from edge.common.config.errors import CommandError
from edge.common.config.settings import ServiceSettings
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.simulation.press import ask_range
from simulators.control import Place, tags_in
from simulators.devices.contract import TagState

HEADERS = ("TAG", "PLACE", "TID", "EPC", "MEMORY", "LOCKS")


def place(
    device: str, tags: Sequence[str] | None, far: Sequence[str], service: ServiceSettings, *, as_json: bool
) -> None:
    """Place exactly these tags, and ``far`` ones 30 cm away, and print them; without ``tags`` print those that are there.

    Raises CommandError when no simulated range runs on this database, it has no such scanner, or a tag is unknown.
    """
    try:
        placed = tags_in(ask_range(service, Place(device, tags, far)))
    except (TypeError, ValueError) as error:
        raise CommandError(
            f"the simulated range does not place tags: {error}", hint="Stop it, and start it again."
        ) from error
    if as_json:
        for tag in placed:
            say(json_object({"device": device, **asdict(tag)}))
    elif placed:
        say("\n".join(_table(placed)))
    else:
        say(f"No tag is on the pad of {device}.")


def _table(placed: Sequence[TagState]) -> list[str]:
    rows = [HEADERS] + [(tag.name, tag.place, tag.tid, tag.epc, tag.memory, tag.locks or "none") for tag in placed]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
