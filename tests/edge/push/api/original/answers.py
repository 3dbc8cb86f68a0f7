"""Answers as the cases of the original demand them: envelope, status, and the place of an error."""

from __future__ import annotations

from typing import Any

import httpx

UNKNOWN = "6f6f6f6f-0000-4000-8000-000000000001"
"""An id of no row."""


def data_of(answer: httpx.Response, status: int = 200) -> Any:
    """The data of an answer that must be a success of this status."""
    assert answer.status_code == status, answer.text
    envelope = answer.json()
    assert (set(envelope), envelope["code"], envelope["errors"]) == ({"code", "data", "errors"}, status, [])
    return envelope["data"]


def refused(answer: httpx.Response, status: int, code: str | None = None, field: str | None = None) -> str:
    """The message of an answer that must be an error: in the envelope, with a place on 422, and without SQL or Python."""
    assert answer.status_code == status, answer.text
    envelope = answer.json()
    assert envelope["code"] == status
    assert envelope["errors"]
    if code is not None:
        assert code in [one["code"] for one in envelope["errors"]], answer.text
    if status == 422:
        places = [place for one in envelope["detail"] for place in one["loc"]]
        assert field is None or field in places, answer.text
    for word in ("Traceback", "asyncpg", "Failing row", "constraint", "syntax error", "SELECT ", "insert into"):
        assert word not in answer.text
    return " ".join(one["message"] for one in envelope["errors"])


async def open_session(client: httpx.AsyncClient, **values: object) -> str:
    """Open a session like the original's clients; returns its id."""
    body = {"is_opened": True, "start_time": "2026-01-01T10:00:00Z", "location": "Hall 1", "is_indoor": True}
    found: str = data_of(await client.post("/session", json=body | values), 201)
    return found


async def add_target(client: httpx.AsyncClient, session_id: str, **values: object) -> str:
    """Give a session a target; returns its id."""
    body = {"max_x": 1280.0, "max_y": 1280.0, "distance": 18, "session_id": session_id}
    found: str = data_of(await client.post("/target", json=body | values), 201)
    return found
