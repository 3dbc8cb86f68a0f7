"""The simulated range is reproducible and keeps its own rules."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.world.range import FIRST_NOCK_US, FIXED_START_US, LANDING_WINDOW_US, Release, World, truth_line
from simulators.world.vocabulary import EventKind, Result

S = 1_000_000
DAY = 86_400 * S
SPEEDS = st.floats(1.0, 20.0)
SEEDS = st.integers(0, 2**63)
LANES = st.integers(1, 999)
END_TIMEOUT_S = 60
"""Time without a nocking after which an end closes, divided by the speed; longer than any pause inside an end."""


def slot_us(speed: float) -> int:
    return round(240 * S / speed)


def ends_of(world: World, lane: int, count: int) -> list[list[Release]]:
    length = slot_us(world.speed)
    first = world.start_us + FIRST_NOCK_US
    return [world.releases(lane, first + n * length, first + (n + 1) * length) for n in range(count)]


@given(SEEDS, SPEEDS, LANES)
def test_first_nocking_is_two_seconds_after_the_start(seed: int, speed: float, lane: int) -> None:
    world = World(seed, FIXED_START_US, speed)
    first = world.events(lane, world.start_us, world.start_us + slot_us(speed))[0]
    assert (first.kind, first.at_us) == (EventKind.ENGAGE, world.start_us + 2 * S)


@given(SEEDS, SPEEDS, LANES, st.integers(0, 5000))
@settings(deadline=None)
def test_every_end_fits_its_slot_at_every_speed(seed: int, speed: float, lane: int, end: int) -> None:
    world = World(seed, FIXED_START_US, speed)
    begin = world.start_us + FIRST_NOCK_US + end * slot_us(speed)
    until = begin + slot_us(speed)
    releases = world.releases(lane, begin, until)
    events = world.events(lane, begin, until)

    assert releases[0].engaged_us == begin
    assert releases[-1].released_us <= begin + 150 * S / speed + 10
    engages = [r.engaged_us for r in releases]
    assert all(b - a < END_TIMEOUT_S * S / speed for a, b in pairwise(engages))
    assert all(a.engaged_us < a.released_us < b.engaged_us for a, b in pairwise(releases))
    assert all(a.arrow_id != b.arrow_id or b.engaged_us - a.engaged_us >= 1.1 * S - 1 for a, b in pairwise(releases))
    pulled = [e.at_us for e in events if e.kind is EventKind.PULLED]
    assert len(pulled) == (1 if any(r.landed_us for r in releases) else 0)
    for at_us in pulled:
        assert at_us == pytest.approx(begin + 200 * S / speed + S, abs=2)
        assert at_us < until
        assert releases[-1].released_us + LANDING_WINDOW_US < at_us


@given(SEEDS, SPEEDS, LANES, st.integers(0, 60))
@settings(deadline=None)
def test_shot_numbers_count_the_releases(seed: int, speed: float, lane: int, end: int) -> None:
    world = World(seed, FIXED_START_US, speed)
    until = world.start_us + FIRST_NOCK_US + (end + 1) * slot_us(speed)
    replayed = world.releases(lane, world.start_us, until)
    assert [r.shot for r in replayed] == list(range(1, len(replayed) + 1))
    assert {r.lane for r in replayed} == {lane}


def test_three_percent_of_nockings_are_let_down() -> None:
    for seed in range(3):
        world = World(seed, FIXED_START_US, 20.0)
        releases = [r for end in ends_of(world, 1, 50) for r in end]
        assert Counter(r.result is Result.NOT_SHOT for r in releases) == {True: 9, False: 300}


def test_let_down_arrows_are_nocked_again_and_shot() -> None:
    world = World(5, FIXED_START_US, 20.0)
    for end in ends_of(world, 1, 200):
        for let_down, again in pairwise(end):
            if let_down.result is Result.NOT_SHOT:
                assert again.arrow_id == let_down.arrow_id
                assert again.result is not Result.NOT_SHOT
                assert let_down.settled_us == again.engaged_us
        shot = [r.arrow_id for r in end if r.result is not Result.NOT_SHOT]
        assert len(set(shot)) == len(shot) == 6


@given(SEEDS, SPEEDS)
@settings(max_examples=30, deadline=None)
def test_results_follow_from_the_rounded_positions(seed: int, speed: float) -> None:
    world = World(seed, FIXED_START_US, speed)
    lane = world.lane(1)
    for release in (r for end in ends_of(world, 1, 4) for r in end):
        if release.result in (Result.MISS, Result.NOT_SHOT):
            assert (release.landed_us, release.x_mm, release.y_mm) == (None, None, None)
        else:
            assert release.x_mm is not None
            assert release.y_mm is not None
            assert release.x_mm == round(release.x_mm, 2)
            from_centre = ((release.x_mm - 640) ** 2 + (release.y_mm - 640) ** 2) ** 0.5
            assert (release.result is Result.HIT) == (from_centre - 3.0 <= 610 + 1e-6)
            assert 0 <= release.x_mm <= lane.butt_width_mm
            assert 0 <= release.y_mm <= lane.butt_height_mm
            assert release.settled_us == release.landed_us
        if release.result is Result.MISS:
            assert release.settled_us == release.released_us + 3 * S


def test_speed_shortens_waits_but_no_flight() -> None:
    slow, fast = (ends_of(World(11, FIXED_START_US, speed), 2, 20) for speed in (1.0, 20.0))

    def facts(release: Release) -> tuple[object, ...]:
        flight = None if release.landed_us is None else release.landed_us - release.released_us
        return release.shot, release.arrow_id, release.result, release.x_mm, release.y_mm, flight

    assert [[facts(r) for r in end] for end in slow] == [[facts(r) for r in end] for end in fast]
    held = [r.released_us - r.engaged_us for end in slow for r in end]
    held_fast = [r.released_us - r.engaged_us for end in fast for r in end]
    assert sum(held) > 15 * sum(held_fast)


@given(SEEDS, SPEEDS, st.integers(0, DAY), st.integers(1, 600 * S), st.integers(0, 600 * S))
@settings(max_examples=50, deadline=None)
def test_events_of_adjacent_intervals_add_up(seed: int, speed: float, since: int, length: int, cut: int) -> None:
    world = World(seed, FIXED_START_US, speed)
    since_us = FIXED_START_US + since
    until_us, cut_us = since_us + length, min(since_us + cut, since_us + length)
    whole = world.events(1, since_us, until_us)
    assert whole == world.events(1, since_us, cut_us) + world.events(1, cut_us, until_us)
    assert all(since_us <= e.at_us < until_us for e in whole)
    assert [e.at_us for e in whole] == sorted(e.at_us for e in whole)
    releases = world.releases(1, since_us, until_us)
    assert [e.at_us for e in whole if e.kind is EventKind.RELEASE] == [r.released_us for r in releases]


@given(SEEDS, SPEEDS, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_release_limit_ends_the_shooting(seed: int, speed: float, n: int) -> None:
    free = World(seed, FIXED_START_US, speed)
    nth = free.nth_release(n, 1)
    limit = nth.released_us + 1
    world = World(seed, FIXED_START_US, speed, release_limit_us=limit)
    until = limit + 3 * slot_us(speed)

    assert world.releases(1, world.start_us, until) == free.releases(1, free.start_us, limit)
    assert world.nth_release(n, 1) == nth
    with pytest.raises(ValueError, match="limit"):
        world.nth_release(n + 1, 1)
    late = [e for e in world.events(1, limit, until) if e.kind in (EventKind.ENGAGE, EventKind.RELEASE)]
    if nth.result is Result.NOT_SHOT:
        assert [(e.kind, e.arrow_id, e.at_us) for e in late] == [(EventKind.ENGAGE, nth.arrow_id, nth.settled_us)]
    else:
        assert late == []
    landed = [e.at_us for e in world.events(1, world.start_us, until) if e.kind is EventKind.LANDING]
    assert landed == sorted(r.landed_us for r in world.releases(1, world.start_us, until) if r.landed_us is not None)


def test_nth_release_counts_over_all_lanes() -> None:
    world = World(3, FIXED_START_US, 20.0)
    order = world.all_releases(3, world.start_us, world.start_us + 60 * S)
    assert len({r.lane for r in order[:10]}) == 3
    assert [world.nth_release(n, 3) for n in range(1, len(order) + 1)] == order
    for n, lanes in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            world.nth_release(n, lanes)


def test_arrows_depend_on_the_lane_and_not_on_the_seed() -> None:
    one, two = World(1, FIXED_START_US), World(2, FIXED_START_US)
    assert one.lane(1) == two.lane(1)
    assert one.lane(1).arrows != one.lane(2).arrows
    assert len({a.human_identifier for a in one.lane(1).arrows + one.lane(2).arrows}) == 24
    until = FIXED_START_US + 240 * S
    places = [
        [(r.x_mm, r.y_mm) for r in w.releases(n, FIXED_START_US, until)] for w, n in ((one, 1), (two, 1), (one, 2))
    ]
    assert places[0] != places[1]
    assert places[0] != places[2]


def test_face_lists_points_and_radii() -> None:
    face = World(1, FIXED_START_US).lane(1).face
    assert list(face.radii_mm) == [61, 122, 183, 244, 305, 366, 427, 488, 549, 610]
    assert dict(zip(face.points, face.radii_mm, strict=True))[10] == 61


@pytest.mark.parametrize(
    ("x", "y", "result"),
    [
        (640.0, 640.0 + 613.0, Result.HIT),  # the shaft's edge touches the outermost line
        (640.0, 640.0 + 613.01, Result.OFF_FACE),
        (0.0, 1280.0, Result.OFF_FACE),
        (-0.01, 640.0, Result.MISS),
        (640.0, 1280.01, Result.MISS),
    ],
)
def test_line_cutters_and_the_edge_of_the_butt(x: float, y: float, result: Result) -> None:
    assert World(1, FIXED_START_US).lane(1).impact(x, y, 6.0) is result


@given(SEEDS, st.integers(0, 2**51), SPEEDS, st.none() | st.integers(0, 2**51))
def test_world_survives_a_json_round_trip(seed: int, start: int, speed: float, limit: int | None) -> None:
    world = World(seed, start, speed, limit)
    assert World.from_json(world.to_json()) == world


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "{}",
        '{"seed": 1}',
        '{"seed": 1, "start": "tomorrow"}',
        '{"seed": 1, "start": "2026-01-01T00:00:00"}',
        '{"seed": 1, "start": "2026-01-01T00:00:00Z", "speed": 21}',
        '{"seed": 1, "start": "2026-01-01T00:00:00Z", "speed": NaN}',
        '{"seed": [], "start": "2026-01-01T00:00:00Z"}',
    ],
)
def test_invalid_worlds_are_rejected_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r'invalid world: .*Write it like \{"seed": 7'):
        World.from_json(text)


def test_truth_lines_are_exact_and_plain_json() -> None:
    world = World(7, FIXED_START_US, 20.0)
    for release in world.releases(1, world.start_us, world.start_us + 240 * S):
        line = json.loads(json.dumps(truth_line(release)))
        assert list(line) == ["lane", "shot", "arrow_id", "engaged_at", "released_at", "landed_at", "x", "y", "result"]
        at = datetime.fromisoformat(line["released_at"])
        epoch = datetime.fromisoformat("1970-01-01T00:00:00Z")
        assert (at - epoch).total_seconds() == pytest.approx(release.released_us / S, abs=1e-6)
        assert line["released_at"].endswith("Z")
        assert (line["landed_at"] is None) == (line["result"] in (Result.MISS, Result.NOT_SHOT))
