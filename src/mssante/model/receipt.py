"""What came of a message after it was handed over: receipts as kept, a sender's wish, codes of software that files.

Values only; who may be believed is decided in `mssante.flows.receipts`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final


class ReceiptKind(enum.Enum):
    """What was told of one copy; the value stands in the store, the audit and the documentation."""

    DSN_DELIVERED = "dsn-delivered"
    DSN_RELAYED = "dsn-relayed"
    DSN_DELAYED = "dsn-delayed"
    DSN_FAILED = "dsn-failed"
    MDN_DISPLAYED = "mdn-displayed"
    MDN_DISPATCHED = "mdn-dispatched"
    MDN_PROCESSED = "mdn-processed"
    MDN_ERROR = "mdn-error"
    MDN_DELETED = "mdn-deleted"
    ANSWERED = "answered"


ENDING: Final = frozenset(
    {
        ReceiptKind.DSN_FAILED,
        ReceiptKind.MDN_DISPLAYED,
        ReceiptKind.MDN_PROCESSED,
        ReceiptKind.MDN_ERROR,
        ReceiptKind.MDN_DELETED,
        ReceiptKind.ANSWERED,
    }
)
"""Kinds after which nobody need wait for a sign of the recipient any more: somebody, or a program, looked."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt that was believed.

    Attributes:
        reference: ours, of the message that it is about.
        recipient: key of the address that the copy went to.
        at: UTC, when it came.
        code: status of a DSN (``5.1.1``), code of an integration error (``902``), or "".
        detail: for people, one line, in French or as told; never a subject.
        proof: why it was believed: ``envelope-id`` or ``sender``.
        source: our reference of the message that brought it.
    """

    reference: str
    recipient: str
    kind: ReceiptKind
    at: datetime
    code: str = ""
    detail: str = ""
    proof: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A sender wants to be told when nothing came of a message.

    Attributes:
        sender: the mailbox that is told.
        due_at: UTC, when the silence has lasted too long.
        alerted_at: UTC, when it was looked at for good, or None.
        silent: how many recipients were silent then.
    """

    reference: str
    sender: str
    due_at: datetime
    alerted_at: datetime | None = None
    silent: int = 0


ERROR_LABELS: Final[Mapping[str, str]] = {
    "0": "message accepté",
    "100": "erreur dans l'ordre des segments",
    "101": "champ obligatoire absent",
    "102": "erreur de type de donnée",
    "103": "valeur absente de la table",
    "198": "cardinalité non conforme",
    "199": "autre erreur HL7",
    "200": "type de message non géré",
    "201": "événement non géré",
    "202": "mode de traitement non géré",
    "203": "version non gérée",
    "207": "erreur interne de l'application",
    "900": "mauvaise version du document",
    "901": "auteur non autorisé",
    "902": "patient inconnu",
    "903": "INS absent",
    "904": "INS différent de celui du dossier",
    "905": "INS incomplet",
    "906": "autre erreur",
}
"""Code of what a program that files documents answers -> its label.

Source: clients.md 5.7 (HL7 table 0357: 0, 100-103, 198-203, 207; codes of applications: 900-906).
"""


def error_label(code: str) -> str:
    """Return the label of an integration code, of "906" when nobody knows it."""
    return ERROR_LABELS.get(code, ERROR_LABELS["906"])
