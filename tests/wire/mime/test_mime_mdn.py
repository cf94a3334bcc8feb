"""Receipts of readers and programs: written, read back, and read as others write them."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mssante.model.address import Address, parse_address
from mssante.model.receipt import ERROR_LABELS
from mssante.wire.mime.mdn import (
    Disposition,
    Mdn,
    ReceiptLetter,
    asks_for_receipt,
    receipt_subject,
    write_integration_error,
    write_mdn,
)
from mssante.wire.mime.mdn_read import MDN_MAX_BYTES, answered_ids, read_error_subject, read_mdn

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ANNE, CLAIRE = parse_address("anne@chu.mssante.fr"), parse_address("claire@ville.mssante.fr")
ORIGINAL = b"From: anne@chu.mssante.fr\r\nSubject: XDM/1.0/DDM+lettre\r\nMessage-ID: <m1@poste>\r\n\r\nCorps secret\r\n"
PROCESSED = Mdn(
    Disposition.PROCESSED,
    is_automatic=True,
    is_sent_automatically=True,
    final_recipient=CLAIRE,
    original_recipient=ANNE,
    original_message_id="m1@poste",
    reporting_ua="logiciel; 1.0",
)
UNKNOWN = replace(PROCESSED, modifiers=("error",), code="902", label="patient inconnu")
LETTER = ReceiptLetter(CLAIRE, ANNE, "XDM/1.0/DDM+lettre", NOW, "r1@mss.ville.fr", ORIGINAL)
FILES = (("IHE_XDM.zip", "application/zip", b"PK\3\4"), ("lettre.pdf", "application/pdf", b"%PDF-1.4"))

GUIDE = """\
From: app@ville.mssante.fr
To: anne@chu.mssante.fr
Subject: [KO =?utf-8?q?Int=C3=A9gration_syst=C3=A8me_!?=][903] XDM/1.0/DDM+
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification;
 boundary="{declared}"

--{used}
Content-Type: text/plain

Erreur 903 : INS absent

--{used}
Content-Type: message/disposition-notification

{fields}

