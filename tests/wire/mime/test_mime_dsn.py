"""Delivery notices, read back with the standard library."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.address import Address
from mssante.wire.mime.dsn import Notice, NoticeKind, NoticeRecipient, build_notice
from mssante.wire.mime.headers import summarize

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ORIGINAL = (
    b"From: jean@chu-valdore.mssante.fr\r\nTo: x@medecin.mssante.fr\r\nSubject: Mme Secret, sortie\r\n"
    b"Message-ID: <orig@chu-valdore.mssante.fr>\r\n\r\nCorps confidentiel\r\n"
)
RECIPIENT = NoticeRecipient(
    Address("x", "medecin.mssante.fr"),
    "rfc822;X@medecin.mssante.fr",
    "5.1.1",
    "550 5.1.1 No such mailbox here",
    "mx.medecin.mssante.fr",
    NOW,
    None,
    "Cette adresse n'existe pas : vérifiez-la dans l'annuaire.",
    "No such mailbox here",
)
NOTICE = Notice(
    kind=NoticeKind.FAILED,
    reporting_mta="mx.chu-valdore.mssante.fr",
    postmaster=Address("postmaster", "chu-valdore.mssante.fr"),
    to=Address("jean", "chu-valdore.mssante.fr"),
    recipients=(RECIPIENT,),
    envelope_id="ENV-1",
    arrived_at=NOW - timedelta(hours=1),
    now=NOW,
    message_id="notice-1@mx.chu-valdore.mssante.fr",
    original_id="orig@chu-valdore.mssante.fr",
    reference="REF-1",
    original=ORIGINAL,
    full=False,
    limit_bytes=50_000,
)


def _parts(data: bytes) -> tuple[Message, list[Message], list[Message]]:
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    assert not message.defects
    parts = message.get_payload()
    assert isinstance(parts, list)
    fields = parts[1].get_payload()
    assert isinstance(fields, list)
    return message, parts, fields  # type: ignore[return-value]


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_a_failure_notice_has_the_three_parts_and_the_fields_of_the_standard() -> None:
    data = build_notice(NOTICE)
    message, parts, (about, told) = _parts(data)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert summarize(data).subject == "Message non distribué"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["To"] == "jean@chu-valdore.mssante.fr"
    assert message["In-Reply-To"] == "<orig@chu-valdore.mssante.fr>"
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert about["Original-Envelope-Id"] == "ENV-1"
    assert about["Reporting-MTA"] == "dns; mx.chu-valdore.mssante.fr"
    assert about["Arrival-Date"] == "Mon, 23 Nov 2026 09:00:00 +0000"
    assert told["Original-Recipient"] == "rfc822;X@medecin.mssante.fr"
    assert told["Final-Recipient"] == "rfc822; x@medecin.mssante.fr"
    assert told["Action"] == "failed"
    assert told["Status"] == "5.1.1"
    assert told["Remote-MTA"] == "dns; mx.medecin.mssante.fr"
    assert told["Diagnostic-Code"] == "smtp; 550 5.1.1 No such mailbox here"
    assert told["Last-Attempt-Date"] == "Mon, 23 Nov 2026 10:00:00 +0000"
    assert told["Will-Retry-Until"] is None


def test_the_text_is_french_first_with_what_to_do_then_english() -> None:
    text = _text(_parts(build_notice(NOTICE))[1][0])
    assert text.startswith("Votre message n'a pas pu être remis")
    assert "vérifiez-la dans l'annuaire" in text
    assert "550 5.1.1 No such mailbox here" in text
    assert "REF-1" in text
    assert text.index("remis") < text.index("could not be delivered")


def test_the_subject_and_body_of_the_original_do_not_leak_into_ours() -> None:
    data = build_notice(NOTICE)
    _, parts, _ = _parts(data)
    assert "Secret" not in summarize(data).subject + _text(parts[0])
    assert b"Corps confidentiel" not in data
    assert "Secret" in str(parts[2].get_payload())


def test_the_original_comes_back_whole_only_when_asked_and_small() -> None:
    whole = build_notice(replace(NOTICE, full=True))
    _, parts, _ = _parts(whole)
    assert parts[2].get_content_type() == "message/rfc822"
    assert ORIGINAL in whole
    big = build_notice(replace(NOTICE, full=True, original=ORIGINAL + b"x\r\n" * 50_000))
    assert len(big) < 5_000
    assert _parts(big)[1][2].get_content_type() == "text/rfc822-headers"


def test_a_long_header_is_cut_between_lines() -> None:
    original = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    data = build_notice(replace(NOTICE, original=original, limit_bytes=1000))
    returned = str(_parts(data)[1][2].get_payload())
    assert 900 < len(returned) < 1100
    assert all(line.endswith(": y") for line in returned.splitlines() if line)


@pytest.mark.parametrize(
    ("kind", "subject", "action"),
    [
        (NoticeKind.DELAYED, "Message retardé", "delayed"),
        (NoticeKind.DELIVERED, "Message remis", "delivered"),
        (NoticeKind.RELAYED, "Message transmis", "relayed"),
    ],
)
def test_each_kind_has_its_subject_and_action(kind: NoticeKind, subject: str, action: str) -> None:
    told = replace(RECIPIENT, retry_until=NOW + timedelta(days=5), status="4.4.1")
    data = build_notice(replace(NOTICE, kind=kind, recipients=(told,)))
    _, parts, fields = _parts(data)
    assert summarize(data).subject == subject
    assert fields[1]["Action"] == action
    late = kind is NoticeKind.DELAYED
    assert (fields[1]["Will-Retry-Until"] == "Sat, 28 Nov 2026 10:00:00 +0000") is late
    assert "28/11/2026 à 10 h 00" in _text(parts[0])


def test_accented_addresses_are_told_in_the_utf8_type() -> None:
    told = replace(RECIPIENT, address=Address("adèle", "medecin.mssante.fr"))
    _, _, fields = _parts(build_notice(replace(NOTICE, recipients=(told,))))
    assert fields[1]["Final-Recipient"] == "utf-8; ad\\x{E8}le@medecin.mssante.fr"


def test_eight_bit_originals_are_announced() -> None:
    data = build_notice(replace(NOTICE, original="Subject: été\r\n\r\n".encode()))
    assert _parts(data)[1][2]["Content-Transfer-Encoding"] == "8bit"


@given(st.text(max_size=700), st.text(max_size=100), st.binary(max_size=300))
def test_nothing_that_strangers_say_adds_a_line_or_a_part(said: str, name: str, original: bytes) -> None:
    told = replace(RECIPIENT, diagnostic=said, remote_mta=name, original=name, status=name or "5.0.0", french=said)
    notice = replace(
        NOTICE, recipients=(told,), envelope_id=said, original_id=said, original=original, reference=name, full=True
    )
    data = build_notice(notice)
    lines = data.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    message, parts, fields = _parts(data)
    assert len(parts) == 3
    assert len(fields) == 2
    assert set(message.keys()) <= {
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version",
        "Content-Type",
    }  # fmt: skip
    assert set(fields[0].keys()) == {"Original-Envelope-Id", "Reporting-MTA", "Arrival-Date"}
    assert fields[1].keys().count("Action") == 1
    assert len(fields[1].keys()) <= 7


@given(st.integers(1, 30))
def test_each_recipient_has_its_own_fields(count: int) -> None:
    told = tuple(replace(RECIPIENT, address=Address(f"r{number}", "x.fr")) for number in range(count))
    _, _, fields = _parts(build_notice(replace(NOTICE, recipients=told)))
    assert [field["Final-Recipient"] for field in fields[1:]] == [f"rfc822; r{number}@x.fr" for number in range(count)]
