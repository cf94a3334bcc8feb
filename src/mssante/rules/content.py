"""May this content be accepted? Asked once the whole message is there, from the summary of its header."""

from dataclasses import dataclass
from typing import Final

from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.message import Summary

CITIZEN_MAX_BYTES: Final = 25_000_000


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """What a peer sent us.

    Attributes:
        summary: of the header.
        hops: most Received fields.
        from_domains: domains that the From field may name; None when nothing is known (then R8 is not judged).
        header_from: "log" keeps a mismatch in the decision's detail, "refuse" refuses it.
    """

    summary: Summary
    hops: int
    from_domains: frozenset[str] | None
    header_from: str = "log"


@dataclass(frozen=True, slots=True)
class SubmittedContentFacts:
    """What one of our users or programs submits.

    Attributes:
        summary: of the header.
        hops: most Received fields.
        sender: of the envelope; takes the place of a From field that is missing.
        may_send: address keys that the identity may use.
        size_bytes: of the whole message.
        is_to_citizen: one of the recipients is a citizen.
    """

    summary: Summary
    hops: int
    sender: Address | None
    may_send: frozenset[str]
    size_bytes: int = 0
    is_to_citizen: bool = False


def judge_content(facts: ContentFacts) -> Decision:
    """Return whether a peer's message is sound enough to be delivered.

    Source: reliability.md B06 (several From fields, header From), B08 (loops); operators.md 2.5 R8 (whether the From
        domain must agree is not written: a setting).
    """
    refusal = _judge_shape(facts.summary, facts.hops)
    if refusal is not None:
        return refusal
    if facts.from_domains is None:
        return Permit("content")
    mismatch = _foreign_from(facts.summary, facts.from_domains)
    if mismatch and facts.header_from == "refuse":
        return Refusal(
            Kind.HEADER_FROM,
            "R8",
            "The From field does not agree with the sending operator",
            mismatch,
        )
    return Permit("content", f"R8 logged: {mismatch}" if mismatch else "")


def judge_submitted_content(facts: SubmittedContentFacts) -> Decision:
    """Return whether a submitted message may be sent: each address of its From field must be one of the identity's.

    Source: operators.md 2.5 R8; reliability.md B06, B08; RFC 6409 sections 6.1 and 8.1.
    """
    summary = facts.summary
    refusal = _judge_shape(summary, facts.hops) or _judge_citizen_size(facts)
    if refusal is not None:
        return refusal
    if summary.from_count == 0 and facts.sender is not None:
        return Permit("content", "From is completed with the sender")
    if not summary.from_addresses:
        return Refusal(
            Kind.MESSAGE_MALFORMED,
            "from",
            "The message has no usable From field",
            "the From field is missing or broken",
            "Le message n'a pas d'expéditeur lisible (champ From) : corrigez l'adresse d'expédition.",
        )
    for address in summary.from_addresses:
        if address.key not in facts.may_send:
            return Refusal(
                Kind.HEADER_FROM,
                "R8",
                "The From field names an address that this account may not use",
                f"the From field names another address, in {address.domain}",
                f"Ce compte ne peut pas écrire au nom de {address} (champ From) : choisissez une de vos adresses.",
            )
    return Permit("content")


def _judge_citizen_size(facts: SubmittedContentFacts) -> Refusal | None:
    """Refuse before it is sent what Mon espace santé would send back (clients.md 5.9: 25 MB for the whole message)."""
    if not facts.is_to_citizen or facts.size_bytes <= CITIZEN_MAX_BYTES:
        return None
    return Refusal(
        Kind.MESSAGE_TOO_BIG,
        "citizen-size",
        "Citizens' mailboxes take 25 MB at most",
        f"{facts.size_bytes} bytes to a citizen",
        f"Le message fait {facts.size_bytes / 1e6:.1f} Mo : Mon espace santé refuse plus de 25 Mo ; envoyez moins de "
        "documents, ou en plusieurs messages.",
    )


def _judge_shape(summary: Summary, hops: int) -> Refusal | None:
    if summary.broken_lines:
        return Refusal(
            Kind.MESSAGE_MALFORMED,
            "header-lines",
            "The header has a line that is no field",
            f"{summary.broken_lines} broken header lines",
            "L'en-tête du message est mal formé : une ligne n'est pas un champ.",
        )
    if summary.received_count > hops:
        return Refusal(
            Kind.LOOP,
            "hops",
            f"Too many hops: the message has passed more than {hops} servers",
            f"{summary.received_count} Received fields, {hops} allowed",
            "Le message tourne en boucle entre des serveurs : vérifiez les renvois automatiques.",
        )
    if summary.from_count > 1:
        return Refusal(
            Kind.MESSAGE_MALFORMED,
            "from",
            "The message has several From fields",
            f"{summary.from_count} From fields",
            "Le message a plusieurs champs From : un seul est permis.",
        )
    return None


def _foreign_from(summary: Summary, domains: frozenset[str]) -> str:
    """Return what is wrong with the From field, or "" when it names only the domains."""
    if not summary.from_addresses:
        return "no usable From field"
    foreign = sorted({address.domain for address in summary.from_addresses} - domains)
    return f"From names {', '.join(foreign[:5])}" if foreign else ""
