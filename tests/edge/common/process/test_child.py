"""Work in a child: its result and its faults arrive here, and the modules that it loads do not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import pytest

from edge.common.config.errors import ConfigError
from edge.common.process import child
from edge.common.process.child import in_child


@pytest.fixture
def _counts_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork although a test runner that shares the work among processes has threads of its own."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("_counts_one_thread")
def test_result_comes_from_another_process() -> None:
    assert in_child(lambda: ("done", os.getppid()))() == ("done", os.getpid())


@pytest.mark.usefixtures("_counts_one_thread")
def test_all_parts_of_a_config_error_arrive() -> None:
    def work() -> None:
        raise ConfigError.merge(
            [ConfigError("port is wrong", hint="Set it."), ConfigError("no driver", hint="Name it.")]
        )

    with pytest.raises(ConfigError, match="port is wrong; no driver") as caught:
        in_child(work)()
    assert [part.hint for part in caught.value.parts] == ["Set it.", "Name it."]


@pytest.mark.usefixtures("_counts_one_thread")
def test_work_is_done_here_when_the_child_dies() -> None:
    here = os.getpid()

    def work() -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), 9)
        return os.getpid()

    assert in_child(work)() == here


@pytest.mark.usefixtures("_counts_one_thread")
def test_work_is_done_here_when_the_child_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "WITHIN_S", 0.05)
    here, never = os.getpid(), threading.Event()

    def work() -> int:
        if os.getpid() != here:
            never.wait()
        return os.getpid()

    assert in_child(work)() == here


class NotRebuilt:
    """A result that pickles and does not unpickle, as an exception with two arguments does."""

    def __init__(self, port: str) -> None:
        self.port = port

    def __reduce__(self) -> tuple[type[NotRebuilt], tuple[()]]:
        return NotRebuilt, ()


@pytest.mark.usefixtures("_counts_one_thread")
def test_work_is_done_here_when_its_result_cannot_be_rebuilt() -> None:
    assert in_child(lambda: NotRebuilt("/dev/ttyUSB0"))().port == "/dev/ttyUSB0"


def test_process_with_threads_is_not_forked() -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    try:
        assert in_child(os.getpid)() == os.getpid()
    finally:
        go_on.set()
        thread.join()


def test_modules_of_the_child_are_not_loaded_here() -> None:
    code = """
    import sys
    from edge.common.process.child import in_child
    def work():
        from edge.common.config.load import load_service
        return load_service({"POSTGRES_PORT": "5433"})
    assert in_child(work)().database.port == 5433
    assert "edge.common.config.settings" in sys.modules
    assert "pydantic" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)
