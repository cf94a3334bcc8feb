"""Who may write to whom when one of them is a citizen: professionals open and close an exchange, citizens answer.

Source: clients.md 5.10 (only professionals open; X-MSS-MES: FIN or the subject [FIN] closes; Reply-To takes the place
of the From field).
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.message import Summary

END_FIELD: Final = "x-mss-mes"
END_VALUE: Final = "FIN"
END_SUBJECT: Final = "[FIN]"
_NOT_OPEN: Final = Refusal(
    Kind.SENDER_NOT_ALLOWED,
    "conversation",
    "A citizen may only answer a professional who wrote to him and has not closed the exchange",
    "no open exchange with this recipient",
    "Vous pouvez répondre à un professionnel qui vous a écrit, tant qu'il n'a pas clos l'échange ; appelez-le sinon.",
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a message from a professional to a citizen does.

    Attributes:
        contacts: whom the citizen may answer, or may not any more.
        ends: it closes the exchange.
    """

    contacts: tuple[Address, ...]
    ends: bool


def exchange_of(sender: Address | None, summary: Summary) -> Exchange:
    """Return what a message to a citizen's mailbox does; one without a sender or from a citizen does nothing."""
    if sender is None or sender.is_citizen:
        return Exchange((), ends=False)
    written = summary.reply_to or summary.from_addresses or (sender,)
    contacts = tuple(one for one in written if not one.is_citizen)
    return Exchange(contacts, ends=is_end(summary))


def is_end(summary: Summary) -> bool:
    """Tell whether a message closes the exchange; the subject counts by case."""
    return summary.national.get(END_FIELD) == END_VALUE or summary.subject == END_SUBJECT


def judge_answer(*, is_open: bool) -> Refusal | None:
    """Return why a citizen may not write to a recipient, None when he may."""
    return None if is_open else _NOT_OPEN
