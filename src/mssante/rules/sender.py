"""May this identity send as this address, and to that one? Asked at submission, whatever the door."""

from dataclasses import dataclass
from typing import Final

from mssante.model.address import CITIZEN_DOMAIN, Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.mailbox import Identity
from mssante.model.national import is_ins

SHOWN_ADDRESSES: Final = 3
ROBOTS: Final = frozenset({"reponse.automatique-test", "postmaster"})
"""Addresses there that are no matricule."""


@dataclass(frozen=True, slots=True)
class SubmissionSenderFacts:
    """Who has signed in, and the sender that is asked for; None is the null sender of receipts (RFC 8098)."""

    identity: Identity
    sender: Address | None


@dataclass(frozen=True, slots=True)
class SubmissionRecipientFacts:
    """Where a message of ours is to go.

    Attributes:
        recipient: the address asked for.
        is_our_domain: its domain is one of this operator's; its mailbox is judged by `judge_recipient` then.
        is_listed: its domain is in the white list in force.
        list_version: of the list in force, "" when there is none.
        list_usable: there is a list, and it is not older than the written age.
    """

    recipient: Address
    is_our_domain: bool
    is_listed: bool
    list_version: str = ""
    list_usable: bool = True


def judge_submission_sender(facts: SubmissionSenderFacts) -> Decision:
    """Return whether the identity may use the sender address.

    The null sender is allowed to whoever may send at all, because a receipt must not be answered; its From field is
    judged with the content. No address stands in a detail: it may be a patient's (law 4).

    Source: operators.md 2.5 R8; RFC 6409 section 6.1; RFC 8098 section 3.
    """
    identity = facts.identity
    if not identity.may_send:
        return Refusal(
            Kind.SENDER_NOT_ALLOWED,
            "rights",
            "This account may not send",
            "the account has no mailbox to send from",
            "Ce compte n'a aucune boîte d'envoi : demandez les droits à votre administrateur.",
        )
    if facts.sender is None:
        return Permit("rights", "null sender")
    if facts.sender.key not in identity.may_send:
        return Refusal(
            Kind.SENDER_NOT_ALLOWED,
            "rights",
            "This account may not send with this sender address",
            f"the sender address, in {facts.sender.domain}, is not one of the account's",
            f"Ce compte ne peut pas envoyer au nom de {facts.sender} : utilisez {_choices(identity)}.",
        )
    return Permit("rights")


def judge_submission_recipient(facts: SubmissionRecipientFacts) -> Decision:
    """Return whether a message may leave for that recipient: ours, or listed; nothing else leaves (law 7).

    Source: operators.md 2.5 R1 (refused at submission, no public MX is ever looked up).
    """
    refusal = _judge_matricule(facts.recipient)
    if refusal is not None:
        return refusal
    if facts.is_our_domain:
        return Permit("R1", "our domain")
    domain = facts.recipient.domain
    if not facts.list_usable:
        return Refusal(
            Kind.LIST_UNAVAILABLE,
            "R1",
            "The white list is not usable for now, try again later",
            f"no usable white list (version {facts.list_version or 'none'})",
            "La liste blanche MSSanté est indisponible : réessayez plus tard ou prévenez votre opérateur.",
        )
    if not facts.is_listed:
        return Refusal(
            Kind.RECIPIENT_DOMAIN_UNLISTED,
            "R1",
            f"The domain {domain} is not in the MSSante trust space: use an MSSante address of your correspondent",
            f"domain {domain} is not in list {facts.list_version}",
            f"Le domaine {domain} n'est pas dans l'espace de confiance MSSanté : demandez une adresse MSSanté à votre "
            "correspondant, ou cherchez-la dans l'annuaire.",
        )
    return Permit("R1", f"list {facts.list_version}")


def _judge_matricule(recipient: Address) -> Refusal | None:
    """Refuse a citizen's address whose matricule is mistyped: it may be somebody else's by one digit.

    Source: clients.md 5.10 (the key is verified before sending; the address of the test robot is none).
    """
    if recipient.domain != CITIZEN_DOMAIN or recipient.local.lower() in ROBOTS or is_ins(recipient.local):
        return None
    return Refusal(
        Kind.ADDRESS_SYNTAX,
        "ins-key",
        "The recipient is no health identity number with its key",
        "the local part is not an INS",
        "L'adresse de ce patient est fausse : la clé du matricule INS ne correspond pas. Reprenez-la dans son dossier.",
    )


def _choices(identity: Identity) -> str:
    addresses = [str(address) for address in identity.may_send.values()]
    shown = " ou ".join(addresses[:SHOWN_ADDRESSES])
    return f"{shown} (ou une autre de vos boîtes)" if len(addresses) > SHOWN_ADDRESSES else shown
