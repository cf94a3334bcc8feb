"""Bounds of what the disk may take; those of single connections are kept by the doors and by `mssante.wire.smtp`."""

from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.settings import StoreSettings


def judge_room(free_bytes: int, size_bytes: int, settings: StoreSettings) -> Decision:
    """Return whether the disk has room for a message and for what must still be written after it.

    Source: RFC 5321 section 4.2.3 (452); reliability.md 3.4 (disk full refuses, loses nothing).
    """
    if free_bytes - size_bytes < settings.free_bytes:
        return Refusal(
            Kind.STORE_FULL,
            "free-bytes",
            "Not enough room here, try again later",
            f"{free_bytes} bytes free, {settings.free_bytes} kept back",
            "Le serveur manque de place : réessayez plus tard ou prévenez votre opérateur.",
        )
    return Permit("free-bytes")
