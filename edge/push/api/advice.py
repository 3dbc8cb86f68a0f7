"""Commands that the page advises, as they are typed on this hub."""

from __future__ import annotations

import json

from edge.common.advice import SessionValues, command_prefix, open_command

CENTRE_LANE = 1000
"""First number of a lane of another hub: at a centre the thousands are the number of the lane's hub."""


def with_commands(lanes: str) -> str:
    """Lanes as a JSON list, with ``open_command`` in place of ``last_session``: the command that adds unclaimed arrows.

    It is null on a lane without unclaimed arrows. The command for the lane of another hub is to be typed there.
    """
    found = json.loads(lanes)
    for one in found:
        last = one.pop("last_session")
        one["open_command"] = None
        if one["unclaimed"]:
            lane = one["lane"]
            command = open_command(lane % CENTRE_LANE, SessionValues(**(last or {})))
            one["open_command"] = f"{_prefix(lane)}{command} --since {one['unclaimed_since']}"
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def orphans_command(lane: int) -> str:
    """The command that lists the landings of a lane that no release explains."""
    return f"{_prefix(lane)}archstats-sensor orphan list --lane {lane % CENTRE_LANE}"


def _prefix(lane: int) -> str:
    return command_prefix() if lane < CENTRE_LANE else ""
