"""Delivery notices read: ours, those of other programs, broken ones."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mssante.model.address import Address
from mssante.wire.mime.dsn import Notice, NoticeKind, NoticeRecipient, build_notice
from mssante.wire.mime.dsn_read import NOTICE_MAX_BYTES, RECIPIENTS_MAX, NoticeTold, read_notice

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HEADERS = (
    "Received: from poste ([192.0.2.1])\r\n\tby mss.chu.fr with ESMTPSA id 65f1aa;\r\n\tMon, 23 Nov 2026 09:00:00 +0000\r\n"
    "Message-ID: <m1@poste.chu.fr>\r\nSubject: essai\r\n"
)
STATUS = "delivery-status"
WHO = Address("x", "medecin.mssante.fr")
RECIPIENT = NoticeRecipient(WHO, "rfc822;X@medecin.mssante.fr", "5.1.1", "550 5.1.1 No such mailbox here", "mx", NOW)
OURS = Notice(
    kind=NoticeKind.FAILED,
    reporting_mta="mx.medecin.mssante.fr",
    postmaster=Address("postmaster", "medecin.mssante.fr"),
    to=Address("jean", "chu.mssante.fr"),
    recipients=(RECIPIENT,),
    envelope_id="65f1aa",
    arrived_at=NOW,
    now=NOW,
    message_id="notice-1@mx.medecin.mssante.fr",
    original_id="m1@poste.chu.fr",
    reference="REF",
    original=f"{HEADERS}\r\nCorps\r\n".encode(),
    full=False,
    limit_bytes=50_000,
)
TOLD = NoticeTold(Address("X", WHO.domain), WHO, "failed", "5.1.1", "550 5.1.1 No such mailbox here")


def other(*blocks: str, original: bytes = HEADERS.encode(), kind: str = "report", report: str = STATUS) -> bytes:
    """Return a notice as Postfix writes it, with LF lines as a pipe may make them."""
    head = (
        f"From: MAILER-DAEMON@mx.test\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/{kind}; report-type={report};\n\tboundary="LIMITE"\n\nThis is a MIME message.\n'
    )
    parts = (
        "Content-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\nIt did not arrive.\n",
        f"Content-Description: Delivery report\nContent-Type: message/{STATUS}\n\n" + "\n\n".join(blocks) + "\n",
        f"Content-Description: Undelivered Headers\nContent-Type: text/rfc822-headers\n\n{original.decode()}\n",
    )
    return (head + "".join(f"\n--LIMITE\n{part}" for part in parts) + "\n--LIMITE--\n").encode()


ABOUT = "Reporting-MTA: dns; mx.test\nOriginal-Envelope-Id: E1"
FAILED = "Final-Recipient: RFC822; <x@medecin.mssante.fr>\nAction: FAILED (for good)\nStatus: 5.2.1 (disabled)"


def test_our_own_notice_is_read_back() -> None:
    found = read_notice(build_notice(OURS))
    assert found is not None
    assert found.told == (TOLD,)
    assert found.envelope_id == "65f1aa"
    assert read_notice(build_notice(replace(OURS, full=True))) == found


@pytest.mark.parametrize("local", ["zoé", "zoé+\\", "é=é"])
def test_addresses_that_are_not_ascii_are_read_back(local: str) -> None:
    who = Address(local, WHO.domain)
    found = read_notice(build_notice(replace(OURS, recipients=(replace(RECIPIENT, address=who, original=None),))))
    assert found is not None
    assert (found.told[0].final, found.told[0].original) == (who, None)


def test_notices_of_other_programs_are_understood() -> None:
    second = (
        "Original-Recipient: rfc822;y@medecin.mssante.fr\nFinal-Recipient: x400; /C=FR\nAction: failed\nStatus: 5.1.1"
    )
    found = read_notice(other(ABOUT, FAILED, second + "\nDiagnostic-Code: SMTP; 550-5.1.1\n user\n\t unknown"))
    assert found is not None
    one, two = found.told
    assert (one.final, one.action, one.status, one.reply) == (WHO, "failed", "5.2.1", "")
    assert (two.original, two.final, two.reply) == (Address("y", WHO.domain), None, "550-5.1.1 user unknown")
    assert found.envelope_id == "E1"


def test_a_cut_notice_says_what_stands_before_the_cut() -> None:
    whole = other(ABOUT, FAILED)
    found = read_notice(whole[: whole.index(b"Subject: essai")])
    assert found is not None
    assert found.told[0].final == WHO


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Subject: delivery-status\r\n\r\nx",
        other(ABOUT, FAILED, report="disposition-notification"),
        other(ABOUT, FAILED, kind="mixed"),
        other(ABOUT, FAILED).replace(b"message/delivery-status", b"text/plain"),
        other(ABOUT, FAILED).replace(b"multipart/report;", b"text/plain;"),
    ],
)
def test_what_is_no_notice_is_none(data: bytes) -> None:
    assert read_notice(data) is None


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("Final-Recipient: x@medecin.mssante.fr\nStatus: 5.1.1", NoticeTold(None, None, "", "5.1.1", "")),
        ("Final-Recipient: rfc822; pas une adresse\nStatus: 5.x.1", NoticeTold(None, None, "", "", "")),
        ("Final-Recipient: utf-8; zo\\x{E9}@medecin.mssante.fr\nStatus: 9.1.1", NoticeTold(None, Address("zoé", WHO.domain), "", "", "")),
        ("Final-Recipient: utf-8; \\x{D800}\\x{FFFFFF}@medecin.mssante.fr\nX", NoticeTold(None, Address("\ufffd\ufffd", WHO.domain), "", "", "")),
        ("Status: 5.1.1\nStatus: 2.0.0\nDiagnostic-Code: x-unix; 550 5.1.1", NoticeTold(None, None, "", "5.1.1", "")),
    ],
)  # fmt: skip
def test_fields_that_are_broken_say_nothing(block: str, told: NoticeTold) -> None:
    found = read_notice(other(ABOUT, block))
    assert found is not None
    assert found.told == (told,)


def test_recipients_are_bounded() -> None:
    found = read_notice(other(ABOUT, *[FAILED] * (RECIPIENTS_MAX + 50)))
    assert found is not None
    assert len(found.told) == RECIPIENTS_MAX


@pytest.mark.parametrize("piece", ["\n", " \n", "\t", "a:\n", "Final-Recipient: rfc822;", "--LIMITE\n", "\\x{"])
def test_time_is_linear(piece: str) -> None:
    data = other(ABOUT, piece * (NOTICE_MAX_BYTES // len(piece)), original=(piece * 20_000).encode())
    began = time.process_time()
    read_notice(data)
    assert time.process_time() - began < 1


ONE = target("fuzz_mime_dsn")
PIECES = st.sampled_from(
    [build_notice(OURS), ABOUT.encode(), FAILED.encode(), b"\r\n\r\n", b"\n--LIMITE\n", b"Content-Type: message/delivery-status\n\n",
     b"Content-Type: multipart/report; report-type=delivery-status; boundary=LIMITE\n\n", b"Status: 5.1.1", b"Received: by a id b\n"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES | st.binary(max_size=8), max_size=8).map(b"".join))
def test_any_bytes_are_read_or_are_none(data: bytes) -> None:
    ONE(data)
