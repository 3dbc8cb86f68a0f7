"""A node's boot history covers every unacknowledged event, after any number of reboots."""

from __future__ import annotations

from drivers.link import codec as link
from simulators.devices.boot_history import BootHistory
from tests.simulators.devices.acknowledging_hub import Hub, ack
from tests.simulators.devices.test_link_node import ENGAGE, T0, new_node

S = 1_000_000


def test_ages_of_earlier_boots_add_up() -> None:
    history = BootHistory()
    history.ended(1, 5, 10 * S, 2 * S, {1: 3})
    history.ended(2, 0, 7 * S, 1 * S, {1: 3})
    assert history.listed({1: 2}) == (
        link.EarlierBoot(2, 1, 0, 0, 8 * S, 2 * S),
        link.EarlierBoot(1, 0, 5, 2, 20 * S, None),
    )
    assert history.blind_us == S


def test_previous_boot_then_kept_boots_then_newest_are_listed() -> None:
    history, kept = BootHistory(), {1: 1, 3: 9}
    for boot_id in range(1, 21):
        history.ended(boot_id, 9, S, S, kept)
    assert [boot.boot_id for boot in history.listed(kept)] == [20, 19, 18, 17, 16, 15, 3, 1]
    assert [boot.boot_id for boot in history.listed({})] == [20, 19, 18, 17, 16, 15, 14, 13]
    all_kept = dict.fromkeys(range(1, 21), 1)
    for boot_id in range(21, 31):
        history.ended(boot_id, 9, S, S, all_kept)
    assert [boot.boot_id for boot in history.listed(all_kept)] == [30, 29, 28, 27, 14, 13, 3, 1]


def test_every_boot_is_listed_before_its_events_are_sent() -> None:
    node, hub, now = new_node(), Hub(), T0
    for n in range(30):  # each boot senses one event, without a hub
        node.poll(now)
        node.sense(ENGAGE, now + 10 + n)
        node.reboot(now + 1_000, blind_us=5_000)
        now += 6_000
    listed: set[int] = {node.boot_id}
    for _ in range(100):
        now += 10_000
        for frame in hub.receive(node.poll(now)):
            if isinstance(frame.message, link.Hello):
                assert len(frame.message.earlier) <= link.MAX_EARLIER
                listed |= {boot.boot_id for boot in frame.message.earlier}
            elif isinstance(frame.message, link.Event):
                assert frame.boot_id in listed
                hub.receive(node.receive(ack(frame), now))
    assert node.pending == 0
    assert {frame.boot_id for frame in hub.events()} == set(range(1000, 1030))
