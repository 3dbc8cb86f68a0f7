"""Words, numbers and dates of printed pages in each language. Times are those of the hub, with their zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from edge.common.console import local


class Language(StrEnum):
    """A language of printed pages, by its code."""

    EN = "en"
    DE = "de"


def chosen_language(accepted: str) -> Language:
    """The language that ``Accept-Language`` prefers among these; English where it names none (RFC 9110, 12.5.4)."""
    best, most = Language.EN, 0.0
    for entry in accepted.split(","):
        tag, _, parameter = entry.partition(";")
        code = tag.strip().partition("-")[0].lower()
        weight = _weight(parameter)
        if code in list(Language) and weight > most:
            best, most = Language(code), weight
    return best


def language_of_environment(environ: Mapping[str, str]) -> Language:
    """The language of a terminal, by ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``."""
    given = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return chosen_language(given.partition(".")[0].replace("_", "-"))


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: Language

    def __getitem__(self, key: str) -> str:
        """The word or sentence of a key. Raises KeyError for an unknown one."""
        return TEXTS[key][list(Language).index(self.language)]

    def number(self, value: float, digits: int = 1) -> str:
        """A number with fixed digits and the language's decimal sign."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language is Language.DE else text

    def metres(self, value: float) -> str:
        """A distance: 18 m, 18.288 m."""
        text = f"{value:g} m"
        return text.replace(".", ",") if self.language is Language.DE else text

    def date(self, at: datetime) -> str:
        """The day of the hub's time zone."""
        return f"{at.astimezone():%d.%m.%Y}" if self.language is Language.DE else f"{at.astimezone():%Y-%m-%d}"

    def time(self, at: datetime | None) -> str:
        """Day and time of day with the zone; a dash without an instant."""
        if at is None:
            return "-"
        return local(at, "%d.%m.%Y %H:%M:%S" if self.language is Language.DE else "%Y-%m-%d %H:%M:%S")

    def yes_no(self, is_true: bool) -> str:
        """A boolean."""
        return self["yes"] if is_true else self["no"]


TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "yes": ("yes", "ja"),
    "no": ("no", "nein"),
    "none": ("none", "keine"),
    "score_sheet": ("Score sheet", "Schusszettel"),
    "certificate": ("Session certificate", "Sitzungsprotokoll"),
    "archer": ("Archer", "Schütze"),
    "no_archer": ("Arrows of no archer", "Pfeile ohne Schütze"),
    "slot": ("Place", "Platz"),
    "lane": ("Lane", "Bahn"),
    "date": ("Date", "Datum"),
    "place": ("Location", "Ort"),
    "indoor": ("indoor", "Halle"),
    "outdoor": ("outdoor", "im Freien"),
    "distance": ("Distance", "Entfernung"),
    "face": ("Face", "Auflage"),
    "rules": ("Rules", "Regeln"),
    "version": ("version", "Version"),
    "session": ("Session", "Sitzung"),
    "state": ("State", "Zustand"),
    "state_open": ("open: not final", "offen: nicht endgültig"),
    "state_closing": ("closing: not final", "wird geschlossen: nicht endgültig"),
    "state_closed": ("closed", "geschlossen"),
    "from_to": ("Time", "Zeit"),
    "end": ("End", "Passe"),
    "sum": ("Sum", "Summe"),
    "total": ("Total", "Gesamt"),
    "sighter": ("Sighters", "Probe"),
    "no_end": ("no end", "ohne Passe"),
    "surplus": ("not counted:", "nicht gewertet:"),
    "average": ("Average per arrow", "Schnitt je Pfeil"),
    "undecided_note": (
        "? is an arrow whose value is not known; it counts 0.",
        "? ist ein Pfeil ohne bekannten Wert; er zählt 0.",
    ),
    "signature_archer": ("Signature of the archer", "Unterschrift Schütze"),
    "signature_scorer": ("Signature of the scorer", "Unterschrift Schreiber"),
    "simulated": (
        "Simulated devices: no real arrow was shot.",
        "Simulierte Geräte: Es wurde kein echter Pfeil geschossen.",
    ),
    "replayed": (
        "Replayed recordings, not the devices themselves.",
        "Wiedergegebene Aufzeichnungen, nicht die Geräte selbst.",
    ),
    "devices": ("Devices that watched", "Beteiligte Geräte"),
    "device": ("Device", "Gerät"),
    "kind": ("Kind", "Art"),
    "bow": ("bow", "Bogen"),
    "arrow": ("arrow scanner", "Pfeilleser"),
    "target": ("target", "Scheibe"),
    "driver": ("Driver", "Treiber"),
    "stored_until": ("All stored until", "Vollständig bis"),
    "watched": ("Proven to be working", "Nachweislich in Betrieb"),
    "watched_note": (
        "Yes: the device was on the lane and never blind, and all its events are stored.",
        "Ja: Das Gerät war auf der Bahn und nie blind, und alle seine Ereignisse sind gespeichert.",
    ),
    "misses_note": (
        "An arrow that did not land while the target is proven to be working is a miss.",
        "Ein Pfeil ohne Einschlag ist ein Fehlschuss, solange die Scheibe nachweislich in Betrieb war.",
    ),
    "cause": ("Cause", "Ursache"),
    "cause_gap": ("gap", "Lücke"),
    "cause_off_lane": ("not on the lane", "nicht auf der Bahn"),
    "cause_not_stored": ("its events are not stored", "Ereignisse nicht gespeichert"),
    "since": ("From", "Von"),
    "until": ("To", "Bis"),
    "seconds": ("Seconds", "Sekunden"),
    "calibrations": ("Active calibrations", "Gültige Kalibrierungen"),
    "calibration": ("Calibration", "Kalibrierung"),
    "nominal": ("none: nominal position, sigma assumed", "keine: Sollposition, Sigma angenommen"),
    "sigma": ("Sigma (mm)", "Sigma (mm)"),
    "calibrated": ("Calibrated", "Kalibriert"),
    "shots_of_it": ("Shots", "Schüsse"),
    "values": ("Values", "Werte"),
    "count_shots": ("Shots", "Schüsse"),
    "count_unknown": ("Unknown", "Unbekannt"),
    "count_pending": ("Not decided yet", "Noch nicht entschieden"),
    "count_misses": ("Misses", "Fehlschüsse"),
    "count_off_face": ("Hits beside the face", "Treffer neben der Auflage"),
    "count_void": ("Void", "Ungültig"),
    "count_not_shot": ("Let down", "Abgesetzt"),
    "count_line_calls": ("Line calls", "Linienentscheidungen"),
    "count_line_calls_ruled": ("- ruled on by an operator", "- vom Bediener entschieden"),
    "count_surplus": ("Surplus arrows, not counted", "Überzählige Pfeile, nicht gewertet"),
    "count_sighters": ("Sighters", "Probepfeile"),
    "orphans_open": ("Landings without a release, open", "Einschläge ohne Abschuss, offen"),
    "orphans_assigned": ("Landings without a release, assigned", "Einschläge ohne Abschuss, zugeordnet"),
    "orphans_voided": ("Landings without a release, dismissed", "Einschläge ohne Abschuss, verworfen"),
    "shaft_known": ("Shots with the arrow's own shaft diameter", "Schüsse mit bekanntem Schaftdurchmesser"),
    "shaft_assumed": ("Shots with an assumed shaft diameter", "Schüsse mit angenommenem Schaftdurchmesser"),
    "assembly_rules": ("Version of the assembly", "Version der Zuordnung"),
    "corrections": ("Corrections", "Korrekturen"),
    "who": ("Who", "Wer"),
    "when": ("When", "Wann"),
    "shot": ("Shot", "Schuss"),
    "landing": ("landing", "Einschlag"),
    "old_value": ("Before", "Vorher"),
    "new_value": ("After", "Nachher"),
    "reason": ("Reason", "Grund"),
    "rescores": ("Rescores", "Neuwertungen"),
    "changes": ("Changes", "Änderungen"),
    "made": ("Printed", "Gedruckt"),
    "clock_note": (
        "Times are those of the hub's clock, as it was set when the session was opened.",
        "Zeiten nach der Uhr des Hubs, wie sie beim Öffnen der Sitzung gestellt war.",
    ),
}
"""Every word, in the order of ``Language``."""
