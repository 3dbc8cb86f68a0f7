"""``archstats-sensor arrow``: the records of the arrows, and the tags in them."""

from __future__ import annotations

from edge.cli.commands.arrow.records import (
    change_command,
    import_command,
    list_command,
    register_command,
    restore_command,
    void_command,
)
from edge.cli.commands.arrow.tags import program_command, verify_command
from edge.cli.commands.options import command_group

app = command_group("Arrows: register them, and program their tags.")


@app.callback()
def arrow_group() -> None:
    """Arrows: register them, and program their tags."""


app.command("register")(register_command)
app.command("program")(program_command)
app.command("verify")(verify_command)
app.command("list")(list_command)
app.command("change")(change_command)
app.command("void")(void_command)
app.command("restore")(restore_command)
app.command("import")(import_command)
