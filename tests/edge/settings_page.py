"""Generates ``docs/settings.md`` from the settings' models: ``python -m tests.edge.settings_page``."""

from __future__ import annotations

from drivers.registry import driver_names, load_driver
from edge.common.config.settings import (
    PROCESS_VARIABLES,
    DatabaseSettings,
    DeviceSettings,
    PushSettings,
    ServiceSettings,
    setting_fields,
)
from tests.test_project import ROOT

PATH = ROOT / "docs" / "settings.md"
HEAD = """# Settings

All settings are environment variables; an empty one counts as not set. An unknown `ARCH_STATS_*` variable is an error that
names the nearest known one; so is a `POSTGRES_*` variable that is nearly one of these. Check them without starting anything:

```console
$ archstats-sensor config check
$ archstats-sensor config show
```

## Where they come from

- On an [installed](install.md) hub: systemd reads `/etc/archstats/archstats.env` and the device's own file
  (`EnvironmentFile=`), and the command `archstats-sensor` reads the same files. A variable of its own environment wins over
  them.
- In development: every program reads `.env` in its working directory. A variable of the process's environment wins over the
  file, also an empty one. Of the file only `ARCH_STATS_*` and the `POSTGRES_*` variables below are taken. The file is not read
  by the programs in `/opt/archstats`, in a systemd unit, or by the processes that `--simulate` starts, which have the
  settings of their parent.

Both kinds of file follow the rules of systemd: one `NAME=value` a line. A comment stands on a line of its own, which begins
with `#` or `;`; a `#` after a value belongs to the value, also after a quoted one. Put a value with spaces or quotes in single
or double quotes. Without quotes a backslash makes the next character plain, in double quotes only a `"`, `$`, backtick or
another backslash.

A line that systemd ignores, or that its versions read differently, is refused by every command with its file and number: one
without `=`, a quote that is never closed, bytes that are not UTF-8 (an `ü` from an editor set to Latin-1), or a comment that
ends with a backslash.

```ini
POSTGRES_HOST=db.local
POSTGRES_PASSWORD='two words'
```

The tables are generated from the models: `python -m tests.edge.settings_page`.
"""
GROUPS = (
    ("Database", DatabaseSettings),
    ("Every process", ServiceSettings),
    ("Live page", PushSettings),
    ("Device", DeviceSettings),
)


def rows(model: type[object]) -> list[str]:
    """One table row a variable."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for field in setting_fields(model).values():
        default = "none" if field.default is None else f"`{field.default}`"
        lines.append(f"| `{field.variable}` | {default} | {field.description} |")
    return lines


def page() -> str:
    """The whole text."""
    parts = [HEAD.rstrip()]
    parts += ["\n".join([f"## {title}", "", *rows(model)]) for title, model in GROUPS]
    parts += [
        "\n".join([f"## Driver `{name}`", "", *rows(load_driver(name).info.settings)])
        for name in sorted(driver_names())
    ]
    between = [
        "| variable | meaning |",
        "|---|---|",
        *(f"| `{n}` | {text} |" for n, text in sorted(PROCESS_VARIABLES.items())),
    ]
    parts.append("\n".join(["## Between processes", "", *between]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
