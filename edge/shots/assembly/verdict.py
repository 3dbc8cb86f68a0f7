"""What became of a shot, as far as the target can tell. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal

from edge.shots.assembly.draft import Draft
from edge.shots.assembly.flight import landing_window_s
from edge.shots.assembly.model import SessionContext
from edge.shots.assembly.scoring import Score, score_landing

Watch = Literal["saw", "blind", "waiting", "gave up"]
"""What the lane's targets can say of a landing window: all of it was seen; not all of it; not yet; not any more."""


def judge(draft: Draft, context: SessionContext, diameter_mm: float) -> Score:
    """The verdict on one shot; may add flags to the draft."""
    if draft.let_down:
        draft.flags.add("let_down")
        return Score("not_shot", None)
    landing, release = draft.landing, draft.release
    if landing is not None:
        place = landing.place
        if place is None:
            return Score("unknown", None)
        if context.target is None:
            return Score("hit", None)
        return score_landing(*place, diameter_mm, context.target, context.parameters)
    if release is None:
        return Score("unknown", None)
    watched = watch(release.t, context)
    if watched == "waiting":
        return Score("pending", None)
    if watched == "saw" and not draft.no_miss:
        return Score("miss", 0)
    draft.flags |= draft.no_miss
    return Score("unknown", None)


def watch(released: float, context: SessionContext) -> Watch:
    """Whether the targets watched over the landing window of a release."""
    closes = released + landing_window_s(context)
    targets = context.on_lane(context.targets, released, closes)
    if targets and all(context.watermarks.get(t, float("-inf")) > closes for t in targets):
        blind = any(context.saw_nothing(frozenset((t,)), released, closes) for t in targets)
        return "blind" if blind else "saw"
    return "gave up" if context.now > closes + context.parameters.give_up_s else "waiting"


def excuse_dead_time(drafts: Sequence[Draft], context: SessionContext) -> None:
    """Two arrows that fly almost together may be one landing to the target: the other did not miss for sure."""
    dead = context.parameters.dead_time_s
    landed = sorted(d.release.t for d in drafts if d.release is not None and d.landing is not None)
    for draft in drafts:
        if draft.release is None or draft.landing is not None:
            continue
        t = draft.release.t
        if bisect_left(landed, t - dead) < bisect_right(landed, t + dead):
            draft.no_miss.add("dead_time")
