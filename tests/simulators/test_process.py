"""The process ``python -m simulators``: started, read over a real terminal, killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import UnionType

import pytest

from drivers.link import codec as link
from simulators import process
from simulators.devices.registry import load_line_simulator
from simulators.process import EX_CONFIG, ProcessEvent, UsageError, parse_devices
from simulators.world.range import EventKind, World
from tests.simulators.devices.acknowledging_hub import Hub, ack, hub_frame
from tests.timing import limit_s

S = 1_000_000
DEADLINE_S = 60.0
REPORTED: dict[type, EventKind] = {
    link.Engage: EventKind.ENGAGE,
    link.Release: EventKind.RELEASE,
    link.Landing: EventKind.LANDING,
}


@dataclass
class Line:
    """A terminal opened like a daemon's, with the arrival time of each frame (UTC in microseconds)."""

    fd: int
    hub: Hub

    def receive(self, timeout_s: float) -> list[tuple[int, link.Frame]]:
        """Read once; return the frames, each with its time of arrival."""
        if not select.select([self.fd], [], [], timeout_s)[0]:
            return []
        data, now_us = os.read(self.fd, 65536), time.time_ns() // 1000
        return [(now_us, frame) for frame in self.hub.receive(data)]

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)


@contextmanager
def simulators(
    world: World, links: Path, devices: str = "bow-1:bow.link,target-1:target.link", *more: str
) -> Iterator[subprocess.Popen[str]]:
    argv = [
        sys.executable,
        "-m",
        "simulators",
        "--world",
        world.to_json(),
        "--links",
        str(links),
        "--devices",
        devices,
        *more,
    ]
    environ = {**os.environ, "ARCH_STATS_PARENT": str(os.getpid())}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["event"] == ProcessEvent.READY
            assert ready["pid"] == process.pid
            assert ready["devices"] == {
                part.split(":")[0]: str(links / part.split(":")[0]) for part in devices.split(",")
            }
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


@contextmanager
def opened(port: Path) -> Iterator[Line]:
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield Line(fd, Hub())
    finally:
        os.close(fd)


def now_us() -> int:
    return time.time_ns() // 1000


