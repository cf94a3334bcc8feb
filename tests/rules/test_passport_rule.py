"""What a message's passport says: tables of facts and states, and what must never be said.

Source: issue of documents (no message is ever shown as sent when a part of it was dropped).
"""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mssante.model.audit import AuditEvent, AuditRow
from mssante.model.decision import Kind
from mssante.model.message import CopyState
from mssante.model.receipt import ENDING, Receipt, ReceiptKind, Wish
from mssante.rules.passport import OVERALL_TEXTS, Overall, Passport, PassportFacts, Timeline, passport
from mssante.rules.timeline import STATE_TEXTS, CopyFacts, StepState

NOW = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLAIRE = CopyFacts("Claire@v.fr", "claire@v.fr", "Claire@v.fr", CopyState.RELAYED, changed_at=NOW)
DENIS = replace(CLAIRE, recipient="denis@l.fr", key="denis@l.fr", trace="denis@l.fr")


def row(event: str, minutes: int = 0, outcome: str = "ok", rule: str = "", **facts: str | int) -> AuditRow:
    at = NOW + timedelta(minutes=minutes)
    return AuditRow(1, at, AuditEvent(event, "system", "ref", outcome, rule, facts), b"", b"")


SUBMITTED = row("message.submitted", -60, to="Claire@v.fr,denis@l.fr", list="7")


def receipt(kind: ReceiptKind, minutes: int = 10, code: str = "", detail: str = "", recipient: str = CLAIRE.key) -> Receipt:  # fmt: skip
    return Receipt("ref", recipient, kind, NOW + timedelta(minutes=minutes), code, detail)


def shown(*copies: CopyFacts, rows: tuple[AuditRow, ...] = (SUBMITTED,), told: tuple[Receipt, ...] = (), wish: Wish | None = None) -> Passport:  # fmt: skip
    return passport(PassportFacts("ref", copies, rows, told, wish, NOW + 48 * HOUR))


def one(*told: Receipt, state: CopyState = CopyState.RELAYED, wish: Wish | None = None) -> Timeline:
    return shown(replace(CLAIRE, state=state), told=told, wish=wish).timelines[0]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (ReceiptKind.DSN_DELIVERED, StepState.DELIVERED),
        (ReceiptKind.DSN_RELAYED, StepState.HANDED),
        (ReceiptKind.DSN_DELAYED, StepState.HANDED),
        (ReceiptKind.DSN_FAILED, StepState.FAILED),
        (ReceiptKind.MDN_DISPLAYED, StepState.OPENED),
        (ReceiptKind.MDN_DISPATCHED, StepState.HANDED),
        (ReceiptKind.MDN_PROCESSED, StepState.FILED),
        (ReceiptKind.MDN_ERROR, StepState.REFUSED),
        (ReceiptKind.MDN_DELETED, StepState.DELETED),
        (ReceiptKind.ANSWERED, StepState.ANSWERED),
    ],
)
def test_each_receipt_moves_its_copy(kind: ReceiptKind, state: StepState) -> None:
    assert one(receipt(kind)).state is state


@pytest.mark.parametrize(
    ("state", "step", "overall"),
    [
        (CopyState.WAITING, StepState.WAITING, Overall.UNDER_WAY),
        (CopyState.SENDING, StepState.WAITING, Overall.UNDER_WAY),
        (CopyState.DEFERRED, StepState.DEFERRED, Overall.UNDER_WAY),
        (CopyState.HELD, StepState.HELD, Overall.UNDER_WAY),
        (CopyState.DELIVERED, StepState.DELIVERED, Overall.SENT),
        (CopyState.RELAYED, StepState.HANDED, Overall.SENT),
        (CopyState.FAILED, StepState.FAILED, Overall.NOT_SENT),
    ],
)
def test_each_state_of_the_queue_has_its_step(state: CopyState, step: StepState, overall: Overall) -> None:
    found = shown(replace(CLAIRE, state=state, kind=Kind.MAILBOX_UNKNOWN))
    assert (found.timelines[0].state, found.overall) == (step, overall)


@pytest.mark.parametrize("others", list(itertools.product(list(CopyState), repeat=2)))
def test_a_message_of_which_a_part_was_dropped_is_never_called_sent(others: tuple[CopyState, CopyState]) -> None:
    copies = [replace(CLAIRE, recipient=f"{n}@v.fr", key=f"{n}@v.fr", state=state) for n, state in enumerate(others)]
    told = tuple(receipt(ReceiptKind.ANSWERED, recipient=copy.key) for copy in copies)
    found = shown(replace(DENIS, state=CopyState.FAILED), *copies, told=told)
    assert found.overall in {Overall.PARTLY_SENT, Overall.NOT_SENT}
    assert found.timelines[0].state is StepState.FAILED
    assert found.text.startswith(("envoyé en partie", "non envoyé"))


def test_a_copy_of_which_no_trace_is_left_counts_as_dropped() -> None:
    found = shown(replace(CLAIRE, state=None, changed_at=None), DENIS)
    assert found.overall is Overall.PARTLY_SENT
    assert found.timelines[0].state is StepState.LOST
    assert "Prévenez votre opérateur" in found.timelines[0].advice


def test_an_error_that_was_mended_is_over_and_a_later_one_is_not() -> None:
    error, filed = receipt(ReceiptKind.MDN_ERROR, 10, "902"), receipt(ReceiptKind.MDN_PROCESSED, 20)
    assert one(error, filed).state is StepState.FILED
    assert one(replace(error, at=NOW + HOUR), filed).state is StepState.REFUSED
    assert one(error, receipt(ReceiptKind.ANSWERED, 5)).state is StepState.ANSWERED


