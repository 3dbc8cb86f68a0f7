"""Cues of a bow's trials: keys, a file of instants, beeps."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.host import host_boot_id
from edge.cli.calibrating import bow_cues
from edge.cli.calibrating.bow_cues import LARGEST_BYTES, FileCues, KeyCues, PacedCues, PlannedTrial, read_points
from edge.cli.keyboard import Keyboard
from edge.common.config.errors import CommandError, UsageError
from tests.eventually import eventually


def lines_of(*trials: tuple[str, str]) -> str:
    return "\n".join(json.dumps({"lane": 1, "engaged_at": first, "released_at": last}) for first, last in trials)


def test_a_file_as_truth_prints_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "points"
    file.write_text(lines_of(("2026-05-01T12:00:00Z", "2026-05-01T14:00:06.5+02:00")) + "\n\n")
    (planned,) = read_points(file)
    assert planned == PlannedTrial(
        datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 12, 0, 6, 500_000, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 trials"),
        ("{}", "line 1 of .* has no engaged_at"),
        ("[" * 100_000, "line 1 of .* is no trial"),
        (lines_of(("2999-05-01T12:00:00Z", "2999-05-01T12:00:06Z")), "2999-05-01 12:00 UTC is more than a day ahead"),
        (lines_of(("9999-12-31T23:59:58Z", "9999-12-31T23:59:59.9Z")), "is more than a day ahead"),
        ('{"engaged_at": 1e999, "released_at": 2}', "an instant is a text"),
        ("\n" * (LARGEST_BYTES + 1), "is too large"),
        ("no json", "line 1 of .* is no trial"),
        (lines_of(("2026-05-01T12:00:00", "2026-05-01T12:00:06Z")), "has no time zone"),
        (lines_of(("2026-05-01T12:00:06Z", "2026-05-01T12:00:06Z")), "released before it was nocked"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "points"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_points(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_points(tmp_path / "missing")


async def test_trials_of_a_file_share_the_time_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1.5)
    starts = [now + timedelta(seconds=number * 0.8) for number in range(4)]
    planned = [PlannedTrial(start, start + timedelta(seconds=0.1)) for start in starts]
    monkeypatch.setattr(bow_cues, "REACH", timedelta(seconds=0.8))
    cues = FileCues(list(reversed(planned)))
    first = await cues.next_trial(1, 4, 50)
    assert (first.engaged.at, first.since) == (starts[0], starts[0] - timedelta(seconds=0.8))
    assert first.until == starts[0] + timedelta(seconds=0.45)
    second = await cues.next_trial(2, 4, 50)
    assert second.since == first.until, "the same threshold goes on at once"
    third = await cues.next_trial(3, 4, 60)
    assert third.engaged.at == starts[3], "another threshold is not active before"
    with pytest.raises(CommandError, match="no instants left after 3 of 4 trials"):
        await cues.next_trial(4, 4, 60)


async def test_keys_are_the_instants_of_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bow_cues, "REACH", timedelta(seconds=0.05))
    keyboard = Keyboard()
    keyboard.feed("\n")  # pressed too early
    taking = asyncio.create_task(KeyCues(keyboard).next_trial(1, 2, 50))
    await eventually(keyboard.lines.empty)
    keyboard.feed("\n")
    await eventually(keyboard.lines.empty)
    released = datetime.now(UTC)
    keyboard.feed("\n")
    trial = await taking
    assert trial.since <= trial.engaged.at <= released <= trial.released.at
    assert trial.released.host_boot_id == host_boot_id()
    assert trial.until - trial.released.at == timedelta(seconds=0.05)
    assert datetime.now(UTC) >= trial.until


@pytest.mark.parametrize("typed", ["q\n", ""])
async def test_q_and_the_end_of_the_input_stop(typed: str) -> None:
    keyboard = Keyboard()
    taking = asyncio.create_task(KeyCues(keyboard).next_trial(2, 2, 50))
    await asyncio.sleep(0)
    keyboard.feed(typed)
    with pytest.raises(CommandError, match="stopped"):
        await taking


async def test_beeps_are_the_instants_of_a_trial(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bow_cues, "REACH", timedelta(seconds=0.01))
    trial = await PacedCues(0.05).next_trial(3, 20, 41)
    assert timedelta(seconds=0.05) <= trial.released.at - trial.engaged.at < timedelta(seconds=1)
    assert capsys.readouterr().err.splitlines() == [
        "Trial 3 of 20, threshold 41: nock at the beep, in 0.05 s.",
        "\aNock.",
        "Release at the beep, in 0.05 s.",
        "\aRelease.",
    ]
