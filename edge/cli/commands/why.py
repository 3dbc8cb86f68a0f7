"""``archstats-sensor why``: everything that a shot's value rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import asyncpg

from edge.cli.commands.orphan import facts, line
from edge.cli.commands.why_lines import orphan_lines, why_lines
from edge.common.config.errors import CommandError
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.operator.judging import LAST, find_orphan, find_shot, history_of
from edge.operator.shot_format import shot_facts
from edge.shots.assembly.explain import explain, explain_landing
from edge.shots.assembly.model import ReadingKey
from edge.shots.store.context import load_snapshot


async def print_why(connection: Connection, reference: str, lane: int | None, *, as_json: bool) -> None:
    """Explain a shot, or a landing that is nobody's, from the readings, as the assembler would decide it now.

    Raises Refused when there is no such shot, or the readings make none of it any more.
    """
    try:
        shot = await find_shot(connection, reference, lane)
    except CommandError as fault:
        if reference == LAST:
            raise
        try:
            orphan = await find_orphan(connection, reference)
        except CommandError:
            raise fault from None
        await _print_orphan(connection, orphan, as_json=as_json)
        return
    seen = await load_snapshot(connection, shot["session_id"])
    explained = explain(seen.readings, seen.context, shot["id"]) if seen is not None else None
    if explained is None:
        raise CommandError(
            f"shot {shot['id']} is void: {shot['void_reason'] or 'the readings make no such shot any more'}",
            hint="It is kept as it was last told; see: archstats-sensor shots list",
        )
    history = [
        {**row, "old": json.loads(row["old"]), "new": json.loads(row["new"])}
        for row in map(dict, await history_of(connection, shot))
    ]
    if as_json:
        told = plain(explained)
        say(json_object({"shot": shot_facts(dict(shot)), "explanation": told, "corrections": history}))
        return
    for text in why_lines(dict(shot), explained, history):
        say(text)


async def _print_orphan(connection: Connection, orphan: asyncpg.Record, *, as_json: bool) -> None:
    seen = await load_snapshot(connection, orphan["session_id"])
    key = ReadingKey(orphan["device_id"], orphan["stream_id"], orphan["seq"])
    candidates = explain_landing(seen.readings, seen.context, key) if seen is not None else ()
    if as_json:
        say(json_object({"orphan": facts(dict(orphan)), "candidates": plain(candidates)}))
        return
    for text in orphan_lines(line(dict(orphan)), candidates):
        say(text)


def plain(value: object) -> object:
    """Values of our own as JSON objects and lists."""
    if isinstance(value, ReadingKey):
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value
