"""The runtime modules of the hub. They share PostgreSQL and nothing else."""
