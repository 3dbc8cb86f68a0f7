"""Acknowledgements of a link driver on a line that is busy."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from drivers.contract import Reading
from drivers.link.codec import Ack, Engage
from tests.drivers.link.fake_node import ScriptedNode, alive
from tests.drivers.listening import TAG, bow, heard, listening
from tests.drivers.serial_lines import FarEnd


async def test_acknowledgements_wait_for_room_on_the_line(far: FarEnd) -> None:
    """A dropped one would make the node send its event again, and a busy line busier."""
    events = 5_000  # more bytes than the terminal and the port hold
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        await driver.open()
        node.send(Engage(-50, TAG), seq=1)
        async with listening(driver) as listener:
            reading = await listener.next(Reading)
            asyncio.get_running_loop().remove_reader(far.master)  # the node is busy
            for seq in range(1, events + 1):
                await driver.acknowledge(replace(reading, seq=seq))
            await asyncio.sleep(0)
            node.react()
            assert len(await heard(node, Ack)) < events
            asyncio.get_running_loop().add_reader(far.master, node.react)
            acknowledged = await heard(node, Ack, events)
    # On a slow machine a time request may come due while the line is full: that one is dropped, no acknowledgement is.
    assert [frame.seq for frame in acknowledged] == list(range(1, events + 1))
