"""The certificate of a session to print. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from edge.common.vocabulary import CorrectionKind, DeviceKind
from edge.operator.export.certificate import Certificate, CertifiedCorrection, CertifiedDevice
from edge.operator.export.files import score_words
from edge.operator.export.markup import Content, Markup, document, element, facts_table, joined, row, table
from edge.operator.export.score_sheet import rules_text, session_facts
from edge.operator.export.words import Language, Words
from edge.operator.rescoring import basis_changes

_WARNINGS = {"simulator": "simulated", "replay": "replayed"}
_COUNT_KEYS = {"orphans_open", "orphans_assigned", "orphans_voided", "shaft_known", "shaft_assumed"}
"""Counts whose words have their own name; the others begin with ``count_``."""


def certificate_html(certificate: Certificate, language: Language, stylesheet: Markup) -> str:
    """The whole certificate."""
    words = Words(language)
    title = f"{words['certificate']} {words.date(certificate.head.start_time)} {words['lane']} {certificate.head.lane}"
    return document(
        title,
        language,
        stylesheet,
        element("h1", words["certificate"]),
        joined(
            element("p", words[_WARNINGS[source]], class_="warning")
            for source in certificate.sources
            if source in _WARNINGS
        ),
        facts_table(_facts(certificate, words)),
        element("p", words["clock_note"], class_="note"),
        element("h2", words["devices"]),
        _devices(certificate, words),
        element("h2", words["watched"]),
        element("p", words["watched_note"], class_="note"),
        joined(_watch(device, words) for device in certificate.devices),
        element("h2", words["calibrations"]),
        _calibrations(certificate, words),
        element("h2", words["values"]),
        facts_table(_counts(certificate, words), "facts counts"),
        element("h2", words["corrections"]),
        _corrections(certificate, words),
        element("h2", words["rescores"]),
        _rescores(certificate, words),
        element("p", f"{words['made']}: {words.time(certificate.made_at)}", class_="note"),
    )


def _facts(certificate: Certificate, words: Words) -> Iterator[tuple[Content, Content]]:
    head = certificate.head
    yield words["session"], str(head.session_id)
    yield words["state"], words[f"state_{head.state}"]
    yield from session_facts(head, words)
    end = words.time(head.end_time) if head.end_time else ""
    yield words["from_to"], f"{words.time(head.start_time)} - {end}"
    yield words["archer"], ", ".join(f"{place.letter}: {place.archer or '-'}" for place in head.places)
    yield words["face"], ", ".join(f"{face}" for face in certificate.faces)
    yield words["rules"], rules_text(head, words)
    yield words["assembly_rules"], ", ".join(map(str, certificate.assembly_versions))


def _devices(certificate: Certificate, words: Words) -> Content:
    header = [words[key] for key in ("device", "kind", "driver", "stored_until", "watched")]
    rows = [
        row([
            device.id,
            words[device.kind],
            device.driver or "-",
            words.time(device.stored_until),
            f"{words.number(100 * device.proven_s / device.watched_s if device.watched_s else 0.0)} %",
        ])
        for device in certificate.devices
    ]  # fmt: skip
    return table(header, rows, "list") if rows else element("p", words["none"])


def _watch(device: CertifiedDevice, words: Words) -> Markup:
    header = [words[key] for key in ("since", "until", "seconds", "watched", "cause")]
    rows = [
        row([
            words.time(part.since),
            words.time(part.until),
            words.number((part.until - part.since).total_seconds()),
            words.yes_no(part.is_proven),
            "; ".join([*(words[f"cause_{cause}"] for cause in part.causes), *part.reasons]),
        ])
        for part in device.parts
    ]  # fmt: skip
    heading = element("h3", f"{words['device']} {device.id}")
    note = element("p", words["misses_note"], class_="note") if device.kind is DeviceKind.TARGET else Markup("")
    return joined([heading, note, table(header, rows, "list")])


def _calibrations(certificate: Certificate, words: Words) -> Content:
    header = [words[key] for key in ("device", "since", "calibration", "sigma", "calibrated", "shots_of_it")]
    rows = [
        row([
            one.device_id,
            words.time(one.since),
            words["nominal"] if one.calibration_id is None else f"{words['version']} {one.version} ({str(one.calibration_id)[:8]})",
            words.number(one.sigma_mm, 2),
            "-" if one.who is None else f"{words.time(one.calibrated_at)}, {one.who}",
            one.shots,
        ])
        for one in certificate.calibrations
    ]  # fmt: skip
    return table(header, rows, "list") if rows else element("p", words["none"])


def _counts(certificate: Certificate, words: Words) -> Iterator[tuple[Content, Content]]:
    for field in fields(certificate.counts):
        key = field.name if field.name in _COUNT_KEYS else f"count_{field.name}"
        yield words[key], str(getattr(certificate.counts, field.name))


def _corrections(certificate: Certificate, words: Words) -> Content:
    header = [words[key] for key in ("when", "who", "shot", "old_value", "new_value", "reason")]
    rows = [
        row([
            words.time(one.at),
            one.who,
            words["landing"] if one.shot is None else one.shot,
            _before(one.old),
            _after(one),
            one.reason,
        ])
        for one in certificate.corrections
    ]  # fmt: skip
    return table(header, rows, "list") if rows else element("p", words["none"])


def _before(old: Mapping[str, object]) -> str:
    return str(old["status"]) if "status" in old else score_words(old)


def _after(one: CertifiedCorrection) -> str:
    return score_words(one.new) if one.kind is CorrectionKind.RESULT else one.kind.value


def _rescores(certificate: Certificate, words: Words) -> Content:
    header = [words[key] for key in ("when", "who", "changes", "reason")]
    rows = [
        row([words.time(one.at), one.who, "; ".join(basis_changes(one.old, one.new)) or words["none"], one.reason])
        for one in certificate.rescores
    ]
    return table(header, rows, "list") if rows else element("p", words["none"])
