"""The passport of a message: one timeline per recipient, and what it all means for the sender.

Facts in, one frozen value out. A recipient to whom nothing got through comes first, and the whole is never called sent
when a part of it was dropped.

Source: issue of documents (the message passport); clients.md 5.7.
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.address import CITIZEN_DOMAIN
from mssante.model.audit import AuditRow
from mssante.model.decision import Kind
from mssante.model.receipt import ENDING, Receipt, ReceiptKind, Wish
from mssante.rules.outcome import advice, classify_reply, read_reply
from mssante.rules.timeline import (
    UNDER_WAY,
    CopyFacts,
    Step,
    StepState,
    from_audit,
    from_queue,
    from_receipt,
    last_of_queue,
)


class Overall(enum.Enum):
    """What became of the whole message, the worst that is true; the value is for programs."""

    NOT_SENT = "not-sent"
    PARTLY_SENT = "partly-sent"
    REFUSED = "refused"
    UNDER_WAY = "under-way"
    SILENT = "silent"
    SENT = "sent"
    CONFIRMED = "confirmed"


OVERALL_TEXTS: Final = {
    Overall.NOT_SENT: "non envoyé",
    Overall.PARTLY_SENT: "envoyé en partie",
    Overall.REFUSED: "envoyé, mais pas intégré partout",
    Overall.UNDER_WAY: "en cours d'envoi",
    Overall.SILENT: "envoyé, sans nouvelles",
    Overall.SENT: "envoyé",
    Overall.CONFIRMED: "envoyé et confirmé",
}
_DROPPED: Final = frozenset({StepState.FAILED, StepState.LOST})
_CONFIRMED: Final = frozenset({StepState.OPENED, StepState.FILED, StepState.ANSWERED})
# What a block says at its head, the strongest thing that is known; the first that is true.
_STRONGEST: Final = (
    StepState.FAILED,
    StepState.LOST,
    StepState.ANSWERED,
    StepState.REFUSED,
    StepState.FILED,
    StepState.OPENED,
    StepState.DELETED,
    StepState.SILENT,
)
_ORDER: Final = (*_STRONGEST[:2], StepState.REFUSED, StepState.SILENT, StepState.DELETED, *UNDER_WAY)
_CALL: Final = "En cas d'urgence, ne comptez pas sur la messagerie : téléphonez."


@dataclass(frozen=True, slots=True)
class PassportFacts:
    """What is known of one message.

    Attributes:
        copies: one for each recipient that was ever named.
        rows: of the audit about this message, in order.
        receipts: that were believed.
        wish: of the sender, or None.
        now: UTC.
    """

    reference: str
    copies: tuple[CopyFacts, ...]
    rows: tuple[AuditRow, ...]
    receipts: tuple[Receipt, ...]
    wish: Wish | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """What became of one copy.

    Attributes:
        state: the strongest thing that is known.
        text: the same in French.
        steps: in order of time.
        advice: what the sender may do, in French, or "".
    """

    recipient: str
    state: StepState
    text: str
    steps: tuple[Step, ...]
    advice: str = ""

    @property
    def is_silent(self) -> bool:
        """Tell whether the time that the sender chose is over without a sign, in the mailbox or on the way there."""
        return any(step.state is StepState.SILENT for step in self.steps)


@dataclass(frozen=True, slots=True)
class Passport:
    """What became of one message: failures first."""

    reference: str
    overall: Overall
    text: str
    timelines: tuple[Timeline, ...]

    @property
    def silent(self) -> int:
        """Return how many recipients gave no sign within the time that the sender chose."""
        return sum(one.is_silent for one in self.timelines)


def passport(facts: PassportFacts) -> Passport:
    """Return the passport of a message.

    Args:
        facts: `copies` must name every recipient of the submission, or a part of it could vanish silently.
    """
    found = [_timeline(copy, facts) for copy in facts.copies]
    found.sort(key=lambda one: (_ORDER.index(one.state) if one.state in _ORDER else len(_ORDER), one.recipient))
    overall = _overall([one.state for one in found])
    return Passport(facts.reference, overall, _overall_text(overall, found), tuple(found))


def _overall(states: list[StepState]) -> Overall:
    """Return the worst that is true of the whole; a part that was dropped outweighs everything else."""
    dropped = sum(state in _DROPPED for state in states)
    if dropped or not states:
        return Overall.NOT_SENT if dropped == len(states) else Overall.PARTLY_SENT
    if StepState.REFUSED in states:
        return Overall.REFUSED
    if any(state in UNDER_WAY for state in states):
        return Overall.UNDER_WAY
    if StepState.SILENT in states:
        return Overall.SILENT
    return Overall.CONFIRMED if all(state in _CONFIRMED for state in states) else Overall.SENT


def _overall_text(overall: Overall, found: list[Timeline]) -> str:
    text, total = OVERALL_TEXTS[overall], len(found)
    counted = {
        Overall.PARTLY_SENT: sum(one.state in _DROPPED for one in found),
        Overall.UNDER_WAY: sum(one.state in UNDER_WAY for one in found),
        Overall.REFUSED: sum(one.state is StepState.REFUSED for one in found),
        Overall.SILENT: sum(one.state is StepState.SILENT for one in found),
    }
    words = {
        Overall.PARTLY_SENT: "rien n'est parvenu à {} sur {}",
        Overall.UNDER_WAY: "encore en attente pour {} sur {}",
        Overall.REFUSED: "refusé par le logiciel de {} sur {}",
        Overall.SILENT: "aucun signe de {} sur {}",
    }
    if overall not in counted or total == 1:
        return text
    return f"{text}, {words[overall].format(counted[overall], _recipients(total))}"


def _recipients(number: int) -> str:
    return f"{number} destinataire{'s' if number > 1 else ''}"


def _timeline(copy: CopyFacts, facts: PassportFacts) -> Timeline:
    own = [one for one in facts.receipts if copy.key and one.recipient == copy.key]
    steps = from_audit(copy, facts.rows)
    failed = any(step.state is StepState.FAILED for step in steps)
    # A notice of failure that was believed stands in the audit as what it did to the copy.
    steps += [from_receipt(one) for one in own if not (failed and one.kind is ReceiptKind.DSN_FAILED)]
    steps += from_queue(copy, steps)
    if last_of_queue(steps) is StepState.ACCEPTED and copy.state is None:
        steps.append(Step(facts.now, StepState.LOST, "Plus aucune trace de cette copie.", "file et audit"))
    if not any(step.state in _DROPPED for step in steps):
        steps += _silence(own, facts)
    steps.sort(key=lambda step: step.at)
    state = _state(steps)
    return Timeline(copy.recipient, state, _head(state, steps), tuple(steps), _advice(state, copy, steps))


def _silence(own: list[Receipt], facts: PassportFacts) -> list[Step]:
    """Return the step of silence when the sender's time is over without a sign; one that comes later ends it."""
    wish = facts.wish
    if wish is None or facts.now < wish.due_at or any(one.kind in ENDING for one in own):
        return []
    text = "Aucun signe du destinataire à la fin du délai que vous avez choisi."
    return [Step(wish.due_at, StepState.SILENT, text, "délai choisi par l'expéditeur")]


