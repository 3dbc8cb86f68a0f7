"""The simulated bow node ``bow.link``: senses nocking and release, and reads the arrow's tag at the string."""

from __future__ import annotations

from drivers.link import codec as link
from simulators.devices.sensor_profile import Sensing
from simulators.world import range as world

_RSSI_DBM = -48
"""Of the tag in the nock, two centimetres from the antenna."""


def sense(event: world.Event) -> link.Event | None:
    """Return the bow's report of an event; None for landings and a butt that is emptied."""
    tag = None if event.arrow_id is None else event.arrow_id.hex
    if event.kind == "engage":
        return link.Engage(_RSSI_DBM, tag)
    if event.kind == "release":
        return link.Release(link.ReleaseCode.SHOT, tag)
    return None


BOW = Sensing(link.NodeKind.BOW, battery_percent=87, sense=sense)
