"""The durable queue between a device and the database: memory, disk and the ledger of streams."""
