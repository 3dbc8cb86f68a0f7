"""Simulated bow for ``bow.link``: senses nocking and release, and reads the arrow's tag at the string."""

from __future__ import annotations

from drivers.link import codec as link
from simulators.devices.link_device import SensorProfile, link_simulator
from simulators.world.range import Event, EventKind

_RSSI_DBM = -48
"""Signal strength of the tag in the nock, two centimetres from the antenna."""


def sense(event: Event) -> link.Event | None:
    """Return the bow's report of an event; None for landings and an emptied butt."""
    tag = None if event.arrow_id is None else event.arrow_id.hex
    if event.kind is EventKind.ENGAGE:
        return link.Engage(_RSSI_DBM, tag)
    if event.kind is EventKind.RELEASE:
        return link.Release(link.ReleaseCode.SHOT, tag)
    return None


SIMULATOR = link_simulator("bow.link", SensorProfile(link.NodeKind.BOW, battery_percent=87, sense=sense))