def _state(steps: list[Step]) -> StepState:
    """Return the strongest thing that is known of a copy.

    A refusal that was followed by a filing or an answer is over; a failure is not, whatever came after it.
    """
    states = [step.state for step in steps]
    if StepState.REFUSED in states and StepState.FILED in states:
        last = max(_place(states, StepState.REFUSED), _place(states, StepState.FILED))
        states = [one for one in states if one not in {StepState.REFUSED, StepState.FILED} or one is states[last]]
    base = last_of_queue(steps)
    for strongest in _STRONGEST:
        if strongest in states and not (strongest is StepState.SILENT and base in UNDER_WAY):
            return strongest
    return base


def _place(states: list[StepState], wanted: StepState) -> int:
    return len(states) - 1 - states[::-1].index(wanted)


def _head(state: StepState, steps: list[Step]) -> str:
    return next((step.text for step in reversed(steps) if step.state is state), "En attente d'envoi.")


def _advice(state: StepState, copy: CopyFacts, steps: list[Step]) -> str:
    match state:
        case StepState.FAILED:
            return f"{_failed_advice(copy, _reason(copy, steps))} {_CALL}"
        case StepState.LOST:
            return "Prévenez votre opérateur avec la référence, et renvoyez le message."
        case StepState.REFUSED:
            return _refused_advice(next(step.code for step in reversed(steps) if step.state is state))
        case StepState.SILENT:
            return (
                "Essayez une autre de ses adresses, d'après l'annuaire, ou un autre moyen : téléphone, courrier. "
                f"{_CALL}"
            )
        case StepState.DELETED:
            return "Vérifiez auprès du destinataire qu'il a bien lu le message."
        case StepState.HELD:
            return "Demandez à votre administrateur pourquoi il le retient."
        case StepState.DEFERRED:
            return f"Inutile de l'envoyer à nouveau. {_CALL}"
    return ""


