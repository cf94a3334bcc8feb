"""The steps of one copy, from what the audit, the queue and receipts tell: words of `mssante.rules.passport`."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.audit import AuditRow
from mssante.model.decision import Kind
from mssante.model.message import CopyState
from mssante.model.receipt import ERROR_LABELS, Receipt, ReceiptKind, error_label


class StepState(enum.Enum):
    """What happened at one step of a copy; the value is for programs."""

    ACCEPTED = "accepted"
    ALLOWED = "allowed"
    WAITING = "waiting"
    DEFERRED = "deferred"
    HELD = "held"
    RELEASED = "released"
    HANDED = "handed"
    DELIVERED = "delivered"
    OPENED = "opened"
    FORWARDED = "forwarded"
    DELETED = "deleted"
    FILED = "filed"
    ANSWERED = "answered"
    SILENT = "silent"
    REFUSED = "refused"
    FAILED = "failed"
    LOST = "lost"


STATE_TEXTS: Final = {
    StepState.ACCEPTED: "accepté",
    StepState.ALLOWED: "autorisé",
    StepState.WAITING: "en attente d'envoi",
    StepState.DEFERRED: "à réessayer",
    StepState.HELD: "retenu",
    StepState.RELEASED: "relâché",
    StepState.HANDED: "remis à l'autre opérateur",
    StepState.DELIVERED: "déposé dans la boîte",
    StepState.OPENED: "ouvert",
    StepState.FORWARDED: "transféré",
    StepState.DELETED: "supprimé",
    StepState.FILED: "intégré",
    StepState.ANSWERED: "répondu",
    StepState.SILENT: "sans nouvelles",
    StepState.REFUSED: "refusé par le logiciel du destinataire",
    StepState.FAILED: "non remis",
    StepState.LOST: "plus aucune trace",
}
"""What each state means, in French."""

UNDER_WAY: Final = frozenset({StepState.ACCEPTED, StepState.WAITING, StepState.DEFERRED, StepState.HELD})


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        at: UTC.
        text: in French, one line.
        source: who says so, in French.
        code: of a refusal or an error, or "".
    """

    at: datetime
    state: StepState
    text: str
    source: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What is known of one copy.

    Attributes:
        recipient: its address as it may be shown.
        key: of that address, "" when only the traces are left.
        trace: the address as the audit writes it.
        state: None: the copy is no longer in the queue, its end is in the audit.
        due_at: next attempt, in an open state.
        kind: last reason, or None.
        reply: of the peer, or "".
        changed_at: when the state changed last; None with `state`.
    """

    recipient: str
    key: str
    trace: str
    state: CopyState | None = None
    due_at: datetime | None = None
    kind: Kind | None = None
    reply: str = ""
    changed_at: datetime | None = None


def from_audit(copy: CopyFacts, rows: Iterable[AuditRow]) -> list[Step]:
    """Return the steps that the audit tells of one copy."""
    steps: list[Step] = []
    for row in rows:
        facts, name = row.event.facts, row.event.event
        if name == "message.submitted" and "same_as" not in facts:
            steps.append(Step(row.at, StepState.ACCEPTED, "Accepté par votre opérateur.", "audit"))
            if version := str(facts.get("list", "")):
                text = f"Autorisé par la liste blanche {version}."
                steps.append(Step(row.at, StepState.ALLOWED, text, f"règle {row.event.rule}"))
        elif facts.get("to") == copy.trace:
            steps += _from_row(row)
    return steps


def _from_row(row: AuditRow) -> list[Step]:
    facts, at, kind = row.event.facts, row.at, row.event.outcome
    peer, reply = str(facts.get("peer", "")), str(facts.get("reply", ""))
    told = f" (réponse {reply})" if reply else ""
    match row.event.event:
        case "copy.relayed":
            allowed = _list_of(row.event.rule)
            text = f"Remis à l'opérateur {peer}{told}{allowed}."
            return [Step(at, StepState.HANDED, text, "réponse de l'autre opérateur", reply)]
        case "copy.delivered":
            return [Step(at, StepState.DELIVERED, "Déposé dans la boîte, chez votre opérateur.", "audit")]
        case "copy.deferred":
            text = f"Essai {facts.get('tries', 1)} sans succès{told} ; les essais continuent."
            return [Step(at, StepState.DEFERRED, text, peer or "audit", reply or kind)]
        case "copy.failed":
            whom = f" par l'opérateur {peer}" if peer else ""
            return [Step(at, StepState.FAILED, f"Refusé{whom}{told}.", peer or "audit", reply or kind)]
        case "copy.returned":
            status = str(facts.get("status", ""))
            text = f"Revenu : l'autre opérateur ne l'a finalement pas remis ({status})."
            return [Step(at, StepState.FAILED, text, "avis de non-remise", status)]
        case "queue.held":
            return [Step(at, StepState.HELD, "Retenu par l'administrateur.", row.event.actor)]
        case "queue.released":
            return [Step(at, StepState.RELEASED, "Relâché par l'administrateur.", row.event.actor)]
    return []


def _list_of(rule: str) -> str:
    """Return the version of the list that let the copy go to that operator, as the rule wrote it."""
    _, found, rest = rule.partition("list ")
    return f", autorisé par la liste blanche {rest.partition(';')[0]}" if found else ""


_RECEIPT_STEPS: Final = {
    ReceiptKind.DSN_DELIVERED: (StepState.DELIVERED, "Déposé dans la boîte du destinataire."),
    ReceiptKind.DSN_RELAYED: (StepState.HANDED, "Transmis plus loin par l'autre opérateur, qui n'en dira pas plus."),
    ReceiptKind.DSN_DELAYED: (StepState.HANDED, "Retardé chez l'autre opérateur, qui continue ses essais."),
    ReceiptKind.DSN_FAILED: (StepState.FAILED, "Non remis par l'autre opérateur."),
    ReceiptKind.MDN_DISPLAYED: (StepState.OPENED, "Ouvert par le destinataire."),
    ReceiptKind.MDN_DISPATCHED: (StepState.FORWARDED, "Transféré par le destinataire."),
    ReceiptKind.MDN_PROCESSED: (StepState.FILED, "Intégré par le logiciel du destinataire."),
    ReceiptKind.MDN_ERROR: (StepState.REFUSED, "Refusé par le logiciel du destinataire."),
    ReceiptKind.MDN_DELETED: (StepState.DELETED, "Supprimé par le destinataire, peut-être sans l'avoir lu."),
    ReceiptKind.ANSWERED: (StepState.ANSWERED, "Le destinataire a répondu."),
}


def from_receipt(receipt: Receipt) -> Step:
    """Return the step that a receipt tells."""
    state, text = _RECEIPT_STEPS[receipt.kind]
    if receipt.kind is ReceiptKind.MDN_ERROR:
        label = error_label(receipt.code) if receipt.code in ERROR_LABELS else receipt.detail
        text = f"Refusé par le logiciel du destinataire : {receipt.code} {label}.".replace(" .", ".")
    source = {"dsn": "avis de l'autre opérateur", "mdn": "accusé du destinataire"}
    told_by = source.get(receipt.kind.value.partition("-")[0], "message du destinataire")
    return Step(receipt.at, state, text, told_by, receipt.code)


def from_queue(copy: CopyFacts, steps: list[Step]) -> list[Step]:
    """Return the step that the queue adds: an open copy always, a finished one when the audit does not tell it."""
    at = copy.changed_at
    if copy.state is None or at is None:
        return []
    known = {step.state for step in steps}
    due = "" if copy.due_at is None else f" Prochain essai prévu le {copy.due_at:%d/%m/%Y à %H:%M} UTC."
    match copy.state:
        case CopyState.WAITING | CopyState.SENDING:
            return [Step(at, StepState.WAITING, "En attente d'envoi.", "file")]
        case CopyState.DEFERRED:
            return [Step(at, StepState.DEFERRED, f"À réessayer.{due}", "file", copy.kind.value if copy.kind else "")]
        case CopyState.HELD:
            return [] if StepState.HELD in known else [Step(at, StepState.HELD, "Retenu par l'administrateur.", "file")]
        case CopyState.FAILED:
            code = copy.kind.value if copy.kind else ""
            return (
                []
                if StepState.FAILED in known
                else [Step(at, StepState.FAILED, "Non remis.", "file", copy.reply or code)]
            )
        case CopyState.RELAYED:
            is_known = StepState.HANDED in known
            return [] if is_known else [Step(at, StepState.HANDED, "Remis à l'autre opérateur.", "file")]
        case CopyState.DELIVERED:
            is_known = StepState.DELIVERED in known
            return [] if is_known else [Step(at, StepState.DELIVERED, "Déposé dans la boîte.", "file")]


def last_of_queue(steps: list[Step]) -> StepState:
    """Return how far a copy came by itself, whatever its recipient says of it."""
    queued = {*UNDER_WAY, StepState.FAILED, StepState.LOST, StepState.HANDED, StepState.DELIVERED}
    found = sorted((step for step in steps if step.state in queued), key=lambda step: step.at)
    return found[-1].state if found else StepState.ACCEPTED
