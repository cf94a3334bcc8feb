"""A health document as a mailbox lists it."""

import enum
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FiledDocument:
    """What is kept of one document of a message.

    Attributes:
        document, set_id, replaces: identifiers, ``root`` or ``root^extension``; "" for none.
        version: 0 when it is not said.
        code, label: type of the document.
        patient: INS matricule, "" for none.
        patient_name: birth name and first given name.
        birth, created: HL7 TS as written.
        worst: severity of the worst finding, "" for none.
    """

    document: str
    set_id: str = ""
    version: int = 0
    replaces: str = ""
    code: str = ""
    label: str = ""
    title: str = ""
    patient: str = ""
    patient_name: str = ""
    birth: str = ""
    created: str = ""
    author: str = ""
    worst: str = ""


class Standing(enum.Enum):
    """What a document is beside the others of its mailbox."""

    CURRENT = "current"
    REPLACED = "replaced"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document with the message that carries it; `reference` and `received_at` are the message's."""

    filed: FiledDocument
    reference: str
    received_at: datetime
    standing: Standing = Standing.CURRENT
