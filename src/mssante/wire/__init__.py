"""Protocols and formats as pure code: bytes in, values out, and back."""
