"""A check for schemathesis beside its own: which requests that fit the document may be refused as wrong.

The document describes each member by itself. Rules between members, or between a member and what is stored, it cannot: such
a refusal has a code of its own, and none that names a type or a limit, which the document has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis import GenerationMode

from edge.common.vocabulary import ErrorCode

if TYPE_CHECKING:
    Case = schemathesis.Case[Any]

BEYOND_THE_DOCUMENT = {
    400: frozenset({"invalid_header"}),
    422: frozenset({*ErrorCode, "value_error", "exclusive", "unknown_session", "invalid_operator", "invalid_name"}),
}
"""Codes by status. 400: schemathesis sends an ``If-Match`` without quotes, against its pattern. 422: values that fit their
type, such as an instant before 1970, a face without rings, a lane beside a session, or a name of control characters."""
NO_ROW = "None"
"""The id of a row that there is not, in a chain of requests."""


@schemathesis.check
def refused_beyond_the_document(
    ctx: schemathesis.CheckContext,  # noqa: ARG001 - the signature is schemathesis' own
    response: schemathesis.Response,
    case: Case,
) -> None:
    """Fail when a request that fits the document is refused for what the document could have stated."""
    allowed = BEYOND_THE_DOCUMENT.get(response.status_code)
    if allowed is None or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if NO_ROW in map(str, (case.path_parameters or {}).values()):
        return
    codes = {error["code"] for error in response.json()["errors"]}
    assert codes <= allowed, f"the document allows what is refused as {sorted(codes - allowed)}"
