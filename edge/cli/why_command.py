"""``archstats-sensor why``: everything that a shot's value rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from edge.cli.judging_store import find_shot, history_of
from edge.cli.printing import as_json as json_object
from edge.cli.printing import say
from edge.cli.refused import Refused
from edge.cli.shot_lines import shot_facts
from edge.cli.why_lines import why_lines
from edge.common.connection import Connection
from edge.shots.seen import see_session
from edge.shots.sensed import Key
from edge.shots.why import explain


async def print_why(connection: Connection, reference: str, lane: int | None, *, as_json: bool) -> None:
    """Explain a shot from its readings, as the assembler would decide it now.

    Raises Refused when there is no such shot, or the readings make none of it any more.
    """
    shot = await find_shot(connection, reference, lane)
    seen = await see_session(connection, shot["session_id"])
    explained = explain(seen.readings, seen.scene, shot["id"]) if seen is not None else None
    if explained is None:
        raise Refused(
            f"shot {shot['id']} is void: {shot['void_reason'] or 'the readings make no such shot any more'}",
            hint="It is kept as it was last told; see: archstats-sensor shots list",
        )
    history = [
        {**row, "old": json.loads(row["old"]), "new": json.loads(row["new"])}
        for row in map(dict, await history_of(connection, shot))
    ]
    if as_json:
        facts = plain(explained)
        say(json_object({"shot": shot_facts(dict(shot)), "explanation": facts, "corrections": history}))
        return
    for line in why_lines(dict(shot), explained, history):
        say(line)


def plain(value: object) -> object:
    """Values of our own as JSON objects and lists."""
    if isinstance(value, Key):
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value
