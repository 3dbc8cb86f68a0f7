"""Everything that operators write and look up: sessions, corrections, orphans, quarantine, rebuilds, backups.

No typer, no Starlette, no printing: the command line and an HTTP API call the same functions.
"""
