"""A scanner with a pad whose driver follows a script: it finds, writes, tears and locks tags as the real driver reports it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from drivers.contract import Command, CommandResult, Progress, ReportProgress, ignore_progress
from tests.edge.sensor.scripted_scanner import ScriptedScanner

BLANK = "e28011700000020f0000000000000000"


@dataclass
class PadTag:
    """A tag with 128 bits of EPC memory."""

    tid: str = "e28011700000020f12345678"
    memory: str = BLANK
    pc: str = "3000"
    is_locked: bool = False


class ScriptedPad(ScriptedScanner):
    """One tag lies on the pad, or none, or several."""

    def __init__(self) -> None:
        super().__init__()
        self.on_pad: list[PadTag] = [PadTag()]
        self.tears_after: int | None = None
        """Words of the EPC that the next write reaches."""
        self.waits_before_write = False
        """The next write does not begin."""
        self.waits_in_write = False
        """The next write does not end."""

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        if command.name not in ("inspect_tag", "program_arrow"):
            return await super().execute(command, report)
        self.ran.append(command)
        report(Progress("looking for exactly one tag", 0, 9))
        if len(self.on_pad) != 1:
            return self._not_one()
        (tag,) = self.on_pad
        if command.name == "inspect_tag":
            epc = tag.memory if tag.pc == "4000" else tag.memory[:24]
            seen: dict[str, int | float | str | bool] = {
                "epc": epc,
                "pc": tag.pc,
                "memory": tag.memory,
                "tid": tag.tid,
                "rssi_dbm": -51,
            }
            return CommandResult(ok=True, values=seen)
        return await self._program(tag, command, report)

    async def _program(self, tag: PadTag, command: Command, report: ReportProgress) -> CommandResult:
        epc, lock = str(command.arguments["epc"]), command.arguments["lock"]
        facts: dict[str, int | float | str | bool] = {
            "epc": epc, "tid": tag.tid, "pc_before": tag.pc, "memory_before": tag.memory, "written": False,
            "is_locked": False,
        }  # fmt: skip
        if tag.tid != command.arguments["tid"]:
            return CommandResult(ok=False, values={**facts, "refusal": "other_tag"}, error="The tag is another one.")
        if self.waits_before_write:
            report(Progress("checking the tag", 2, 9, values={"written": False}))
            await asyncio.Event().wait()
        if tag.memory != epc or tag.pc != "4000":
            facts["written"] = True
            report(Progress("writing the tag", 4, 9, values={"written": True, "tid": tag.tid}))
            if self.tears_after is not None:
                words, self.tears_after = self.tears_after, None
                tag.pc, tag.memory = "4000", epc[: 4 * words] + tag.memory[4 * words :]
                left = "The tag left the field after the write began, so its memory may be incomplete."
                return CommandResult(ok=False, values={**facts, "refusal": "tag_left"}, error=left)
            report(Progress("writing the tag", 4, 9, values={"write_attempts": 1}))
            if self.waits_in_write:
                await asyncio.Event().wait()
            tag.pc, tag.memory = "4000", epc
        if lock:
            tag.is_locked = True
        facts["is_locked"] = bool(lock)
        if lock:
            facts["lock_proof"] = "a second write was refused"
        return CommandResult(ok=True, values={**facts, "bank_epc": tag.memory, "inventory_epc": tag.memory})

    def _not_one(self) -> CommandResult:
        if not self.on_pad:
            return CommandResult(ok=False, values={"refusal": "no_tag"}, error="The scanner reads no tag.")
        listed = [tag.memory for tag in self.on_pad]
        error = f"The scanner reads several tags: {', '.join(listed)}."
        return CommandResult(ok=False, values={"refusal": "several_tags", "tags": " ".join(listed)}, error=error)
