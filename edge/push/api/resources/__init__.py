"""The resources of the API, one file each: their operations, the models of their requests and answers, and their SQL."""

from __future__ import annotations

from edge.push.api.operation import AnyOperation, Api
from edge.push.api.resources import (
    archer,
    arrow,
    calibration,
    command,
    device,
    export,
    face,
    history,
    live,
    orphan,
    paper,
    performance,
    session,
    session_opening,
    shot,
    slot,
    statistics,
    target,
)

_RESOURCES = (
    session, session_opening, archer, slot, target, face, arrow, shot, orphan, performance, device, calibration, command,
    statistics, history, export, paper, live,
)  # fmt: skip


def all_operations(api: Api) -> list[AnyOperation]:
    """Return the operations of every resource."""
    return [operation for resource in _RESOURCES for operation in resource.operations(api)]
