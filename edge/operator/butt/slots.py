"""Slots: the archers' places at a butt, given when a session is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.common.bounds import storable_text
from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import DeviceKind, SlotLetter
from edge.operator.butt.layout import FacePlace

SYNTAX = "LETTER[=FACE][,bow=DEVICE][,archer=NAME]"


@dataclass(frozen=True, slots=True)
class NewSlot:
    """One archer's place."""

    letter: SlotLetter
    face: str
    """Name of the face, see :class:`edge.operator.butt.layout.FacePlace`."""
    bow: str | None = None
    archer: str | None = None


def parse_slots(texts: Sequence[str], faces: Sequence[FacePlace]) -> list[NewSlot]:
    """The slots that texts like ``A=left,bow=bow-1,archer=Kim`` ask for. Raises UsageError."""
    names = list(dict.fromkeys(face.name for face in faces))
    return checked_slots([_parse(text, names) for text in texts])


def checked_slots(slots: Sequence[NewSlot]) -> list[NewSlot]:
    """The slots of one session in the order of their letters. Raises UsageError for a slot, bow or archer that is given twice."""
    for kind, values in (("slot", [slot.letter for slot in slots]), ("bow", [slot.bow for slot in slots if slot.bow])):
        for value, count in Counter(values).items():
            if count > 1:
                raise UsageError(f"{kind} {value} is given twice", hint="Each slot and each bow is one archer's.")
    for letters in _places_by_archer(slots).values():
        if len(letters) > 1:
            raise UsageError(
                f"archer {letters[-1].archer} is in the slots {' and '.join(slot.letter for slot in letters)}",
                hint="An archer has one slot of a session. Write two archers of one name differently: Kim L., Kim P.",
            )
    return sorted(slots, key=lambda slot: slot.letter)


def _places_by_archer(slots: Sequence[NewSlot]) -> Mapping[str, Sequence[NewSlot]]:
    """The slots by archer, in the order they were given. Upper and lower case do not distinguish two archers."""
    found: dict[str, list[NewSlot]] = {}
    for slot in slots:
        if slot.archer is not None:
            found.setdefault(" ".join(slot.archer.split()).casefold(), []).append(slot)
    return found


def _parse(text: str, names: Sequence[str]) -> NewSlot:
    place, *pairs = text.split(",")
    letter, _, face = place.partition("=")
    values = dict(pair.partition("=")[::2] for pair in pairs)
    unclear = letter not in list(SlotLetter) or not values.keys() <= {"bow", "archer"} or len(values) < len(pairs)
    if unclear or not all(map(str.strip, values.values())):
        raise UsageError(f"--slot {text} is not a slot", hint=f"Write it like {SYNTAX}; letters are A, B, C and D.")
    face = face_of_slot(letter, face or None, names)
    try:
        archer = storable_text(values["archer"].strip()) if "archer" in values else None
    except ValueError as fault:
        raise UsageError(f"--slot {letter}: {fault}", hint="Write the archer's name in another way.") from fault
    return NewSlot(SlotLetter(letter), face, values.get("bow"), archer)


def face_of_slot(letter: str, face: str | None, names: Sequence[str]) -> str:
    """The name of a slot's face: the butt's only one where none is given. Raises UsageError."""
    if face is None and len(names) > 1:
        raise UsageError(f"slot {letter} has no face", hint=f"Give it one of {', '.join(names)}.")
    if face is not None and face not in names:
        raise UsageError(
            f"slot {letter} has a face '{face}' that is not on the butt", hint=f"Give one of {', '.join(names)}."
        )
    return face or names[0]


async def insert_slots(connection: Connection, session_id: UUID, lane: int, slots: Collection[NewSlot]) -> None:
    """Insert the slots of a new session, and the archers that are not known yet.

    Raises CommandError when a device is no bow of the session's lane.
    """
    for slot in slots:
        if slot.bow is not None:
            await require_bow(connection, slot.bow, lane)
        archer_id = None if slot.archer is None else await _archer(connection, clean(slot.archer))
        await connection.execute(
            "insert into slots (session_id, letter, face, bow_device_id, archer_id) values ($1, $2, $3, $4, $5)",
            session_id, slot.letter, slot.face, slot.bow, archer_id,
        )  # fmt: skip


async def _archer(connection: Connection, name: str) -> UUID:
    await connection.execute("insert into archers (name) values ($1) on conflict do nothing", name)
    archer_id: UUID = await connection.fetchval("select id from archers where name = $1", name)
    return archer_id


async def require_bow(connection: Connection, device: str, lane: int) -> None:
    """Raise CommandError when a device is no bow of the lane."""
    rows = await connection.fetch(
        "select id from devices where lane = $1 and kind = $2 order by id", lane, DeviceKind.BOW
    )
    bows = [row["id"] for row in rows]
    if device not in bows:
        raise CommandError(
            f"device {device} is no bow of lane {lane}, so nothing was changed",
            hint=f"Give one of {', '.join(bows)}." if bows else "A device is known once its daemon has run.",
        )
