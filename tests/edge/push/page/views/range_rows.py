"""A range of several lanes as on an evening of the club: archers, ends, misses, and arrows that are not registered."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.shot_rows import add_shot

RING_MM = 61.0
ARCHERS = (
    "Anna Lindqvist",
    "Bernd Okafor",
    "Chiara Moreau",
    "Dmitri Sato",
    "Eva Nilsen",
    "Farid Weiss",
    "Greta Ono",
    "Hugo Brandt",
)
TAG_PREFIX = "e28011910000"


@dataclass(frozen=True)
class Archer:
    """Where an archer's arrows land: mean and standard deviation in mm, relative to the middle of the face."""

    name: str
    dx: float = 18.0
    dy: float = -25.0
    sigma: float = 55.0


async def add_archer(lane: LaneRows, letter: str, name: str) -> uuid.UUID:
    """Give a place at the lane's butt to an archer, and return the id of the slot."""
    archer = await lane.connection.fetchval(
        "insert into archers (name) values ($1) on conflict (name) do update set name = excluded.name returning id",
        name,
    )
    slot: uuid.UUID = await lane.connection.fetchval(
        "insert into slots (session_id, letter, face, archer_id) values ($1, $2, '1', $3) returning id",
        lane.session_id, letter, archer,
    )  # fmt: skip
    return slot


async def shoot(lane: LaneRows, archers: Sequence[Archer], arrows: int, *, seed: int = 7) -> None:
    """Let the archers shoot in turn, with six arrows that are not registered."""
    chance = random.Random(seed)
    slots = [await add_archer(lane, letter, one.name) for letter, one in zip("ABCD", archers, strict=False)]
    for number in range(arrows):
        turn = number % len(archers)
        archer = archers[turn]
        dx, dy = chance.gauss(archer.dx, archer.sigma), chance.gauss(archer.dy, archer.sigma)
        ring = math.floor(max(0.0, math.hypot(dx, dy) - 3) / RING_MM)
        is_x = math.hypot(dx, dy) < RING_MM / 2
        shot = await add_shot(lane, CENTRE_MM + dx, CENTRE_MM + dy, max(0, 10 - ring), is_x=is_x)
        await lane.connection.execute(
            "update shots set slot_id = $2, arrow_tag = $3, revision = revision + 1 where id = $1",
            shot, slots[turn], f"{TAG_PREFIX}{number % 6:012x}",
        )  # fmt: skip


async def build_range(connection: Connection, lanes: int, arrows: int = 20) -> list[LaneRows]:
    """Return lanes with an archer each, who have shot some arrows."""
    made = []
    for number in range(1, lanes + 1):
        lane = LaneRows(connection, OUTDOORS, number)
        await lane.build()
        name = ARCHERS[(number - 1) % len(ARCHERS)]
        sigma = 45.0 + 6 * number
        await shoot(lane, [Archer(name, dx=8.0 * number - 30, dy=20.0 - 7 * number, sigma=sigma)], arrows, seed=number)
        made.append(lane)
    return made
