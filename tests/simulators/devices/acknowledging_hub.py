"""The hub of a simulated node, reduced for tests: decodes frames, and builds requests and acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drivers.link import codec as link


@dataclass
class Hub:
    """Decoder of a node's frames that keeps all of them."""

    decoder: link.LinkDecoder = field(default_factory=link.LinkDecoder)
    frames: list[link.Frame] = field(default_factory=list)

    def receive(self, data: bytes | Iterable[bytes]) -> list[link.Frame]:
        """Decode bytes and return the frames that they complete."""
        received = self.decoder.feed(data if isinstance(data, bytes) else b"".join(data))
        self.frames += received
        return received

    def events(self) -> list[link.Frame]:
        """Every event frame so far, repeats included."""
        return [frame for frame in self.frames if isinstance(frame.message, link.Event)]


def hub_frame(message: link.Message, *, seq: int = 0, boot_id: int = 0, node: int = link.ANY_NODE) -> bytes:
    """A frame of the hub."""
    return link.encode(message, node=node, boot_id=boot_id, seq=seq)


def ack(frame: link.Frame) -> bytes:
    """The acknowledgement of an event."""
    return hub_frame(link.Ack(), seq=frame.seq, boot_id=frame.boot_id, node=frame.node)
