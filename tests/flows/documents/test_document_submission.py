"""Submitted messages with an archive: what they lack is set in front of them, several patients or a bomb go nowhere."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cda_documents import PDF, example
from standins import ANNE, INS, NEAR, VILLE, Office, parsed

from mssante.flows.documents.sending import build_xdm
from mssante.flows.intake import Accepted
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.document_settings import DocumentSettings
from mssante.model.mailbox import Role
from mssante.wire.mime.compose import compose
from mssante.wire.xdm.pages import Sender

NOW = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
BIO = "BIO-CR-BIO_2024.01_Gly"


def _letter(archive: bytes) -> bytes:
    return compose(
        sender=parse_address(ANNE),
        to=(parse_address(VILLE),),
        subject="bilan",
        text="Bonjour",
        attachments=(("IHE_XDM.zip", "application/zip", archive), ("bilan.pdf", "application/pdf", PDF)),
        message_id="x@y.fr",
        now=NOW,
    )


def _archive(*documents: bytes) -> bytes:
    return build_xdm(documents, Sender("", organization="CHU"), now=NOW, source_id="1.2.3", reference="r")


async def test_the_national_fields_are_completed_in_front_and_the_bytes_stay(office: Office) -> None:
    data = _letter(_archive(example(BIO)))
    assert isinstance(await office.submit(data, VILLE), Accepted)
    (sent,) = await office.read(ANNE, Role.SENT)
    assert sent.endswith(data)
    read = parsed(sent)
    assert read["X-MSS-CODECDA"] == "11502-2"
    # The identity is one of the test domain, which the operator does not accept as qualified.
    assert read["X-MSS-INS"] == "N"
    said = data.replace(b"Subject: bilan", b"Subject: bilan\r\nX-MSS-CODECDA: 1-1\r\nX-MSS-INS: O")
    assert isinstance(await office.submit(said, VILLE), Accepted)
    assert len(parsed((await office.read(ANNE, Role.SENT))[1]).get_all("X-MSS-INS")) == 1


async def test_documents_of_two_patients_do_not_leave(office: Office) -> None:
    other = example(BIO).replace(b"279035121518989", b"150019900101068").replace(b"PAT-TROIS", b"AUTRE")
    first = _archive(example(BIO))
    second = _archive(other.replace(b"55.2024.7.1", b"55.2024.7.2"))
    mixed = io.BytesIO()
    with zipfile.ZipFile(mixed, "w") as out:
        for folder, archive in (("SUBSET01", first), ("SUBSET02", second)):
            with zipfile.ZipFile(io.BytesIO(archive)) as one:
                for name in one.namelist():
                    if "SUBSET01" in name:
                        out.writestr(name.replace("SUBSET01", folder), one.read(name))
    answer = await office.submit(_letter(mixed.getvalue()), VILLE)
    assert isinstance(answer, Refusal)
    assert (answer.kind, answer.rule) == (Kind.MESSAGE_MALFORMED, "one-patient")
    assert "faites un envoi par patient" in answer.french
    assert await office.copies() == []
    (event,) = await office.events("submission.refused")
    assert event.rule == "one-patient"
    assert "2790351" not in str(event)


async def test_a_hostile_archive_does_not_leave(office: Office) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("IHE_XDM/SUBSET01/METADATA.XML", b"0" * 50_000_000)
    answer = await office.submit(_letter(bomb.getvalue()), VILLE)
    assert isinstance(answer, Refusal)
    assert answer.rule == "xdm-archive"
    assert "IHE_XDM" in answer.french


async def test_two_archives_of_two_patients_do_not_leave_however_their_names_are_written(office: Office) -> None:
    other = example(BIO).replace(b"279035121518989", b"150019900101068").replace(b"PAT-TROIS", b"AUTRE")
    data = compose(
        sender=parse_address(ANNE),
        to=(parse_address(VILLE),),
        subject="bilan",
        text="Bonjour",
        attachments=(
            ("a.zip", "application/zip", _archive(example(BIO))),
            ("b.zip", "application/zip", _archive(other)),
        ),
        message_id="x@y.fr",
        now=NOW,
    )
    hidden = data.replace(b'filename="a.zip"', b"filename*=utf-8''iHe%5Fxdm%2EZIP").replace(
        b'"b.zip"', b'"IHE_XDM.ZIP"'
    )
    answer = await office.submit(hidden, VILLE)
    assert isinstance(answer, Refusal)
    assert answer.rule == "one-patient"
    many = data.replace(b'"b.zip"', b'"IHE_XDM.ZIP"')
    part = many[many.rindex(b"\r\n--", 0, many.rindex(b'"IHE_XDM.ZIP"')) : many.rindex(b"\r\n--")]
    answer = await office.submit(many.replace(part, part * 6), VILLE)
    assert isinstance(answer, Refusal)
    assert (answer.rule, "6 archives" in answer.french) == ("xdm-archive", True)


async def test_an_archive_that_cannot_be_decoded_does_not_leave(office: Office) -> None:
    data = _letter(_archive(example(BIO)))
    assert isinstance(
        await office.submit(data.replace(b"UEsD", b"%%%%").replace(b"base64", b"x-other", 1), VILLE), Refusal
    )


async def test_the_log_setting_lets_it_pass_and_says_so(office: Office) -> None:
    settings = office.submitting.settings
    office.submitting.settings = replace(settings, documents=DocumentSettings(check_submitted="log"))
    answer = await office.submit(_letter(b"PK\3\4 none"), VILLE)
    assert isinstance(answer, Accepted)
    assert await office.events("submission.refused") == []
    (event,) = await office.events("message.submitted")
    assert "xdm-archive (logged)" in event.rule


async def test_more_than_25_mb_to_a_citizen_is_refused_before_it_is_sent(office: Office) -> None:
    big = _letter(_archive(example(BIO))) + b"0" * 25_000_000
    answer = await office.submit(big, f"{INS}@{NEAR}")
    assert isinstance(answer, Refusal)
    assert answer.kind is Kind.MESSAGE_TOO_BIG
    assert "refuse plus de 25 Mo" in answer.french


@pytest.mark.parametrize("text", ["IHE_XDM is only named here", "rien"])
async def test_a_message_without_an_archive_is_left_alone(office: Office, text: str) -> None:
    data = compose(
        sender=parse_address(ANNE), to=(parse_address(VILLE),), subject="x", text=text, message_id="a@b.fr", now=NOW
    )
    assert isinstance(await office.submit(data, VILLE), Accepted)
    (sent,) = await office.read(ANNE, Role.SENT)
    assert parsed(sent)["X-MSS-CODECDA"] is None


async def test_a_citizen_s_address_needs_the_right_key(office: Office) -> None:
    answer = await office.submit(b"Subject: x\r\n\r\nx\r\n", "279035121518988@patient.mssante.fr")
    assert isinstance(answer, Refusal)
    assert (answer.kind, answer.rule) == (Kind.ADDRESS_SYNTAX, "ins-key")
    assert "clé du matricule INS" in answer.french
