"""The faults that were dealt and what came of each, as a table for people."""

from __future__ import annotations

from collections import defaultdict

from tests.faults.chaos_run import Battle, Struck


def table(battle: Battle) -> list[str]:
    """One line a kind of fault, then the verdict."""
    kinds: dict[str, list[Struck]] = defaultdict(list)
    for struck in battle.struck:
        kinds[struck.blow.name].append(struck)
    lines = [f"{'fault':<34} {'times':>5} {'longest':>8} {'whole again after':>18}"]
    for name, dealt in sorted(kinds.items()):
        longest = max(struck.ended - struck.began for struck in dealt)
        lines.append(f"{name:<34} {len(dealt):>5} {longest:>6.1f} s {_recovery(dealt):>18}")
    lines += [f"{'on the wire: ' + name:<34} {count:>5}" for name, count in sorted(battle.wire.items())]
    return [f"seed {battle.seed}", *lines, *battle.verdict.lines()]


def _recovery(dealt: list[Struck]) -> str:
    """The worst of them. Blows overlap, so another one may have prolonged it."""
    times = [struck.whole_again - struck.ended for struck in dealt if struck.whole_again is not None]
    return f"at most {max(times):.1f} s" if len(times) == len(dealt) else "never"
