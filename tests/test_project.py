"""Project rules that no other tool checks."""

from __future__ import annotations

import ast
import re
import shlex
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org"}


def tracked(*patterns: str) -> list[Path]:
    """Return the project's files by git; in an unpacked archive, by their place on disk."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]
    return [path for pattern in patterns for path in ROOT.rglob(pattern) if ".venv" not in path.parts]


def test_the_lock_names_only_the_public_registry() -> None:
    hosts = {urlparse(url).hostname for url in re.findall(r'https?://[^"\s]+', (ROOT / "uv.lock").read_text())}
    assert hosts == PUBLIC_HOSTS


def test_every_locked_file_has_a_hash() -> None:
    files = re.findall(r'\{ url = "[^"]+", [^}]*\}', (ROOT / "uv.lock").read_text())
    assert len(files) > 100
    assert [line for line in files if 'hash = "sha256:' not in line] == []


def test_no_source_file_is_over_400_lines() -> None:
    long = {
        p.name: n for p in tracked("*.py", "*.js", "*.css", "*.sql") if (n := len(p.read_text().splitlines())) > 400
    }
    assert long == {}


def importers(module: str) -> list[str]:
    """Return the source files that import a module, relative to the root."""
    statement = re.compile(rf"^\s*(import|from) {module}\b", re.MULTILINE)
    sources = [p for room in ("drivers", "simulators", "edge") for p in (ROOT / room).rglob("*.py")]
    return sorted(str(p.relative_to(ROOT)) for p in sources if statement.search(p.read_text()))


def test_some_libraries_are_imported_in_one_file() -> None:
    assert importers("serial_asyncio") == ["drivers/transport/serial.py"]
    assert importers("gpiozero") == ["drivers/transport/gpio.py"]
    assert importers("gpiod") == ["drivers/transport/gpiod_pins.py"]
    assert importers("sqlite3") == ["edge/sensor/queue/disk.py"]


def test_only_edge_imports_the_database_driver() -> None:
    assert importers("asyncpg") != []
    assert {name.split("/")[0] for name in importers("asyncpg")} == {"edge"}


ROOMS = ("drivers", "simulators", "edge")


def test_no_folder_has_more_than_20_files() -> None:
    files = Counter(path.parent for path in tracked("*.py", "*.js", "*.sql", "*.css", "*.md"))
    assert {str(folder.relative_to(ROOT)): n for folder, n in files.items() if n > 20} == {}


def test_most_files_are_neither_fragments_nor_heaps() -> None:
    sources = [p for room in ROOMS for p in tracked(f"{room}/*.py") if p.name != "__init__.py"]
    median = statistics.median(len(p.read_text().splitlines()) for p in sources)
    assert 90 <= median <= 200


def test_each_folder_documents_its_role() -> None:
    folders = {path.parent for room in ROOMS for path in tracked(f"{room}/*.py")}
    undocumented = [
        str(folder.relative_to(ROOT))
        for folder in folders
        if not (folder / "__init__.py").exists()
        or not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ]
    assert undocumented == []


def test_commands_for_contributors_exist() -> None:
    shown = re.findall(r"^\$ \./dev (.+)$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert len(shown) > 5
    for words in map(shlex.split, shown):
        verb, *rest = words
        assert verb in {"run", "test", "exec", "unit"}
        if verb == "exec":
            assert (Path(sys.executable).parent / rest[0]).exists(), f"./dev exec {rest[0]}: no such program"
            assert [word for word in rest if word.startswith("tests/") and not (ROOT / word).exists()] == []


def test_no_exception_is_a_frozen_dataclass() -> None:
    """Python sets the traceback of an exception that leaves a context manager, and a frozen one raises another then."""
    classes: dict[str, tuple[set[str], bool, str]] = {}
    for path in tracked("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                is_frozen = any("frozen=True" in ast.unparse(one) for one in node.decorator_list)
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                classes[node.name] = bases, is_frozen, f"{path.relative_to(ROOT)}: {node.name}"

    def is_exception(name: str) -> bool:
        return name.endswith(("Error", "Exception")) or any(map(is_exception, classes.get(name, ((), False, ""))[0]))

    found = [place for bases, is_frozen, place in classes.values() if is_frozen and any(map(is_exception, bases))]
    assert found == []
