"""A check for schemathesis beside its own: which requests that fit the document may be refused as wrong (422).

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

WRONG = 422
BEYOND_THE_DOCUMENT = frozenset({*ErrorCode, "value_error", "exclusive", "invalid_operator"})
"""Codes of values that fit their type: an instant before 1970, a face without rings, a lane beside a session."""


@schemathesis.check
def refused_beyond_the_document(
    ctx: schemathesis.CheckContext,  # noqa: ARG001 - the signature is schemathesis' own
    response: schemathesis.Response,
    case: Case,
) -> None:
    """Fail when a request that fits the document is refused for what the document could have said."""
    if response.status_code != WRONG or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    codes = {error["code"] for error in response.json()["errors"]}
    assert codes <= BEYOND_THE_DOCUMENT, f"the document allows what is refused as {sorted(codes - BEYOND_THE_DOCUMENT)}"
