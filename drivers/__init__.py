"""Hardware access: the driver contract, clocks, transports and one folder per protocol."""
