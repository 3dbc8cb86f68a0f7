"""The devices of a simulated range, as the operator chooses their drivers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.contract import DeviceKind
from edge.common.config.errors import UsageError
from edge.simulation.setup import range_devices
from edge.simulation.simulate import LEAST_LEAD, lead


@pytest.mark.parametrize("target", ["freetarget", "target.freetarget"])
def test_drivers_are_named_with_or_without_their_kind(target: str) -> None:
    found = [(device.name, device.driver, device.lane) for device in range_devices(2, "nock", target)]
    assert found == [
        ("bow-1", "bow.nock", 1),
        ("target-1", "target.freetarget", 1),
        ("bow-2", "bow.nock", 2),
        ("target-2", "target.freetarget", 2),
    ]


def test_usual_devices_are_those_of_the_link() -> None:
    assert {device.driver for device in range_devices(1)} == {"bow.link", "target.link"}


def test_devices_have_the_dead_time_of_their_driver() -> None:
    (slow,) = [device for device in range_devices(1, None, "freetarget") if device.kind is DeviceKind.TARGET]
    assert slow.dead_time_s > 0.5


@pytest.mark.parametrize(
    ("bow", "target", "message", "hint"),
    [
        (
            None,
            "freetraget",
            "--target freetraget: no simulated target has this driver",
            "Did you mean target.freetarget?",
        ),
        (None, "bow.nock", "--target bow.nock: no simulated target", "Choose one of: target.link"),
        ("nock:v4", None, "--bow nock:v4: the simulated bow.nock has no variant 'v4'", "gates, switch"),
        ("link:v4", None, "--bow link:v4: the simulated bow.link has no variant 'v4'", "Leave it out"),
        ("", None, "--bow : no simulated bow", "Choose one of: bow.link"),
    ],
)
def test_unknown_driver_is_refused_with_the_known_ones(
    bow: str | None, target: str | None, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as refused:
        range_devices(1, bow, target)
    assert message in refused.value.message
    assert hint in refused.value.hint


def test_world_waits_for_daemons_whose_devices_keep_no_events() -> None:
    assert lead(range_devices(1), 10.0) == timedelta()
    assert lead(range_devices(1, "nock"), 1.0) == LEAST_LEAD
    assert lead(range_devices(1, "nock"), 10.0) == timedelta(seconds=30)


@pytest.mark.parametrize(("bow", "variant", "waits"), [(None, "", False), ("nock", "lane", True)])
def test_arrows_are_scanned_where_the_bow_reads_no_tags(bow: str | None, variant: str, waits: bool) -> None:
    *others, scanner = range_devices(2, bow, has_scanner=True)
    assert [device.name for device in others] == ["bow-1", "target-1", "bow-2", "target-2"]
    assert (scanner.name, scanner.kind, scanner.lane) == ("arrow-1", DeviceKind.ARROW, 1)
    assert scanner.variant == variant
    assert lead([scanner], 1.0) == (LEAST_LEAD if waits else timedelta()), "a desk senses nothing of the world"