--{used}
"""
FIELDS = """\
Reporting-UA: LGC
final-recipient : rfc822; <claire@ville.mssante.fr>
ORIGINAL-MESSAGE-ID: <m1@poste>
Disposition: automatic-action/MDN-sent-automatically; processed/Error: 903^INS absent"""


def loose(*, declared: str = "b", used: str = "b", fields: str = FIELDS, crlf: bool = True) -> bytes:
    text = GUIDE.format(declared=declared, used=used, fields=fields)
    return text.replace("\n", "\r\n").encode() if crlf else text.encode()


def test_a_receipt_has_the_three_parts_of_the_standard_and_reads_back_as_it_was() -> None:
    data = write_mdn(PROCESSED, LETTER)
    parsed = message_from_bytes(data, policy=policy.default)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "disposition-notification"
    kinds = [part.get_content_type() for part in parsed.iter_parts()]
    assert kinds == ["text/plain", "message/disposition-notification", "text/rfc822-headers"]
    assert parsed["Subject"] == "XDM/1.0/DDM+lettre"
    assert (parsed["In-Reply-To"], parsed["Auto-Submitted"]) == ("<m1@poste>", "auto-replied")
    assert b"Corps secret" not in data
    assert read_mdn(data) == PROCESSED


def test_a_failure_is_marked_in_its_subject_and_gives_the_files_back() -> None:
    data = write_mdn(UNKNOWN, replace(LETTER, attachments=FILES))
    parsed = message_from_bytes(data, policy=policy.default)
    assert parsed["Subject"] == "[KO Intégration système !][902] XDM/1.0/DDM+lettre"
    assert read_error_subject(parsed["Subject"]) == ("902", "XDM/1.0/DDM+lettre")
    assert [part.get_filename() for part in parsed.iter_attachments()][-2:] == ["IHE_XDM.zip", "lettre.pdf"]
    assert b"Disposition: automatic-action/MDN-sent-automatically; processed/Error: 902^patient inconnu\r\n" in data
    assert read_mdn(data) == UNKNOWN
    assert UNKNOWN.is_error
    assert not PROCESSED.is_error


def test_an_error_that_nobody_asked_for_is_an_ordinary_message_with_the_original() -> None:
    data = write_integration_error(UNKNOWN, replace(LETTER, attachments=FILES))
    parsed = message_from_bytes(data, policy=policy.default)
    assert parsed.get_content_type() == "multipart/mixed"
    names = [part.get_filename() for part in parsed.iter_attachments()]
    assert names == ["message_original.eml", "IHE_XDM.zip", "lettre.pdf"]
    assert "902 : patient inconnu" in parsed.get_body().get_content()
    assert ORIGINAL in data
    assert read_mdn(data) is None


@pytest.mark.parametrize(
    "data",
    [
        loose(),
        loose(crlf=False),
        loose(declared="b", used=" b"),
        loose(declared="other"),
        loose(fields=FIELDS.replace("Disposition:", "Disposition:\n ")),
        loose(fields="\n\n" + FIELDS),
        loose(fields=FIELDS.replace("\n", "\n ", 1).replace("Error: 903^", "Error:903 ^ ")),
        loose(fields=FIELDS.replace("processed/Error:", "Processed / ERROR :")),
        loose(fields=FIELDS.replace("rfc822; ", "")),
        loose().replace(b"multipart/report; report-type=disposition-notification;", b"multipart/mixed;"),
    ],
    ids=[
        "as in the guide",
        "LF lines",
        "blank in the boundary",
        "another boundary",
        "folded",
        "empty lines before",
        "blanks in front",
        "case",
        "address without type",
        "not called a report",
    ],
)
def test_the_loose_samples_of_the_guide_are_read(data: bytes) -> None:
    found = read_mdn(data)
    assert found is not None
    assert (found.disposition, found.code, found.is_error) == (Disposition.PROCESSED, "903", True)
    assert (found.original_message_id, found.final_recipient) == ("m1@poste", CLAIRE)
    assert found.label.strip() == "INS absent"
    assert found.is_automatic
    assert found.is_sent_automatically


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("manual-action/MDN-sent-manually; displayed", (Disposition.DISPLAYED, (), "")),
        ("manual-action/MDN-sent-manually;deleted/warning", (Disposition.DELETED, ("warning",), "")),
        ("displayed", (Disposition.DISPLAYED, (), "")),
        ("automatic-action/MDN-sent-automatically; dispatched", (Disposition.DISPATCHED, (), "")),
        ("automatic-action/MDN-sent-automatically; processed/error", (Disposition.PROCESSED, ("error",), "")),
        ("a/b; processed/Error: on ne sait pas", (Disposition.PROCESSED, ("error",), "906")),
        ("a/b; processed/Error 904^INS", (Disposition.PROCESSED, ("error",), "904")),
        ("a/b; processed/Error: 0902^x", (Disposition.PROCESSED, ("error",), "902")),
    ],
)
def test_every_way_of_writing_the_disposition(value: str, expected: tuple[Disposition, tuple[str, ...], str]) -> None:
    found = read_mdn(loose(fields=f"Final-Recipient: rfc822;{CLAIRE}\nDisposition: {value}"))
    assert found is not None
    assert (found.disposition, found.modifiers, found.code) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Subject: x\r\n\r\nBonjour",
        ORIGINAL + loose(),
        loose(fields="Final-Recipient: rfc822; a@b.fr"),
        loose(fields="Disposition: a/b; exploded"),
        loose().replace(b"disposition-notification", b"delivery-status"),
        b"Disposition-Notification-To: <a@b.fr>\r\n\r\n" + FIELDS.encode(),
    ],
)
def test_what_is_no_receipt_is_none(data: bytes) -> None:
    assert read_mdn(data) is None


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[KO Intégration système !][900] XDM/1.0/DDM+x", ("900", "XDM/1.0/DDM+x")),
        ("[Erreur d'intégration !][902]", ("902", "")),
        ("Re: [ko integration systeme !] [906]  XDM", ("906", "XDM")),
        ("[Erreur d’intégration][901] y", ("901", "y")),
        ("XDM/1.0/DDM+[902]", None),
        ("[KO Intégration système !] sans code", None),
        ("", None),
    ],
)
def test_the_subject_of_an_error_gives_its_code(subject: str, expected: tuple[str, str] | None) -> None:
    assert read_error_subject(subject) == expected


@pytest.mark.parametrize("code", sorted(ERROR_LABELS.keys() - {"0"}))
def test_every_code_crosses_the_wire_with_its_label(code: str) -> None:
    found = read_mdn(write_mdn(replace(PROCESSED, modifiers=("error",), code=code), LETTER))
    assert found is not None
    assert found.code == code
    assert found.label
    assert "?" not in found.label


HEAD = b"Return-Path: <anne@chu.mssante.fr>\r\nDisposition-Notification-To: Anne <ANNE@chu.mssante.fr>\r\n"


def test_a_receipt_may_go_by_itself_only_to_the_return_path() -> None:
    asked = asks_for_receipt(HEAD, ANNE)
    assert asked is not None
    assert (asked.to.key, asked.may_be_automatic) == (ANNE.key, True)
    other = asks_for_receipt(HEAD, CLAIRE)
    assert other is not None
    assert not other.may_be_automatic
    assert "anne" in other.why.lower()
    both = asks_for_receipt(HEAD.replace(b">\r\n", b">, b@c.fr\r\n").replace(b"Return-Path", b"X"), ANNE)
    assert both is not None
    assert not both.may_be_automatic


@pytest.mark.parametrize(
    ("head", "path"),
    [
        (HEAD, None),
        (b"Subject: x\r\n", ANNE),
        (b"Disposition-Notification-To: <>\r\n", ANNE),
        (HEAD + b"Auto-Submitted: auto-generated\r\n", ANNE),
        (HEAD + b"Precedence: Bulk\r\n", ANNE),
        (HEAD + b"List-Id: <x.fr>\r\n", ANNE),
        (HEAD + b"Content-Type: multipart/report; boundary=b\r\n", ANNE),
    ],
    ids=["null path", "not asked", "nobody", "automatic", "bulk", "list", "itself a report"],
)
def test_nobody_answers_programs_lists_or_nobody(head: bytes, path: Address | None) -> None:
    assert asks_for_receipt(head, path) is None


def test_the_nearest_message_answered_comes_first() -> None:
    head = b"References: <a@x> <b@x>\r\n <c@x>\r\nIn-Reply-To: <c@x>\r\n"
    assert answered_ids(head) == ("c@x",)
    assert answered_ids(b"References: <a@x> <b@x>\r\n") == ("b@x",)
    assert answered_ids(b"In-Reply-To: votre message du 3\r\n") == ()


def test_no_text_of_strangers_adds_a_line_to_what_we_write() -> None:
    evil = "x\r\nBcc: espion@dehors.fr"
    mdn = replace(UNKNOWN, label=evil, reporting_ua=evil, original_message_id=evil)
    for data in (write_mdn(mdn, replace(LETTER, subject=evil)), write_integration_error(mdn, LETTER)):
        parsed = message_from_bytes(data, policy=policy.default)
        assert parsed["Bcc"] is None
        assert b"\nBcc" not in data.split(b"\r\n\r\n")[0]
    assert receipt_subject(UNKNOWN, "") == "[KO Intégration système !][902]"


words = st.text(
    st.characters(codec="ascii", min_codepoint=33, max_codepoint=126, exclude_characters="<>^/,;:"),
    min_size=1,
    max_size=30,
)


@given(
    st.sampled_from(Disposition), st.booleans(), st.booleans(), st.sampled_from(sorted(ERROR_LABELS)), words, st.text()
)
@settings(deadline=None, max_examples=60)
def test_what_is_written_reads_back(
    kind: Disposition, auto: bool, sent: bool, code: str, ident: str, text: str
) -> None:
    is_error = code != "0"
    mdn = Mdn(
        kind,
        is_automatic=auto,
        is_sent_automatically=sent,
        modifiers=("error",) if is_error else (),
        code=code if is_error else "",
        label="label" if is_error else "",
        final_recipient=CLAIRE,
        original_message_id=f"{ident}@x",
    )
    found = read_mdn(write_mdn(mdn, LETTER, text))
    assert found is not None
    if is_error or kind is Disposition.PROCESSED:
        assert found == mdn
    else:
        assert replace(found, code="") == mdn


@given(st.binary(max_size=600))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_make_it_raise(data: bytes) -> None:
    target("fuzz_mime_mdn")(data)


@pytest.mark.parametrize(
    "piece",
    [b" \t", b"--b\r\n", b"disposition :", b"[KO Integration ", b"Error:", b"message/disposition-notification\n"],
)
def test_twice_as_much_takes_about_twice_the_time(piece: bytes) -> None:
    def spent_seconds(size: int) -> float:
        data = loose(fields=(piece * (size // len(piece))).decode())
        best = 9.0
        for _ in range(3):
            start = time.perf_counter()
            read_mdn(data)
            read_error_subject(data.decode())
            answered_ids(data)
            best = min(best, time.perf_counter() - start)
        return best

    half, whole = spent_seconds(MDN_MAX_BYTES // 4), spent_seconds(MDN_MAX_BYTES // 2)
    assert whole < max(4 * half, 0.02)
    assert whole < 1
