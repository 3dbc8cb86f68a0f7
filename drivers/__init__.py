"""All that touches hardware: the driver contract, codecs, transports and one file per driver."""
