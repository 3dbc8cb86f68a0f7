"""Find the one row that an operator means: by its id, the first characters of its id, or ``last``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from edge.common.config.errors import CommandError

LAST = "last"
"""Reference to the newest row, in place of an id."""
FEWEST_CHARACTERS = 4
"""Length of the shortest beginning of an id that is accepted."""

_Row = TypeVar("_Row")


def id_pattern(reference: str, listing: str) -> str:
    """A LIKE pattern for the ids that begin with ``reference``; ``listing`` is the command that shows them.

    Raises CommandError for a text that is not part of an id.
    """
    if not re.fullmatch(rf"[0-9a-f-]{{{FEWEST_CHARACTERS},36}}", reference.lower()):
        raise CommandError(
            f"'{reference}' is not an id",
            hint=f"Give '{LAST}', or at least {FEWEST_CHARACTERS} characters of an id from `archstats-sensor {listing}`.",
        )
    return reference.lower() + "%"


def exactly_one(found: Sequence[_Row], noun: str, reference: str, listing: str) -> _Row:
    """The only row found. Raises CommandError when there is none, or more than one."""
    if not found:
        raise CommandError(f"there is no {noun} '{reference}'", hint=f"See `archstats-sensor {listing}`.")
    if len(found) > 1:
        raise CommandError(f"more than one {noun} begins with '{reference}'", hint="Give more characters of its id.")
    return found[0]


def nothing_found(message: str, listing: str) -> CommandError:
    """The error for a ``last`` that refers to no row."""
    return CommandError(message, hint=f"See `archstats-sensor {listing}`.")
