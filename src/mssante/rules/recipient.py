"""May this message be given to this recipient of ours? Asked at each RCPT TO, and again at local delivery."""

from dataclasses import dataclass

from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.mailbox import Mailbox, MailboxState


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What the rule needs.

    Attributes:
        address: as given.
        is_our_domain: its domain is one of this operator's.
        mailbox: the mailbox of that address, or None.
        size_bytes: of the message, or as announced with SIZE, or 0 when unknown.
    """

    address: Address
    is_our_domain: bool
    mailbox: Mailbox | None = None
    size_bytes: int = 0


def judge_recipient(facts: RecipientFacts) -> Decision:
    """Return whether the recipient may receive the message.

    The texts do not repeat the address: it may be a patient's, and the peer knows what it asked.

    Source: operators.md 2.5 R7 (no relay: being on the list gives no right to it); reliability.md B09 (unknown users
        are refused here, never bounced later); RFC 5321 section 3.3.
    """
    if not facts.is_our_domain:
        return Refusal(
            Kind.RELAY,
            "R7",
            "Relaying denied: the recipient domain is not served here",
            f"domain {facts.address.domain} is not ours",
            f"Le domaine {facts.address.domain} n'est pas servi par cet opérateur.",
        )
    mailbox = facts.mailbox
    if mailbox is None or mailbox.state is MailboxState.CLOSED:
        return Refusal(
            Kind.MAILBOX_UNKNOWN,
            "mailbox-exists",
            "No such mailbox here",
            "there is no mailbox with this address" if mailbox is None else "the mailbox is closed",
            "Cette adresse n'existe pas : vérifiez-la dans l'annuaire.",
        )
    if mailbox.state is MailboxState.SUSPENDED:
        return Refusal(
            Kind.MAILBOX_SUSPENDED,
            "mailbox-open",
            "This mailbox is suspended",
            "the mailbox is suspended",
            "La boîte du destinataire est suspendue : joignez-le par un autre moyen.",
        )
    if mailbox.used_bytes + facts.size_bytes > mailbox.quota_bytes:
        return Refusal(
            Kind.MAILBOX_FULL,
            "quota",
            "Mailbox full, try again later",
            f"{mailbox.used_bytes} of {mailbox.quota_bytes} bytes used, {facts.size_bytes} more asked",
            "La boîte du destinataire est pleine : prévenez-le, ou réessayez plus tard.",
        )
    return Permit("mailbox", mailbox.kind.value)
