"""Rule sets: the parts of scoring that competitions choose, by code and version. Every version stays: sessions have stored it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

USUAL_RULES = "wa"
"""Code of the rule set of a session that names none."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of a rule set. Shots store its code and version."""

    code: str
    version: int
    name: str
    x_points: int | None
    """Points of an X; None where it counts as much as the highest zone of its face."""


@cache
def load_all_rules() -> Mapping[tuple[str, int], RuleSet]:
    """Load every version of every rule set, by code and version, in ascending order."""
    rows = json.loads(resources.files("edge.shots").joinpath("rules.json").read_text(encoding="utf-8"))
    known = {(row["code"], row["version"]): RuleSet(**row) for row in rows}
    return dict(sorted(known.items()))


@cache
def load_rules() -> Mapping[str, RuleSet]:
    """Load the newest version of every rule set, by its code."""
    return {code: rules for (code, _), rules in load_all_rules().items()}
