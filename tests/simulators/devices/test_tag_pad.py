"""The pad of a simulated scanner, and the arrows that an archer holds to it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drivers.r200 import codec as r200
from simulators.devices.arrow_r200 import (
    AFTER_NOCK_US,
    BEFORE_NOCK_US,
    HELD_US,
    SIMULATOR,
    HeldArrows,
    Scanner,
    Variant,
)
from simulators.devices.clock import AS_DRAWN
from simulators.devices.contract import DeviceSpec, TagState
from simulators.devices.tag_pad import MOST_PLACED, DefaultTag, Pad
from simulators.world.range import FIXED_START_US, EventKind, World
from tests.simulators.devices.r200_host import WORLD, Host, scanner

LANE = WORLD.lane(1)
S = 1_000_000


def pad(device: str = "arrow-1", born_us: int = FIXED_START_US) -> Pad:
    return Pad(7, device, LANE.arrows[0], born_us)


def states(one: Pad) -> list[TagState]:
    return [tag.state() for tag in one.tags]


def test_default_tags_are_as_their_names_say() -> None:
    tags = pad()
    tags.place(list(DefaultTag))
    blank, permalocked, password, small, programmed = states(tags)
    assert [tag.locks for tag in (blank, permalocked, password, small, programmed)] == [
        "", "epc forever", "access password, epc password", "", "",
    ]  # fmt: skip
    assert (len(small.memory), len(blank.memory), blank.memory[:24]) == (24, 32, blank.epc)
    assert (programmed.epc, programmed.memory) == (LANE.arrows[0].tag, LANE.arrows[0].tag)
    assert {int(tag.pc, 16) >> 11 for tag in (blank, permalocked, password, small)} == {6}
    assert len({tag.tid for tag in states(tags)}) == 5
    assert {len(tag.tid) for tag in states(tags)} == {24}


def test_seed_and_start_decide_the_tags() -> None:
    one, again, other, later = pad(), pad(), pad("arrow-2"), pad(born_us=FIXED_START_US + S)
    for tags in (one, again, other, later):
        tags.place(["blank", "blank"])
    assert states(one) == states(again)
    assert not {tag.tid for tag in states(one)} & {tag.tid for tag in (*states(other), *states(later))}
    assert len({tag.tid for tag in states(one)}) == 2
    many = pad()
    many.place(MOST_PLACED * ["blank"])
    assert {int(tag.pc, 16) & 0x0400 for tag in states(many)} == {0, 0x0400}, "some have user memory"


def test_a_tag_is_found_again_by_its_tid_or_epc() -> None:
    tags = pad()
    tags.place(["blank", "programmed"])
    (blank, programmed) = tags.tags
    tags.place([])
    assert tags.tags == []
    tags.place([blank.tag.tid.hex().upper()], far=[LANE.arrows[0].tag[:8]])
    assert tags.tags == [blank, programmed]
    assert [tag.place for tag in states(tags)] == ["pad", "far"]
    tags.place(["programmed", "blank"])
    assert tags.tags[0] is programmed, "a name but blank is one tag"
    assert tags.tags[0].place == "pad"
    assert tags.tags[1] is not blank


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["blnk"], r"'blnk' is no tag that was on this pad\. Write more of its TID or EPC, or one of: blank"),
        (["e2"], r"'e2' matches several tags\."),
        ([""], "'' is no tag"),
        (["programmed", "programmed"], r"given twice\."),
        ((MOST_PLACED + 1) * ["blank"], r"no room for 21 tags\. Place at most 20\."),
    ],
)
def test_wrong_tag_leaves_the_pad_as_it_is(names: list[str], message: str) -> None:
    tags = pad()
    tags.place(["blank", "small"])
    before = states(tags)
    with pytest.raises(ValueError, match=message):
        tags.place(names)
    assert states(tags) == before
    tags.place(["blank"])
    after = pad()
    after.place(["blank", "small"])
    after.place(["blank"])
    assert states(tags) == states(after), "a refused request makes no tag"


def test_a_desk_begins_with_one_blank_tag() -> None:
    def placed(variant: str) -> list[str]:
        made = SIMULATOR.make(DeviceSpec("arrow-1", "arrow.r200", 1, variant), WORLD, FIXED_START_US, AS_DRAWN)
        assert isinstance(made, Scanner)
        return [tag.name for tag in made.placed()]

    assert [placed(variant) for variant in ("", "desk", "desk-aa", "lane", "lane-aa")] == 3 * [["blank"]] + 2 * [[]]


@pytest.mark.parametrize("speed", [1.0, 8.0, 20.0])
def test_each_arrow_is_held_between_two_nockings(speed: float) -> None:
    world = World(7, FIXED_START_US, speed)
    until_us = FIXED_START_US + 300 * S
    nocked = [event for event in world.events(1, FIXED_START_US, until_us) if event.kind is EventKind.ENGAGE]
    held = HeldArrows(world, 1, FIXED_START_US)
    seen = {at: held.at(at) for at in range(FIXED_START_US, nocked[-1].at_us, 10_000)}
    for before, event in pairwise(nocked):
        assert event.arrow_id is not None
        own = [at for at in seen if before.at_us < at < event.at_us and seen[at]]
        assert {seen[at][0].tag.epc for at in own} == {event.arrow_id.bytes}
        assert own[0] >= before.at_us + AFTER_NOCK_US
        assert own[-1] < event.at_us - BEFORE_NOCK_US
        assert 100_000 <= own[-1] - own[0] <= HELD_US, "long enough for two inventories"


def test_no_arrow_is_held_that_is_not_nocked() -> None:
    free = World(7, FIXED_START_US, 20.0)
    third = [event for event in free.events(1, FIXED_START_US, FIXED_START_US + 60 * S) if event.kind == "engage"][2]
    limited = World(7, FIXED_START_US, 20.0, release_limit_us=third.at_us)
    held = HeldArrows(limited, 1, FIXED_START_US)
    arrows = {one.tag.epc for at in range(FIXED_START_US, FIXED_START_US + 60 * S, 20_000) for one in held.at(at)}
    assert len(arrows) == 2


def test_tags_on_the_pad_are_read_in_place_of_arrows() -> None:
    first = next(event for event in WORLD.events(1, FIXED_START_US, FIXED_START_US + 60 * S) if event.kind == "engage")
    assert first.arrow_id is not None
    host = Host(scanner(Variant.LANE_AA), r200.Dialect.R200)
    host.wait(first.at_us - 300_000)
    assert not host.device.may_reboot(host.now_us, 100_000)
    (seen,) = host.ask(r200.INVENTORY, for_us=20_000)
    assert isinstance(seen, r200.Notice)
    assert seen.epc == first.arrow_id.bytes
    host.device.place(["small"], [], host.now_us)
    (seen,) = host.ask(r200.INVENTORY, for_us=20_000)
    assert isinstance(seen, r200.Notice)
    assert seen.epc.hex() == host.device.placed()[0].epc
    host.device.place([], [], host.now_us)
    host.wait(first.at_us)
    assert host.device.may_reboot(host.now_us, 100_000)
    assert host.ask(r200.INVENTORY) == [r200.Failure(r200.FailureCode.NO_TAG)]
