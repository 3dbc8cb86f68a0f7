"""Everything that people write: sessions, corrections, backups. No typer, no Starlette."""
