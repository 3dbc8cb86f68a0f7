"""The far side of a simulated node, as a test needs it: reads frames, acknowledges what it likes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drivers.link import codec as link


@dataclass
class Hub:
    """Decodes what a node says and remembers all of it."""

    decoder: link.LinkDecoder = field(default_factory=link.LinkDecoder)
    frames: list[link.Frame] = field(default_factory=list)

    def hear(self, data: bytes | Iterable[bytes]) -> list[link.Frame]:
        """Take bytes; return the frames they completed."""
        heard = self.decoder.feed(data if isinstance(data, bytes) else b"".join(data))
        self.frames += heard
        return heard

    def events(self) -> list[link.Frame]:
        """Every event frame so far, repeats included."""
        return [frame for frame in self.frames if isinstance(frame.message, link.Event)]


def ask(message: link.Message, *, seq: int = 0, boot_id: int = 0, node: int = link.ANY_NODE) -> bytes:
    """A frame of the hub's."""
    return link.encode(message, node=node, boot_id=boot_id, seq=seq)


def ack(frame: link.Frame) -> bytes:
    """The acknowledgement of an event."""
    return ask(link.Ack(), seq=frame.seq, boot_id=frame.boot_id, node=frame.node)
