"""Simulated target for ``target.link``: senses impacts, and reads the tags of the arrows in the butt.

Its sensor frame is the butt frame: millimetres from the lower left of the butt, +x right, +y up.
"""

from __future__ import annotations

from drivers.link import codec as link
from simulators.devices.link_device import SensorProfile, link_simulator
from simulators.world.range import Event, EventKind

_QUALITY = 100


def sense(event: Event) -> link.Event | None:
    """Return the target's report of an event; None for nockings, releases and misses."""
    if event.kind is EventKind.LANDING:
        tag = None if event.arrow_id is None else event.arrow_id.hex
        return link.Landing(event.x_mm, event.y_mm, _QUALITY, tag)
    if event.kind is EventKind.PIN:
        return link.Pin(event.x_mm, event.y_mm)
    if event.kind is EventKind.PULLED:
        return link.Tags(())
    return None


SIMULATOR = link_simulator("target.link", SensorProfile(link.NodeKind.TARGET, battery_percent=None, sense=sense))
