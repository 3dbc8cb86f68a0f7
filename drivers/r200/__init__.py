"""The driver of UHF RFID readers with a MagicRF M100, QM100 or R200 chip: codec, exchanges, programming, scans."""
