"""IMAP4rev1 and IMAP4rev2 without I/O: bytes to commands as values, results to responses."""
