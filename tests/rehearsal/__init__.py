"""The rehearsal network, by itself; `tests/parity` holds it to real chains."""