def test_both_devices_report_the_truth_on_time(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    start = now_us()
    world = World(7, start, 20.0)
    with (
        simulators(world, tmp_path) as process,
        opened(tmp_path / "bow-1") as bow,
        opened(tmp_path / "target-1") as target,
    ):
        late_us: list[int] = []
        landings: list[link.Landing] = []
        seen: set[tuple[int, int]] = set()
        ready_us = now_us()
        before = len(world.events(1, start, ready_us))
        wanted = world.events(1, start, ready_us + 60 * S)[: before + 12]
        kinds = (EventKind.ENGAGE, EventKind.RELEASE, EventKind.LANDING)
        expected = {kind: [e for e in wanted if e.kind is kind] for kind in kinds}
        arrived: dict[EventKind, list[int]] = {kind: [] for kind in expected}
        end = time.monotonic() + DEADLINE_S
        while any(len(arrived[kind]) < len(expected[kind]) for kind in expected):
            assert time.monotonic() < end, arrived
            ready = select.select([bow.fd, target.fd], [], [], 1.0)[0]
            for line in (bow, target):
                if line.fd not in ready:
                    continue
                for came_us, frame in line.receive(0):
                    if isinstance(frame.message, link.Event):
                        line.send(ack(frame))
                        if (frame.node, frame.seq) in seen:
                            continue  # a repeat, because the acknowledgement was late
                        seen.add((frame.node, frame.seq))
                        if (kind := REPORTED.get(type(frame.message))) is not None:
                            arrived[kind].append(came_us)
                    if isinstance(frame.message, link.Landing):
                        landings.append(frame.message)
        for kind, events in expected.items():
            late_us += [came - e.at_us for came, e in zip(arrived[kind], events, strict=False) if e.at_us > ready_us]
        for landing, event in zip(landings, expected[EventKind.LANDING], strict=False):
            assert event.arrow_id is not None
            assert (landing.tag, landing.x_mm, landing.y_mm) == (event.arrow_id.hex, event.x_mm, event.y_mm)
        assert min(late_us) >= -1000, "an event was reported before it happened"
        half_us = limit_s(pytestconfig, 0.05) * S
        assert sorted(late_us)[len(late_us) // 2] < half_us, "events are reported when they happen"
        assert bow.hub.decoder.counters.damaged == target.hub.decoder.counters.damaged == 0
        assert process.poll() is None


def test_unacknowledged_events_are_resent_to_the_next_reader(tmp_path: Path) -> None:
    world = World(7, now_us(), 20.0)
    with simulators(world, tmp_path, "bow-1:bow.link"):
        with opened(tmp_path / "bow-1") as line:
            first = wait_for(line, link.Event)
        with opened(tmp_path / "bow-1") as line:
            again = wait_for(line, link.Event, first.seq)
            assert (again.boot_id, again.t_us) == (first.boot_id, first.t_us)
            line.send(hub_frame(link.HelloRequest()))
            assert wait_for(line, link.Hello).boot_id == first.boot_id
            t0 = time.monotonic_ns()
            line.send(hub_frame(link.TimeRequest(t0), seq=9))
            answer = wait_for(line, link.TimeResponse)
            assert isinstance(answer.message, link.TimeResponse)
            assert answer.message.t0 == t0
            assert answer.seq == 9
            assert answer.message.t1 <= answer.t_us


def wait_for(line: Line, kind: type | UnionType, seq: int | None = None) -> link.Frame:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        for _, frame in line.receive(1.0):
            if isinstance(frame.message, kind) and seq in (None, frame.seq):
                return frame
    pytest.fail(f"no {kind} arrived")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_process_and_remove_the_ports(tmp_path: Path, number: signal.Signals) -> None:
    with simulators(World(7, now_us(), 20.0), tmp_path) as process:
        assert sorted(p.name for p in tmp_path.iterdir()) == ["bow-1", "target-1"]
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
        assert list(tmp_path.iterdir()) == []
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_process_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'simulators', '--links', sys.argv[1], '--devices', 'bow-1:bow.link'],"
        " env={**os.environ, 'ARCH_STATS_PARENT': str(os.getpid())}, start_new_session=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = json.loads(parent.stdout.readline())["pid"]
        handle = os.pidfd_open(child)
        parent.kill()
        assert select.select([handle], [], [], DEADLINE_S)[0], "the simulators outlived their parent"
        os.close(handle)
    assert list(tmp_path.iterdir()) == []


def test_line_faults_occur_and_are_counted_at_the_end(tmp_path: Path) -> None:
    port = tmp_path / "bow-1"
    with simulators(World(7, now_us(), 20.0), tmp_path, "bow-1:bow.link", "--fault", "unplug=1,split=1") as process:
        was_away, came_back = False, 0
        end = time.monotonic() + DEADLINE_S
        while came_back < 2:
            assert time.monotonic() < end, (was_away, came_back)
            try:
                with opened(port) as line:
                    came_back += was_away
                    was_away = False
                    while line.receive(2.0):
                        pass
            except OSError:  # the port hung up or is absent
                was_away = was_away or not port.exists()
                select.select([], [], [], 0.01)
        process.terminate()
        assert process.stdout is not None
        end_event = json.loads(process.stdout.readlines()[-1])
        assert end_event["event"] == ProcessEvent.END
        assert end_event["faults"]["bow-1"]["node"]["unplug"] >= 2
        assert end_event["faults"]["bow-1"]["to_hub"]["split"] >= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--devices", "bow-1"], "no simulator exists for driver ''"),
        (["--devices", "bow-1:bow.gpio"], "Choose one of: bow.link, target.link"),
        (["--devices", "bow:bow.link"], "like bow-1:bow.link"),
        (["--devices", "bow-1:bow.link:0"], "like bow-1:bow.link"),
        (["--devices", "../bow-1:bow.link"], "like bow-1:bow.link"),
        (["--devices", "bow-1:bow.link,bow-1:bow.link"], "Give each device its own name"),
        (["--devices", "bow-1:bow.link", "--world", "{}"], "Write it like"),
        (["--devices", "bow-1:bow.link", "--fault", "drp=0.1"], "Did you mean drop?"),
        (["--devices", "bow-1:bow.link", "--clock", "bow-1=fast"], "like -100, or mute"),
        (["--devices", "bow-1:bow.link", "--links", "/dev/null/none"], "Choose a folder"),
    ],
)
def test_usage_errors_are_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    argv = [sys.executable, "-m", "simulators", "--links", str(tmp_path), *arguments]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == EX_CONFIG
    assert len(ended.stderr.splitlines()) == 1
    assert message in ended.stderr


def test_process_ends_when_its_parent_is_already_dead(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "simulators", "--links", str(tmp_path), "--devices", "bow-1:bow.link"]
    environ = {**os.environ, "ARCH_STATS_PARENT": "1"}
    ended = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_lane_is_given_or_taken_from_the_name() -> None:
    specs = parse_devices("bow-12:bow.link, left:target.link:12")
    assert [(s.name, s.driver, s.lane) for s in specs] == [("bow-12", "bow.link", 12), ("left", "target.link", 12)]
    with pytest.raises(UsageError):
        parse_devices("")


def test_a_variant_is_one_that_the_simulator_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"bow-1: the simulated bow\.link has no variant 'v4'\. Leave it out"):
        parse_devices("bow-1:bow.link:1:v4")

    several = replace(load_line_simulator("bow.link"), variants=("v6", "v4"))
    monkeypatch.setattr(process, "load_line_simulator", lambda _: several)
    [usual, older] = parse_devices("bow-1:bow.link:1, bow-2:bow.link:2:v4")
    assert (usual.variant, older.variant) == ("", "v4")
    with pytest.raises(UsageError, match=r"no variant 'v5'\. Choose one of: v6, v4\."):
        parse_devices("bow-1:bow.link:1:v5")
