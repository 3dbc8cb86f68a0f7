"""The drivers' pages agree with the code: worked examples, sample settings, defaults and errors."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from drivers.link.codec import (
    Ack,
    Config,
    ConfigRead,
    EarlierBoot,
    Engage,
    Frame,
    Heartbeat,
    Hello,
    HelloRequest,
    Landing,
    LinkDecoder,
    Log,
    Message,
    MessageType,
    Nak,
    NodeCapability,
    Pin,
    Release,
    ReleaseCode,
    Tags,
    TimeRequest,
    TimeResponse,
    cobs,
    encode,
)
from drivers.registry import driver_names, load_driver
from edge.common.config.settings import setting_fields

DOCS = Path(__file__).parents[2] / "docs"
HEADER = ("node", "boot_id", "seq", "t_us")
EXAMPLES = re.findall(
    r"```text\n([A-Z_]+) (node=.*)\nbody (.*)\nwire (.*)\n```", (DOCS / "protocol-link.md").read_text(encoding="utf-8")
)


def number(text: str) -> int | None:
    return None if text == "unknown" else int(text)


def length(text: str) -> float | None:
    return None if text == "unknown" else float(text)


def earlier_boot(
    boot_id: str, previous_boot_id: str, last_seq: str, kept: str, before_us: str, blind_us: str
) -> EarlierBoot:
    times = number(before_us), number(blind_us)
    return EarlierBoot(int(boot_id), int(previous_boot_id), int(last_seq), int(kept), *times)


MESSAGES: dict[str, Callable[[dict[str, str]], Message]] = {
    "HELLO_REQ": lambda _: HelloRequest(),
    "HELLO": lambda f: Hello(
        int(f["kind"]),
        NodeCapability(int(f["capabilities"])),
        number(f["blind_us"]),
        f["firmware"],
        tuple(earlier_boot(*boot.split("/")) for boot in f["earlier"].split(",") if boot),
    ),
    "ENGAGE": lambda f: Engage(number(f["rssi_dbm"]), f["tag"]),
    "RELEASE": lambda f: Release(ReleaseCode(int(f["cause"])), f["tag"]),
    "LANDING": lambda f: Landing(length(f["x_mm"]), length(f["y_mm"]), number(f["quality"]), f["tag"]),
    "TAGS": lambda f: Tags(tuple(f["tags"].split(","))),
    "PIN": lambda f: Pin(length(f["x_mm"]), length(f["y_mm"])),
    "HEARTBEAT": lambda f: Heartbeat(
        int(f["last_seq"]), number(f["battery_percent"]), number(f["rssi_dbm"]), int(f["pending"])
    ),
    "LOG": lambda f: Log(int(f["level"]), f["text"]),
    "TIME_REQ": lambda f: TimeRequest(int(f["t0"])),
    "TIME_RESP": lambda f: TimeResponse(int(f["t0"]), int(f["t1"])),
    "ACK": lambda _: Ack(),
    "NAK": lambda f: Nak(int(f["code"])),
    "CONFIG": lambda f: Config(int(f["threshold"]), int(f["window_ms"])) if f else ConfigRead(),
}


def test_the_protocol_page_has_an_example_of_each_message() -> None:
    assert {name for name, *_ in EXAMPLES} == {kind.name for kind in MessageType}


@pytest.mark.parametrize(("name", "fields", "body", "wire"), EXAMPLES)
def test_a_worked_example_equals_the_codecs_bytes(name: str, fields: str, body: str, wire: str) -> None:
    values = dict(word.split("=", 1) for word in shlex.split(fields))
    header = {key: int(values.pop(key)) for key in HEADER}
    message = MESSAGES[name](values)

    assert encode(message, **header) == bytes.fromhex(wire)
    assert cobs.decode(bytes.fromhex(wire)[:-1]) == bytes.fromhex(body)
    assert LinkDecoder().feed(bytes.fromhex(wire)) == [Frame(**header, message=message)]


def test_the_protocol_page_lists_the_message_types() -> None:
    page = (DOCS / "protocol-link.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| ([0-9A-F]{2}) \| ([A-Z_]+) \| (?:node|hub|both) \|", page, re.MULTILINE))

    assert {int(code, 16): name for code, name in table.items()} == {kind.value: kind.name for kind in MessageType}


@pytest.mark.parametrize("name", driver_names())
class TestDriverPage:
    def page(self, name: str) -> str:
        return (DOCS / "drivers" / f"{name.replace('.', '-')}.md").read_text(encoding="utf-8")

    def test_the_sample_settings_are_valid(self, name: str) -> None:
        [sample] = re.findall(r"```ini\n(.*?)```", self.page(name), re.DOTALL)
        variables = dict(line.split("=", 1) for line in sample.splitlines())
        assert variables.pop("ARCH_STATS_DRIVER") == name
        assert int(variables.pop("ARCH_STATS_LANE")) > 0

        settings = {key.removeprefix("ARCH_STATS_").lower(): value for key, value in variables.items()}
        TypeAdapter(load_driver(name).info.settings).validate_python(settings)

    def test_the_table_of_settings_equals_the_model(self, name: str) -> None:
        [table] = re.findall(r"<!-- settings -->\n(.*?)<!-- /settings -->", self.page(name), re.DOTALL)
        found = re.findall(r"^\| `ARCH_STATS_(\w+)` \| (.*?) \| (.*?) \|$", table, re.MULTILINE)

        fields = setting_fields(load_driver(name).info.settings).items()
        assert found == [
            (
                key.upper(),
                "must be given" if field.is_required else "none" if field.default is None else str(field.default),
                field.description,
            )
            for key, field in fields
        ]

    def test_the_explained_errors_exist(self, name: str) -> None:
        source = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "drivers").rglob("*.py"))
        found = re.findall(
            r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", self.page(name).split("## What each error means")[1], re.MULTILINE
        )

        assert len(found) > 10
        for message in found:
            if message not in ("message", "---"):
                for part in message.split(" ... "):
                    assert part.replace("a bow node", "a bow").replace("a target node", "a target") in source
