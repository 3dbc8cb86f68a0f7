"""The file by which Avahi announces the live page: valid by Avahi's own DTD, as far as it goes."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from edge.installer.plan import AVAHI_FILE, DEFAULT_ADDRESS
from edge.push.http.hosts import RANGE_NAME
from tests.test_project import ROOT

FILE = ROOT / "systemd" / AVAHI_FILE
ELEMENTS = {
    "service-group": ["name", "service"],
    "name": [],
    "service": ["type", "port", "txt-record"],
    "type": [],
    "port": [],
    "txt-record": [],
}
"""Elements with their children in the order that avahi-service.dtd asks for."""


def test_the_announcement_is_a_service_of_the_page() -> None:
    text = FILE.read_text()
    assert text.startswith(
        '<?xml version="1.0" standalone=\'no\'?>\n<!DOCTYPE service-group SYSTEM "avahi-service.dtd">\n'
    )
    root = ET.fromstring(text)  # noqa: S314 - a file of our own
    assert {node.tag: [child.tag for child in node] for node in root.iter()} == ELEMENTS
    values = {node.tag: node.text for node in root.iter()}
    assert values["type"] == "_http._tcp"
    assert values["port"] == DEFAULT_ADDRESS.rpartition(":")[2]
    assert values["txt-record"] == "path=/"
    name = root.find("name")
    assert name is not None
    assert (name.attrib, name.text) == ({"replace-wildcards": "yes"}, "Arch-Stats on %h")


def test_the_file_says_which_host_name_to_choose() -> None:
    assert RANGE_NAME in FILE.read_text()
