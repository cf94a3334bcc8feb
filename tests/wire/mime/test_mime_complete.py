"""Trace fields, and what a submitted message lacks."""

import email
import email.utils
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.address import Address
from mssante.model.envelope import Envelope, Recipient
from mssante.model.peer import TlsFacts
from mssante.wire.mime.complete import completed_head, mail_date, received_field, return_path
from mssante.wire.mime.headers import iter_fields, summarize

NOW = datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)
SENDER = Address("jean.dupont", "chu-valdore.mssante.fr")
ENVELOPE = Envelope(SENDER, (Recipient(Address("x", "medecin.mssante.fr")),))


def _completed(head: bytes, envelope: Envelope = ENVELOPE) -> bytes:
    return completed_head(summarize(head), envelope, message_id_domain="b.fr", reference="REF-1", now=NOW)


def test_a_complete_message_gets_nothing() -> None:
    assert _completed(b"From: a@b.fr\r\nDate: x\r\nMessage-ID: <x@y>\r\n\r\n") == b""


def test_what_is_missing_is_added_in_front() -> None:
    assert _completed(b"Subject: x\r\n\r\n") == (
        b"From: jean.dupont@chu-valdore.mssante.fr\r\nDate: Tue, 3 Nov 2026 04:05:06 +0000\r\nMessage-ID: <REF-1@b.fr>\r\n"
    )
    assert _completed(b"From: a@b.fr\r\ndate: x\r\n\r\n") == b"Message-ID: <REF-1@b.fr>\r\n"


def test_the_null_sender_makes_no_from_field() -> None:
    assert b"From" not in _completed(b"", Envelope(None, ENVELOPE.recipients))


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_dates_are_read_by_the_standard_library(at: datetime, hours: int) -> None:
    aware = at.replace(tzinfo=timezone(timedelta(hours=hours)), microsecond=0)
    assert email.utils.parsedate_to_datetime(mail_date(aware)) == aware


def _received(**facts: object) -> bytes:
    given_facts: dict[str, object] = {
        "by": "mx.chu.mssante.fr",
        "from_name": "mx.medecin.mssante.fr",
        "peer_ip": "10.0.0.1",
        "protocol": "ESMTPS",
        "tls": TlsFacts("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
        "reference": "REF-1",
        "recipient": Address("x", "medecin.mssante.fr"),
        "now": NOW,
        **facts,
    }
    return received_field(**given_facts)  # type: ignore[arg-type]


def test_received_says_from_by_with_for_and_when() -> None:
    assert _received() == (
        b"Received: from mx.medecin.mssante.fr ([10.0.0.1])\r\n"
        b"\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384)\r\n"
        b"\tby mx.chu.mssante.fr with ESMTPS id REF-1\r\n"
        b"\tfor <x@medecin.mssante.fr>;\r\n"
        b"\tTue, 3 Nov 2026 04:05:06 +0000\r\n"
    )


def test_received_names_no_recipient_when_there_are_several_and_no_tls_in_clear() -> None:
    field = _received(recipient=None, tls=None, peer_ip="::1")
    assert b"for" not in field
    assert b"using" not in field
    assert b"([IPv6:::1])" in field


@given(st.text(max_size=300), st.text(max_size=50))
def test_a_peer_cannot_add_a_line_or_a_comment_to_received(name: str, ip: str) -> None:
    field = _received(from_name=name, peer_ip=ip)
    ((found, value),) = list(iter_fields(field))
    assert found == b"Received"
    assert field.isascii()
    assert value.count(b"\r\n") == 4
    assert value.count(b"(") == 2
    assert value.count(b";") == 1
    assert len(email.message_from_bytes(field + b"\r\n").keys()) == 1
    assert max(len(line) for line in field.split(b"\r\n")) < 998


@pytest.mark.parametrize(("sender", "field"), [(None, b"<>"), (SENDER, b"<jean.dupont@chu-valdore.mssante.fr>")])
def test_return_path_is_the_reverse_path(sender: Address | None, field: bytes) -> None:
    assert return_path(sender) == b"Return-Path: " + field + b"\r\n"
