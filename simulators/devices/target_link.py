"""The simulated target node ``target.link``: senses impacts, and knows by their tags which arrows are in the butt.

Its sensor frame is the butt frame: millimetres from the lower left of the butt, +x right, +y up.
"""

from __future__ import annotations

from drivers.link import codec as link
from simulators.devices.sensor_profile import Sensing
from simulators.world import range as world

_QUALITY = 100


def sense(event: world.Event) -> link.Event | None:
    """Return the target's report of an event; None for what happens at the bow. Of a miss it knows nothing."""
    if event.kind == "landing":
        tag = None if event.arrow_id is None else event.arrow_id.hex
        return link.Landing(event.x_mm, event.y_mm, _QUALITY, tag)
    if event.kind == "pulled":
        return link.Tags(())
    return None


TARGET = Sensing(link.NodeKind.TARGET, battery_percent=None, sense=sense)
