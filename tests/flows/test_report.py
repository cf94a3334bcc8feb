"""Which notices are due, and what they say."""

import email
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message

import pytest

from mssante.flows.report import Outgoing, ReportFacts, notice_due, notices_for, wants_body
from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import MailOptions, Notify, Recipient, Return
from mssante.model.message import (
    Body,
    Copy,
    CopyId,
    CopyState,
    Deferred,
    Delivered,
    Failed,
    MessageId,
    Outcome,
    Relayed,
)
from mssante.wire.mime.dsn import NoticeKind

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
JEAN = Address("jean", "chu-valdore.mssante.fr")
ORIGINAL = b"Received: x\r\nSubject: y\r\n\r\nCorps\r\n"
COPY = Copy(
    copy_id=CopyId(1),
    message=MessageId(1),
    reference="REF-1",
    state=CopyState.SENDING,
    sender=JEAN,
    recipient=Recipient(Address("x", "medecin.mssante.fr"), original="rfc822;x@medecin.mssante.fr"),
    options=MailOptions(envelope_id="ENV-1"),
    prefix=b"Received: x\r\n",
    body=Body(b"\0" * 32, len(ORIGINAL) - 13, b"Subject: y\r\n\r\nCorps\r\n", None),
    tries=1,
    queued_at=NOW - timedelta(hours=5),
    due_at=NOW,
    lease="L",
    warned=False,
    dsn=False,
    last_kind=None,
    last_detail="",
)
FACTS = ReportFacts(
    hostname="mx.chu-valdore.mssante.fr",
    postmaster=Address("postmaster", "chu-valdore.mssante.fr"),
    limit_bytes=50_000,
    now=NOW,
    message_id="n1@chu-valdore.mssante.fr",
    original_id="o1@chu-valdore.mssante.fr",
    original=ORIGINAL,
    retry_until=NOW + timedelta(days=5),
    late=True,
)
REFUSED = Refusal(Kind.PEER_REFUSED, "peer", "The peer refused the message")
BUSY = Refusal(Kind.PEER_DEFERRED, "peer", "The peer asks to try later")
FAILED = Failed(REFUSED, "550 5.1.1 No such mailbox here", "mx.medecin.mssante.fr [10.0.0.1]")
DEFERRED = Deferred(BUSY, "450 4.3.2 Busy", "mx.medecin.mssante.fr [10.0.0.1]")
DELIVERED = Delivered("INBOX")
RELAYED = Relayed("250 2.0.0 ok", "R5", "mx.medecin.mssante.fr [10.0.0.1]", dsn_supported=False)
ALL = Notify.SUCCESS | Notify.FAILURE | Notify.DELAY


def _copy(notify: Notify) -> Copy:
    return replace(COPY, recipient=replace(COPY.recipient, notify=notify))


@pytest.mark.parametrize(
    ("notify", "outcome", "late", "due"),
    [
        (Notify.FAILURE | Notify.DELAY, FAILED, False, NoticeKind.FAILED),
        (Notify.FAILURE | Notify.DELAY, DEFERRED, True, NoticeKind.DELAYED),
        (Notify.FAILURE | Notify.DELAY, DEFERRED, False, None),
        (Notify.FAILURE | Notify.DELAY, DELIVERED, True, None),
        (Notify.FAILURE | Notify.DELAY, RELAYED, True, None),
        (Notify.NEVER, FAILED, True, None),
        (Notify.NEVER, DEFERRED, True, None),
        (Notify.NEVER, DELIVERED, True, None),
        (Notify.NEVER, RELAYED, True, None),
        (Notify.SUCCESS, DELIVERED, False, NoticeKind.DELIVERED),
        (Notify.SUCCESS, RELAYED, False, NoticeKind.RELAYED),
        (Notify.SUCCESS, replace(RELAYED, dsn_supported=True), False, None),
        (Notify.SUCCESS, FAILED, False, None),
        (Notify.FAILURE, DEFERRED, True, None),
        (Notify.DELAY, FAILED, True, None),
        (Notify.DELAY, DEFERRED, True, NoticeKind.DELAYED),
    ],
)
def test_a_notice_is_due_when_it_was_asked_for(
    notify: Notify, outcome: Outcome, late: bool, due: NoticeKind | None
) -> None:
    assert notice_due(_copy(notify), outcome, late=late) is due


@pytest.mark.parametrize("outcome", [FAILED, DEFERRED, DELIVERED, RELAYED])
def test_nobody_answers_the_null_sender_or_a_notice(outcome: Outcome) -> None:
    assert notices_for(replace(_copy(ALL), sender=None), outcome, FACTS) == ()
    assert notices_for(replace(_copy(ALL), dsn=True), outcome, FACTS) == ()


