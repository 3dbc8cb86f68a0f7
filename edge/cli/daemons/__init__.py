"""Entry points that systemd starts: sensor, assembler and push service."""
