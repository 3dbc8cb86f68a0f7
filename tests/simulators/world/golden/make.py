"""Print the golden world: ``python tests/simulators/world/golden/make.py > world.jsonl``.

Standard library only, so that a bare interpreter can run it with the repository's root on PYTHONPATH.
"""

import json

from simulators.world.range import FIXED_START_US, World, truth_line

SLOT_US = 240_000_000
FAR_US = 1_000 * 86_400_000_000


def lines() -> list[str]:
    """The first ends of several worlds, and ends far from the start."""
    found: list[str] = []
    for seed, speed in ((1, 1.0), (7, 20.0), (2**63, 3.3)):
        world = World(seed, FIXED_START_US, speed)
        slot_us = round(SLOT_US / speed)
        for lane in (1, 2):
            for since_us in (world.start_us, world.start_us + FAR_US):
                releases = world.releases(lane, since_us, since_us + 3 * slot_us)
                found.extend(json.dumps({"seed": seed, "speed": speed, **truth_line(release)}) for release in releases)
    return found


if __name__ == "__main__":
    print("\n".join(lines()))
