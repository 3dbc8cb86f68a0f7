"""Past sessions: order, filters, averages, spread and personal bests, which agree with the statistics."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from edge.common.config.errors import CommandError
from edge.operator.export.history import HistoryFilter, PastArcher, read_history
from edge.operator.statistics import read_statistics
from tests.edge.lane_rows import LaneRows
from tests.edge.operator.export.past_sessions import add_session

LOW, HIGH, FEW = [8, 8, 8, 7, 7, 7], [9, 9, 9, 8, 8, 8], [10, 10, 10]


async def archers(lane: LaneRows, **wanted: object) -> list[tuple[UUID, list[PastArcher]]]:
    await lane.connection.execute("set role archstats_push")
    found = await read_history(lane.connection, HistoryFilter(**wanted))  # type: ignore[arg-type]
    await lane.connection.execute("reset role")
    return [(one.id, list(one.archers)) for one in found.sessions]


async def test_a_personal_best_is_the_highest_total_of_its_format(lane: LaneRows) -> None:
    first = await add_session(lane, {"Kim": LOW, "Lee": HIGH})
    second = await add_session(lane, {"Kim": HIGH, "Lee": FEW})
    third = await add_session(lane, {"Kim": LOW})
    found = dict(await archers(lane))
    assert list(found)[:3] == [third, second, first]
    assert len(found[list(found)[3]]) == 1, "the session without slots"
    bests = {
        (session, one.archer): (one.points, one.best.points if one.best else None, one.is_best)
        for session, of_session in found.items()
        for one in of_session
        if one.archer
    }
    assert bests == {
        (first, "Kim"): (45, 51, False), (first, "Lee"): (51, 51, False),
        (second, "Kim"): (51, 51, True), (second, "Lee"): (30, 30, False),
        (third, "Kim"): (45, 51, False),
    }  # fmt: skip
    (kim,) = found[third]
    assert kim.best is not None
    assert kim.best.session_id == second
    await lane.connection.execute("update sessions set rule_set = 'wa_x11' where id = $1", second)
    await lane.connection.execute("update targets set distance = 30 where session_id = $1", third)
    changed = {one.archer: one.is_best for _, of_session in await archers(lane) for one in of_session}
    assert changed["Kim"] is False, "the only session of its format is no best"


async def test_of_equal_totals_the_first_alone_is_best(lane: LaneRows) -> None:
    first, second = [await add_session(lane, {"Kim": HIGH}) for _ in range(2)]
    assert {session: one.is_best for session, (one,) in await archers(lane, archer="Kim")} == {
        first: True,
        second: False,
    }


async def test_totals_equal_those_of_the_statistics(lane: LaneRows) -> None:
    session = await add_session(lane, {"Kim": [10, 9, None, 7, 7, 1, 5], "Lee": HIGH})
    update = "update shots set flags = '{%s}' where session_id = $1 and points = %d"
    await lane.connection.execute(update % ("extra", 1), session)
    await lane.connection.execute("update shots set result = 'void', void_reason = 'x' where points = 5")
    await lane.connection.execute("update sessions set sighter_ends = 1 where id = $1", session)
    read = await read_statistics(lane.connection, session)
    assert read is not None
    kim, lee = (await archers(lane, limit=1))[0][1]
    for one, other in zip((kim, lee), read[2].slots, strict=True):
        assert (one.arrows, one.points, one.average) == (other.totals.arrows, other.totals.points, other.totals.average)
        assert one.spread == (other.group.spread if other.group else None)
        assert one.best is not None
        assert one.best.points == one.points


async def test_spread_has_its_interval(lane: LaneRows) -> None:
    session = await add_session(lane, {"Kim": HIGH})
    read = await read_statistics(lane.connection, session)
    ((_, (kim,)),) = await archers(lane, archer="Kim")
    assert kim.spread is not None
    assert read is not None
    assert read[2].group is not None
    assert kim.spread == read[2].group.spread
    assert kim.spread.low_mm < kim.spread.sigma_mm < kim.spread.high_mm


async def test_pages_and_filters(lane: LaneRows) -> None:
    names = ["Kim", "Lee", "kim L.", "Kim", "Lee"]
    added = [await add_session(lane, {name: FEW}) for name in names]
    newest_first = added[::-1]
    assert [one for one, _ in await archers(lane, archer="Kim")] == [added[3], added[0]]
    assert await archers(lane, archer="KIM") == []
    assert (await read_history(lane.connection, HistoryFilter(lane=2))).sessions == []
    page = await read_history(lane.connection, HistoryFilter(lane=1, limit=2))
    seen = [one.id for one in page.sessions]
    while page.following is not None:
        page = await read_history(lane.connection, HistoryFilter(lane=1, limit=2, after=page.following))
        seen += [one.id for one in page.sessions]
    assert seen[:5] == newest_first
    assert len(seen) == len(set(seen)) == 6
    with pytest.raises(CommandError, match="does not exist"):
        await read_history(lane.connection, HistoryFilter(after=uuid4()))


async def test_an_open_session_is_not_past(lane: LaneRows) -> None:
    assert await archers(lane) == []
