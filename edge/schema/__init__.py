"""Numbered SQL migrations, applied in order by ``archstats-sensor db migrate``."""
