"""What a peer's reply or a refusal of ours means for the sender: the kind, the status, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mssante.model.decision import TEMPORARY, Kind

REPLY_MAX_CHARS: Final = 1000

# Subject and detail of the enhanced code (RFC 3463) -> kind, when the reply is permanent.
_PERMANENT: Final = {
    "1.1": Kind.MAILBOX_UNKNOWN,
    "1.6": Kind.MAILBOX_UNKNOWN,
    "2.1": Kind.MAILBOX_SUSPENDED,
    "2.3": Kind.MESSAGE_TOO_BIG,
    "3.4": Kind.MESSAGE_TOO_BIG,
    "4.6": Kind.LOOP,
    "6.0": Kind.MESSAGE_MALFORMED,
    "6.7": Kind.UTF8_REQUIRED,
}

_STATUS: Final[Mapping[Kind, str]] = {
    Kind.MAILBOX_UNKNOWN: "1.1",
    Kind.HOST_UNKNOWN: "1.2",
    Kind.ADDRESS_SYNTAX: "1.3",
    Kind.MAILBOX_SUSPENDED: "2.1",
    Kind.MAILBOX_FULL: "2.2",
    Kind.STORE_FULL: "3.1",
    Kind.STORE_UNAVAILABLE: "3.0",
    Kind.SHUTTING_DOWN: "3.2",
    Kind.MESSAGE_TOO_BIG: "3.4",
    Kind.HOST_UNREACHABLE: "4.1",
    Kind.TOO_SLOW: "4.2",
    Kind.LOOP: "4.6",
    Kind.EXPIRED: "4.7",
    Kind.PEER_PROTOCOL: "5.0",
    Kind.TOO_MANY_RECIPIENTS: "5.3",
    Kind.MESSAGE_MALFORMED: "6.0",
    Kind.BARE_LINE_END: "6.0",
    Kind.UTF8_REQUIRED: "6.7",
    Kind.TLS_REQUIRED: "7.0",
    Kind.TLS_UNAVAILABLE: "7.0",
    Kind.CERTIFICATE_MISSING: "7.1",
    Kind.CERTIFICATE_UNTRUSTED: "7.1",
    Kind.CERTIFICATE_EXPIRED: "7.1",
    Kind.CERTIFICATE_REVOKED: "7.1",
    Kind.CERTIFICATE_USAGE: "7.1",
    Kind.REVOCATION_UNKNOWN: "7.0",
    Kind.LIST_UNAVAILABLE: "7.0",
    Kind.RECIPIENT_DOMAIN_UNLISTED: "7.1",
    Kind.SENDER_DOMAIN_UNLISTED: "7.1",
    Kind.DN_NOT_LISTED: "7.1",
    Kind.HOST_MISMATCH: "7.1",
    Kind.RELAY: "7.1",
}

_TRUST: Final = (
    "L'opérateur du destinataire n'a pas prouvé son identité : rien n'a été transmis. "
    "Prévenez votre opérateur, qui fera corriger le certificat."
)
_ADVICE: Final[Mapping[Kind, str]] = {
    Kind.MAILBOX_UNKNOWN: "Cette adresse n'existe pas : vérifiez-la dans l'annuaire, puis renvoyez le message.",
    Kind.MAILBOX_SUSPENDED: "La boîte du destinataire n'est pas en service : joignez-le par un autre moyen.",
    Kind.MAILBOX_FULL: "La boîte du destinataire est pleine : prévenez-le, ou renvoyez plus tard.",
    Kind.MESSAGE_TOO_BIG: "Le message est trop gros pour le destinataire : envoyez des fichiers plus légers.",
    Kind.MESSAGE_MALFORMED: "Le message a été jugé mal formé : signalez-le à l'éditeur de votre logiciel.",
    Kind.UTF8_REQUIRED: "L'autre opérateur n'accepte pas les adresses accentuées : utilisez une adresse sans accent.",
    Kind.LOOP: "Le message tournait en boucle : demandez au destinataire de vérifier ses renvois automatiques.",
    Kind.EXPIRED: "Les essais ont duré le temps prévu sans succès : renvoyez plus tard ou prévenez votre opérateur.",
    Kind.HOST_UNKNOWN: "Les serveurs de ce domaine sont introuvables : vérifiez l'adresse.",
    Kind.HOST_UNREACHABLE: "L'opérateur du destinataire est injoignable pour le moment.",
    Kind.TLS_UNAVAILABLE: "L'opérateur du destinataire ne propose pas de liaison chiffrée : rien n'a été transmis.",
    Kind.CERTIFICATE_MISSING: _TRUST,
    Kind.CERTIFICATE_UNTRUSTED: _TRUST,
    Kind.CERTIFICATE_EXPIRED: _TRUST,
    Kind.CERTIFICATE_REVOKED: _TRUST,
    Kind.CERTIFICATE_USAGE: _TRUST,
    Kind.REVOCATION_UNKNOWN: _TRUST,
    Kind.DN_NOT_LISTED: _TRUST,
    Kind.HOST_MISMATCH: _TRUST,
    Kind.LIST_UNAVAILABLE: "La liste blanche MSSanté est indisponible : prévenez votre opérateur.",
    Kind.RECIPIENT_DOMAIN_UNLISTED: "Ce domaine n'est plus dans l'espace de confiance MSSanté : cherchez une autre "
    "adresse de votre correspondant dans l'annuaire.",
    Kind.PEER_REFUSED: "L'opérateur du destinataire a refusé le message : sa réponse, ci-dessous, dit pourquoi.",
    Kind.PEER_DEFERRED: "L'opérateur du destinataire a demandé de réessayer plus tard.",
    Kind.PEER_PROTOCOL: "L'opérateur du destinataire a répondu de façon incorrecte.",
}


@dataclass(frozen=True, slots=True)
class PeerReply:
    """A reply of a peer, taken apart: code, enhanced code or "", text."""

    code: int
    enhanced: str
    text: str


def read_reply(line: str) -> PeerReply:
    """Return the parts of a reply on one line; code 0 when it is none.

    Source: RFC 5321 section 4.2; RFC 2034 section 4.
    """
    head, _, text = line[:REPLY_MAX_CHARS].strip().partition(" ")
    if len(head) != 3 or not (head.isascii() and head.isdigit()):
        return PeerReply(0, "", line[:REPLY_MAX_CHARS].strip())
    first, _, rest = text.partition(" ")
    if _is_enhanced(first):
        return PeerReply(int(head), first, rest.strip())
    return PeerReply(int(head), "", text.strip())


def classify_reply(code: int, enhanced: str, text: str) -> Kind:
    """Return what a negative reply means; whether to try again is `Refusal.is_temporary` of that kind.

    The code decides between now and never, the enhanced code only refines; what is no SMTP reply is tried again,
    because a message is not given up for a fault of the other side.

    Args:
        code: three digits; 0 when the peer said nothing that can be read.
        enhanced: ``5.1.1``, or "".
        text: the rest, for the one case where codes have been misused for decades.

    Source: RFC 5321 sections 4.2.1 and 4.5.3.1.10 (552 for too many recipients is temporary); RFC 3463.
    """
    detail = enhanced.partition(".")[2]
    if 400 <= code <= 499:
        return Kind.MAILBOX_FULL if detail == "2.2" else Kind.PEER_DEFERRED
    if not 500 <= code <= 599:
        return Kind.PEER_PROTOCOL
    if detail == "5.3" or (code == 552 and "too many recipients" in text.lower()):
        return Kind.TOO_MANY_RECIPIENTS
    return _PERMANENT.get(detail, Kind.PEER_REFUSED)


def status_of(kind: Kind, *, final: bool) -> str:
    """Return the enhanced status of a notice.

    Args:
        kind: why.
        final: nothing will be tried any more; a temporary kind gets the permanent class then.

    Source: RFC 3463 section 2; RFC 3464 section 2.3.4.
    """
    kind_class = 4 if kind in TEMPORARY and not final else 5
    return f"{kind_class}.{_STATUS.get(kind, '0.0')}"


def advice(kind: Kind) -> str:
    """Return why and what to do, in French for our user; never empty."""
    return _ADVICE.get(kind, f"Le message n'a pas été accepté (motif : {kind.value}) : prévenez votre opérateur.")


def _is_enhanced(text: str) -> bool:
    parts = text.split(".")
    digits = all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts)
    return len(parts) == 3 and digits and parts[0] in {"2", "4", "5"}