def test_a_delay_is_told_once() -> None:
    assert notice_due(COPY, DEFERRED, late=True) is NoticeKind.DELAYED
    assert notice_due(replace(COPY, warned=True), DEFERRED, late=True) is None


def _notice(copy: Copy, outcome: Outcome) -> tuple[Outgoing, Message, Message]:
    (outgoing,) = notices_for(copy, outcome, FACTS)
    message = email.message_from_bytes(outgoing.data)
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert isinstance(parts[1], Message)
    fields = parts[1].get_payload()
    assert isinstance(fields, list)
    assert isinstance(fields[1], Message)
    return outgoing, message, fields[1]


def test_a_notice_goes_to_the_sender_with_the_null_reverse_path_and_asks_for_no_notice() -> None:
    outgoing, message, _ = _notice(COPY, FAILED)
    assert outgoing.envelope.sender is None
    assert outgoing.envelope.recipients == (Recipient(JEAN, Notify.NEVER),)
    assert message["To"] == str(JEAN)
    assert b"Original-Envelope-Id: ENV-1" in outgoing.data


def test_a_failure_gives_the_peers_own_words_and_code() -> None:
    outgoing, message, told = _notice(COPY, FAILED)
    assert outgoing.kind is NoticeKind.FAILED
    assert told["Status"] == "5.1.1"
    assert told["Remote-MTA"] == "dns; mx.medecin.mssante.fr"
    assert told["Diagnostic-Code"] == "smtp; 550 5.1.1 No such mailbox here"
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert isinstance(parts[0], Message)
    text = parts[0].get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "Cette adresse n'existe pas" in text.decode()


def test_a_delay_says_until_when() -> None:
    _, _, told = _notice(COPY, DEFERRED)
    assert told["Action"] == "delayed"
    assert told["Status"] == "4.3.2"
    assert told["Will-Retry-Until"] == "Sat, 28 Nov 2026 10:00:00 +0000"


def test_success_is_told_with_its_own_action() -> None:
    assert _notice(_copy(ALL), DELIVERED)[2]["Action"] == "delivered"
    assert _notice(_copy(ALL), RELAYED)[2]["Action"] == "relayed"
    assert _notice(_copy(ALL), RELAYED)[2]["Diagnostic-Code"] == "smtp; 250 2.0.0 ok"


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Failed(Refusal(Kind.EXPIRED, "retry", "Gave up"), "450 4.3.2 Busy"), "5.4.7"),
        (Failed(Refusal(Kind.MAILBOX_UNKNOWN, "mailbox-exists", "No such mailbox")), "5.1.1"),
        (Failed(REFUSED, "550 no"), "5.0.0"),
        (Failed(REFUSED, "550 4.2.2 class and code differ"), "5.0.0"),
        (Deferred(Refusal(Kind.HOST_UNREACHABLE, "mx", "No answer")), "4.4.1"),
        (Deferred(BUSY, "452 odd"), "4.0.0"),
    ],
)
def test_the_status_is_of_the_class_of_the_action(outcome: Outcome, status: str) -> None:
    assert _notice(COPY, outcome)[2]["Status"] == status


def test_our_own_french_text_comes_first() -> None:
    refusal = Refusal(Kind.MAILBOX_FULL, "quota", "Mailbox full", french="La boîte de Paul est pleine.")
    data = notices_for(COPY, Failed(refusal), FACTS)[0].data
    assert b"La bo=C3=AEte de Paul est pleine." in data


@pytest.mark.parametrize(
    ("ret", "kind", "limit", "wanted"),
    [
        (Return.FULL, NoticeKind.FAILED, len(ORIGINAL), True),
        (Return.FULL, NoticeKind.FAILED, len(ORIGINAL) - 1, False),
        (Return.FULL, NoticeKind.DELAYED, 50_000, False),
        (Return.HEADERS, NoticeKind.FAILED, 50_000, False),
        (None, NoticeKind.FAILED, 50_000, False),
    ],
)
def test_the_body_comes_back_only_when_asked_and_small(
    ret: Return | None, kind: NoticeKind, limit: int, wanted: bool
) -> None:
    copy = replace(COPY, options=replace(COPY.options, ret=ret))
    assert wants_body(copy, kind, limit) is wanted
    if kind is NoticeKind.FAILED:
        (outgoing,) = notices_for(copy, FAILED, replace(FACTS, limit_bytes=limit))
        assert (b"Corps" in outgoing.data) is wanted


def test_an_accented_sender_needs_smtputf8() -> None:
    (outgoing,) = notices_for(replace(COPY, sender=Address("adèle", "chu.mssante.fr")), FAILED, FACTS)
    assert outgoing.envelope.options.smtputf8
