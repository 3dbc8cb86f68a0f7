"""Commands of a link node: ``read_config`` and ``configure``, and the answers that they await."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from drivers.contract import Command, CommandResult, Progress, ReportProgress
from drivers.errors import DriverError
from drivers.link.codec import Config, ConfigRead, Message, Nak, NakCode

ANSWER_S: Final = 0.5
"""Deadline for the answer to one transmission of a command."""
ANSWER_TRIES: Final = 4
"""Transmissions of a command. Commands are idempotent."""
READ_CONFIG: Final = "read_config"
CONFIGURE: Final = "configure"
COMMANDS: Final = frozenset({READ_CONFIG, CONFIGURE})
"""``read_config``; ``configure`` with ``threshold``, ``window_ms`` or both. Both return the node's values."""

_SETTINGS: Final = ("threshold", "window_ms")

Ask = Callable[[Message], tuple[int, bytes]]
"""Numbers a request to the node and returns its frame."""
Send = Callable[[bytes], object]
"""Writes a frame to the line."""


class NodeCommands:
    """The commands of one node that are running."""

    def __init__(self) -> None:
        self._answers: dict[int, asyncio.Future[Config | Nak]] = {}

    async def run(self, command: Command, ask: Ask, send: Send, report: ReportProgress) -> CommandResult:
        """Run a command. A setting that ``configure`` does not name keeps the value that the node reads back."""
        if command.name == READ_CONFIG:
            return _result_of(ConfigRead(), await self._exchange(ConfigRead(), ask, send, report))
        if command.name != CONFIGURE:
            return CommandResult(
                ok=False, error=f"unknown command {command.name}; the commands are {', '.join(sorted(COMMANDS))}"
            )
        wanted = _settings_of(command)
        if isinstance(wanted, str):
            return CommandResult(ok=False, error=wanted)
        if len(wanted) < len(_SETTINGS):
            present = await self._exchange(ConfigRead(), ask, send, report)
            if not isinstance(present, Config):
                return _result_of(ConfigRead(), present)
            wanted = {"threshold": present.threshold, "window_ms": present.window_ms, **wanted}
        message = Config(**wanted)
        return _result_of(message, await self._exchange(message, ask, send, report))

    def on_answer(self, number: int, message: Config | Nak) -> None:
        """Deliver the answer to request ``number``; one that no command awaits is dropped."""
        answer = self._answers.get(number)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def fail(self, fault: DriverError) -> None:
        """Let the running commands fail with ``fault``."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(fault)

    async def _exchange(self, message: Message, ask: Ask, send: Send, report: ReportProgress) -> Config | Nak | None:
        """Send a request until the node answers; None when it does not."""
        number, frame = ask(message)
        answer: asyncio.Future[Config | Nak] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            for sent in range(ANSWER_TRIES):
                if sent:
                    report(Progress("sends the request again", sent, ANSWER_TRIES))
                send(frame)
                await asyncio.wait((answer,), timeout=ANSWER_S)
                if answer.done():
                    return answer.result()
        finally:
            del self._answers[number]
        return None


def _settings_of(command: Command) -> dict[str, int] | str:
    """The settings that a command names, or an error message."""
    if not command.arguments:
        return f"no setting is given; the settings are {' and '.join(_SETTINGS)}"
    settings: dict[str, int] = {}
    for name, value in command.arguments.items():
        if name not in _SETTINGS:
            return f"unknown setting {name}; the settings are {' and '.join(_SETTINGS)}"
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFFFF:
            return f"{name} must be a whole number from 0 to 65535, not {value!r}"
        settings[name] = value
    return settings


def _result_of(asked: Message, answer: Config | Nak | None) -> CommandResult:
    if answer is None:
        return CommandResult(
            ok=False,
            error=f"the node did not answer within {ANSWER_S * ANSWER_TRIES:g} s: it may be switched off or out of reach",
        )
    if isinstance(answer, Nak):
        known = answer.code in list(NakCode)
        reason = NakCode(answer.code).name.lower().replace("_", " ") if known else f"code {answer.code}"
        return CommandResult(ok=False, error=f"the node refused: {reason}")
    values = {"threshold": answer.threshold, "window_ms": answer.window_ms}
    if isinstance(asked, Config) and asked != answer:
        return CommandResult(ok=False, values=values, error="the node kept other values")
    return CommandResult(ok=True, values=values)
