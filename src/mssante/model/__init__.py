"""The words: frozen values, identifiers, enums and errors; no I/O, no clock, no randomness."""