@pytest.mark.parametrize("kind", list(ReceiptKind))
def test_only_a_sign_of_the_reader_ends_the_waiting(kind: ReceiptKind) -> None:
    wish = Wish("ref", "anne@chu.fr", NOW + 24 * HOUR)
    assert one(receipt(kind), wish=wish).is_silent == (kind not in ENDING)


def test_a_sign_that_comes_after_the_time_ends_the_silence_too() -> None:
    wish = Wish("ref", "anne@chu.fr", NOW + 24 * HOUR, NOW + 24 * HOUR, 1)
    silent, late = one(wish=wish), one(receipt(ReceiptKind.MDN_DISPLAYED, 60 * 30), wish=wish)
    assert (silent.state, late.state) == (StepState.SILENT, StepState.OPENED)
    assert "autre de ses adresses" in silent.advice
    assert "téléphonez" in silent.advice
    assert not one(wish=replace(wish, due_at=NOW + 99 * HOUR)).is_silent


def test_what_waits_still_is_silent_and_not_called_sent() -> None:
    wish = Wish("ref", "anne@chu.fr", NOW + HOUR)
    found = shown(replace(CLAIRE, state=CopyState.DEFERRED), wish=wish)
    assert (found.overall, found.silent) == (Overall.UNDER_WAY, 1)


def test_steps_of_the_audit_say_list_reply_and_next_attempt() -> None:
    rows = (
        SUBMITTED,
        row("copy.deferred", -50, "host-unreachable", to=CLAIRE.trace, tries=1),
        row("queue.held", -40, to=CLAIRE.trace),
        row("queue.released", -30, to=CLAIRE.trace),
        row("copy.relayed", -20, rule="R6: list 8; domain v.fr", to=CLAIRE.trace, peer="mx [1]", reply="250 2.0.0"),
        row("copy.failed", -20, to=DENIS.trace),
    )
    (found,) = shown(CLAIRE, rows=rows).timelines
    assert [step.state for step in found.steps] == [
        StepState.ACCEPTED,
        StepState.ALLOWED,
        StepState.DEFERRED,
        StepState.HELD,
        StepState.RELEASED,
        StepState.HANDED,
    ]
    assert found.text == "Remis à l'opérateur mx [1] (réponse 250 2.0.0), autorisé par la liste blanche 8."
    assert found.steps[1].text == "Autorisé par la liste blanche 7."


def test_a_copy_that_came_back_is_told_once() -> None:
    rows = (SUBMITTED, row("copy.returned", 1, "mailbox-unknown", to=CLAIRE.trace, status="5.1.1"))
    copy = replace(CLAIRE, state=CopyState.FAILED, kind=Kind.MAILBOX_UNKNOWN)
    (found,) = shown(copy, rows=rows, told=(receipt(ReceiptKind.DSN_FAILED, 1, "5.1.1"),)).timelines
    assert [step.state for step in found.steps].count(StepState.FAILED) == 1
    assert "annuaire" in found.advice


def test_a_code_that_nobody_knows_is_shown_with_what_was_told() -> None:
    assert one(receipt(ReceiptKind.MDN_ERROR, 1, "931", "dossier clos")).text.endswith(": 931 dossier clos.")
    known = one(receipt(ReceiptKind.MDN_ERROR, 1, "903", "x"))
    assert known.text.endswith(": 903 INS absent.")
    assert "INS" in known.advice


@pytest.mark.parametrize(
    ("kind", "reply", "words"),
    [
        (Kind.PEER_REFUSED, "550 5.1.1 No such mailbox", "n'existe pas"),
        (Kind.PEER_REFUSED, "550 5.2.1 disabled", "n'est pas en service"),
        (Kind.PEER_REFUSED, "", "a refusé le message"),
        (Kind.EXPIRED, "450 4.4.1 later", "Les essais ont duré"),
    ],
)
def test_a_failure_gives_the_reason_that_says_most(kind: Kind, reply: str, words: str) -> None:
    found = shown(replace(CLAIRE, state=CopyState.FAILED, kind=kind, reply=reply))
    assert words in found.timelines[0].advice
    from_audit = shown(
        replace(CLAIRE, state=None, changed_at=None),
        rows=(SUBMITTED, row("copy.failed", 0, kind.value, to=CLAIRE.trace, reply=" ".join(reply.split()[:2]))),
    )
    assert from_audit.timelines[0].state is StepState.FAILED


@pytest.mark.parametrize(
    ("kind", "reply", "words"),
    [
        (Kind.PEER_REFUSED, "550 5.1.1 No such mailbox", "pas de messagerie ouverte"),
        (Kind.PEER_REFUSED, "552 5.3.4 Message too big", "plus de 25 Mo"),
        (Kind.MESSAGE_TOO_BIG, "", "plus de 25 Mo"),
    ],
)
def test_a_failure_towards_a_citizen_says_its_cause(kind: Kind, reply: str, words: str) -> None:
    key = "279035121518989@patient.mssante.fr"
    copy = replace(CLAIRE, recipient=key, key=key, trace=key, state=CopyState.FAILED, kind=kind, reply=reply)
    (found,) = shown(copy).timelines
    assert words in found.advice
    assert "téléphonez" in found.advice


def test_every_overall_state_has_its_text_and_nobody_is_a_message_without_recipients() -> None:
    assert OVERALL_TEXTS.keys() == set(Overall)
    assert STATE_TEXTS.keys() == set(StepState)
    assert shown().overall is Overall.NOT_SENT