_CITIZEN_ADVICE: Final = {
    Kind.MAILBOX_UNKNOWN: "Ce patient n'a pas de messagerie ouverte, ou le matricule n'est pas le sien : vérifiez son "
    "identité dans son dossier, sinon joignez-le autrement.",
    Kind.MAILBOX_SUSPENDED: "La messagerie de ce patient est fermée : joignez-le autrement.",
    Kind.MAILBOX_FULL: "La messagerie de ce patient est pleine : joignez-le autrement.",
    Kind.MESSAGE_TOO_BIG: "Mon espace santé refuse plus de 25 Mo par message : envoyez moins de documents, ou en "
    "plusieurs messages.",
    Kind.ADDRESS_SYNTAX: "L'adresse du patient est fausse : reprenez son matricule INS dans son dossier.",
}
"""What a failure means when the recipient is a citizen (clients.md 5.10: the cause is shown)."""


def _failed_advice(copy: CopyFacts, reason: Kind | None) -> str:
    if reason is None:
        return "Le message n'est pas arrivé : renvoyez-le ou prévenez votre opérateur."
    is_citizen = copy.key.endswith(f"@{CITIZEN_DOMAIN}")
    return (_CITIZEN_ADVICE.get(reason) if is_citizen else None) or advice(reason)


_REFUSED_ADVICE: Final = {
    "900": "Envoyez la version demandée du document.",
    "901": "Demandez au destinataire d'autoriser cet auteur dans son logiciel.",
    "902": "Ce patient n'est pas dans le dossier du destinataire : vérifiez l'identité, ou prévenez-le.",
    "903": "Envoyez le document avec l'INS du patient.",
    "904": "L'INS ne correspond pas : vérifiez l'identité du patient avant tout nouvel envoi.",
    "905": "Complétez les traits d'identité du patient, puis renvoyez le document.",
}


def _refused_advice(code: str) -> str:
    said = _REFUSED_ADVICE.get(code, "Demandez à l'éditeur du logiciel ce que signifie ce code.")
    return f"{said} Le message lui-même est dans la boîte du destinataire, qui peut le lire."


def _reason(copy: CopyFacts, steps: list[Step]) -> Kind | None:
    """Return the kind that says most: the peer's own reason when it only "refused"."""
    code = next((step.code for step in reversed(steps) if step.state is StepState.FAILED), "")
    said = read_reply(copy.reply or code)
    own = copy.kind or next((kind for kind in Kind if kind.value == code), None)
    if own in {None, Kind.PEER_REFUSED, Kind.PEER_DEFERRED} and said.code >= 400:
        return classify_reply(said.code, said.enhanced, said.text)
    return own
