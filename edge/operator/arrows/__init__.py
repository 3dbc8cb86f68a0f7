"""Arrows: register, import, correct, void and restore them, and program their tags through a scanner."""

from __future__ import annotations

from edge.operator.arrows.amend import CHANGEABLE, VISIBLE, amend_arrow, consistent_void, lock_arrow, remove_arrow
from edge.operator.arrows.change import change_arrow, restore_arrow, void_arrow
from edge.operator.arrows.csv_rows import LineFault, WrongLines
from edge.operator.arrows.importing import ImportedArrows, import_arrows
from edge.operator.arrows.program import ProgrammedArrow, find_to_program, program_arrow
from edge.operator.arrows.records import Arrow, ArrowState, arrow_facts, find_arrow, list_arrows
from edge.operator.arrows.register import NewArrow, labels_from, register_arrows
from edge.operator.arrows.scanner import choose_scanner, inspect_tag
from edge.operator.arrows.sizes import SIZES, Size, Sizes
from edge.operator.arrows.tags import InspectedTag, TagRelation, approve_tag
from edge.operator.arrows.verify import TagFinding, VerifiedTag, verify_tag

__all__ = [
    "CHANGEABLE",
    "SIZES",
    "VISIBLE",
    "Arrow",
    "ArrowState",
    "ImportedArrows",
    "InspectedTag",
    "LineFault",
    "NewArrow",
    "ProgrammedArrow",
    "Size",
    "Sizes",
    "TagFinding",
    "TagRelation",
    "VerifiedTag",
    "WrongLines",
    "amend_arrow",
    "approve_tag",
    "arrow_facts",
    "change_arrow",
    "choose_scanner",
    "consistent_void",
    "find_arrow",
    "find_to_program",
    "import_arrows",
    "inspect_tag",
    "labels_from",
    "list_arrows",
    "lock_arrow",
    "program_arrow",
    "register_arrows",
    "remove_arrow",
    "restore_arrow",
    "verify_tag",
    "void_arrow",
]
