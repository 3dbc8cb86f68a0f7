"""The result of each shot: let-downs, hits, misses, and shots that the devices cannot decide."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from edge.common.vocabulary import Flag, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.coverage import Coverage, landing_coverage
from edge.shots.assembly.flight import possible_flights_s
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.nockings import Draft
from edge.shots.assembly.scoring import Score, score_landing


def judge(draft: Draft, context: SessionContext, diameter_mm: float) -> Score:
    """The score of one shot by itself; may add flags to the draft."""
    landing, release = draft.landing, draft.release
    if landing is not None:
        point = context.butt_point(landing)
        if point is None:
            return Score(Result.UNKNOWN, None)
        if context.target is None:
            return Score(Result.HIT, None)
        parameters, sigma_mm = context.parameters, context.sigma_mm(landing)
        if sigma_mm != parameters.sigma_mm:
            parameters = replace(parameters, sigma_mm=sigma_mm)
        slot = context.slot_of_bow(None if release is None else release.key.device_id)
        own = None if slot is None else slot.faces
        return score_landing(point, diameter_mm, context.target, parameters, own)
    if release is None:
        return Score(Result.UNKNOWN, None)
    covered = landing_coverage(release.t, context)
    if draft.let_down and (not context.targets or covered in (Coverage.COMPLETE, Coverage.BLIND)):
        # A target that was blind before the second nocking leaves no let-down: see find_let_downs.
        draft.flags.add(Flag.LET_DOWN)
        return Score(Result.NOT_SHOT, None)
    if covered is Coverage.WAITING or draft.awaits_bow:
        return Score(Result.PENDING, None)
    if covered is Coverage.COMPLETE and not draft.miss_doubts:
        return Score(Result.MISS, 0)
    draft.flags |= draft.miss_doubts | ({Flag.LET_DOWN} if draft.let_down else set())
    return Score(Result.UNKNOWN, None)


def doubt_misses_in_dead_time(
    drafts: Sequence[Draft], unassigned: Iterable[TimedReading], context: SessionContext
) -> None:
    """Mark releases beside a shot that landed: its target may have detected two arrows as one landing.

    Arrows that were released within the dead time may have landed within it. So may those that were released further apart
    and flew for different times, as far as the speed that the bow measured allows. Without one any speed is possible: that
    counts only beside an arrow of another bow, for those of one bow fly for the same time, and only where the dead time is
    longer than usual, since else nearly every miss of a shared butt would be doubted for few lost arrows. ``unassigned`` are
    the landings of arrows whose release is not known.
    """
    released: dict[str, list[float]] = defaultdict(list)
    landed: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for draft in drafts:
        if draft.release is not None and draft.landing is not None:
            released[draft.landing.key.device_id].append(draft.release.t)
            landed[draft.landing.key.device_id].append((draft.landing.t, draft.release.key.device_id))
    for landing in unassigned:
        if context.dead_time_of(landing.key.device_id) > context.parameters.dead_time_s:
            landed[landing.key.device_id].append((landing.t, ""))
    for target in landed:
        releases, landings = sorted(released[target]), sorted(landed[target])
        instants = [t for t, _ in landings]
        dead = context.dead_time_of(target)
        is_slow = dead > context.parameters.dead_time_s
        for draft in drafts:
            release = draft.release
            if release is None or draft.landing is not None:
                continue
            least, most = possible_flights_s(release, release, context)
            beside = _between(instants, release.t + least - dead, release.t + most)
            bow, is_timed = release.key.device_id, release.launch_mps is not None
            if (
                _between(releases, release.t - dead, release.t + dead)
                or (is_timed and beside)
                or (is_slow and any(other != bow for _, other in landings[beside.start : beside.stop]))
            ):
                draft.miss_doubts.add(Flag.DEAD_TIME)


def _between(times: Sequence[float], since: float, until: float) -> range:
    """The places of the times in an interval."""
    return range(bisect_left(times, since), bisect_right(times, until))
