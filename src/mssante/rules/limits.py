"""Bounds of what one peer, one user or the disk may take: small checks, numbers in, decision out."""

from dataclasses import dataclass
from typing import Final

from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.settings import LimitSettings, StoreSettings, SubmissionSettings

PACE_GRACE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """Open connections of a door, the new one included: in all, and from the same address."""

    open_in_all: int
    open_from_address: int


@dataclass(frozen=True, slots=True)
class PaceFacts:
    """How a message is coming in: seconds since DATA, bytes so far."""

    seconds: float
    received_bytes: int


def judge_connection(facts: ConnectionFacts, limits: LimitSettings) -> Decision:
    """Return whether one more connection may be served.

    Source: reliability.md H12 (quick refusals under load); RFC 5321 section 3.8 (421).
    """
    if facts.open_from_address > limits.connections_per_address:
        return Refusal(
            Kind.TOO_MANY_CONNECTIONS,
            "connections-per-address",
            "Too many connections from your address, try again later",
            f"{facts.open_from_address} open, {limits.connections_per_address} allowed",
        )
    if facts.open_in_all > limits.connections:
        return Refusal(
            Kind.TOO_MANY_CONNECTIONS,
            "connections",
            "Too many connections, try again later",
            f"{facts.open_in_all} open, {limits.connections} allowed",
        )
    return Permit("connections")


def judge_unknown_recipients(unknown: int, limits: LimitSettings) -> Decision:
    """Return whether the connection may go on after so many recipients that do not exist.

    Source: reliability.md B09; RFC 5321 section 7.3 (harvesting of addresses).
    """
    if unknown > limits.unknown_recipients:
        return Refusal(
            Kind.TOO_MANY_UNKNOWN_RECIPIENTS,
            "unknown-recipients",
            "Too many unknown recipients",
            f"{unknown} unknown recipients, {limits.unknown_recipients} allowed on one connection",
            "Trop d'adresses inconnues : vérifiez votre liste de destinataires.",
        )
    return Permit("unknown-recipients")


def judge_recipient_count(count: int, limits: LimitSettings) -> Decision:
    """Return whether a message may have so many recipients.

    Source: RFC 5321 section 4.5.3.1.8 (100 at least are to be taken).
    """
    if count > limits.recipients:
        return Refusal(
            Kind.TOO_MANY_RECIPIENTS,
            "recipients",
            f"Too many recipients: at most {limits.recipients} for one message",
            f"{count} recipients",
            f"Trop de destinataires : {limits.recipients} au plus par message, faites plusieurs envois.",
        )
    return Permit("recipients")


def judge_size(size_bytes: int, limits: LimitSettings) -> Decision:
    """Return whether a message of that size may come in.

    Source: RFC 1870 section 6; operators.md 1.5 (25 MB).
    """
    if size_bytes > limits.message_bytes:
        return Refusal(
            Kind.MESSAGE_TOO_BIG,
            "message-bytes",
            f"Message too big: at most {limits.message_bytes} bytes",
            f"{size_bytes} bytes",
            f"Le message dépasse {limits.message_bytes // 1_000_000} Mo : envoyez des fichiers plus légers.",
        )
    return Permit("message-bytes")


def judge_pace(facts: PaceFacts, limits: LimitSettings) -> Decision:
    """Return whether a message comes in fast enough; the first 10 seconds are free.

    Source: reliability.md H11 (slow peers must not hold a place).
    """
    if facts.seconds > limits.data_seconds:
        return Refusal(Kind.TOO_SLOW, "data-seconds", "Message took too long", f"{facts.seconds:.0f} seconds")
    counted = facts.seconds - PACE_GRACE_SECONDS
    if counted > 0 and facts.received_bytes < counted * limits.data_bytes_per_second:
        return Refusal(
            Kind.TOO_SLOW,
            "data-rate",
            "Message comes in too slowly",
            f"{facts.received_bytes} bytes in {facts.seconds:.0f} seconds",
        )
    return Permit("pace")


def judge_sign_in_tries(failed: int, settings: SubmissionSettings) -> Decision:
    """Return whether the connection may try to sign in once more after so many failures.

    Source: RFC 4954 section 4 (a server may close after failures).
    """
    if failed >= settings.sign_in_tries:
        return Refusal(
            Kind.SIGN_IN_THROTTLED,
            "sign-in-tries",
            "Too many failed sign-ins, try again later",
            f"{failed} failed sign-ins",
            "Trop d'essais de connexion : vérifiez le mot de passe d'application, puis recommencez.",
        )
    return Permit("sign-in-tries")


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
