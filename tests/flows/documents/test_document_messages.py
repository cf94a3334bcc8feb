"""Messages with health documents: put together from any national example, opened again with equal metadata, judged."""

import email
import email.policy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cda_documents import EXAMPLES, PDF, example

from mssante.flows.documents.opening import open_archive, open_message
from mssante.flows.documents.sending import House, Parcel, build_xdm, compose_parcel
from mssante.model.address import parse_address
from mssante.model.document import Severity
from mssante.model.errors import WireError
from mssante.wire.cda.read import read_document
from mssante.wire.xdm.pages import Sender

NOW = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
LAB = parse_address("labo@chu.mssante.fr")
GP = parse_address("claire@medecin.mssante.fr")
PATIENT = parse_address("279035121518989@patient.mssante.fr")
HOUSE = House("1.2.250.1.999.7", Sender("", organization="CHU"), application="DEV000001", allow_test=True)


def _compose(*documents: bytes, house: House = HOUSE, **more: object) -> bytes:
    parcel = Parcel(**{"sender": LAB, "to": (GP,), "documents": documents, **more})
    return compose_parcel(parcel, house, now=NOW, reference="ref0001", make_pdf=lambda _page: PDF).data


@pytest.mark.parametrize("file", EXAMPLES or [None], ids=lambda file: "none" if file is None else file.name[:30])
def test_every_example_goes_into_an_archive_and_comes_out_with_equal_metadata(file: Path | None) -> None:
    data = example("BIO") if file is None else file.read_bytes()
    archive = build_xdm([data], HOUSE.who, now=NOW, source_id=HOUSE.source_id, reference="r")
    opened = open_archive(archive, allow_test=True)
    (document,) = opened.documents
    assert document.data == data
    assert document.cda is not None
    assert document.cda.header == read_document(data).header
    errors = {one.code for one in opened.findings if one.severity is Severity.ERROR}
    # What some examples lack themselves; the archive adds nothing to it.
    assert errors <= {"ins-not-qualified", "ins-key"}, opened.findings


def test_a_message_says_what_its_documents_are() -> None:
    data = _compose(example("BIO-CR-BIO_2024.01_Gly"), label="Hôpital C – Biologie", wants_receipt=True)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["Subject"] == "XDM/1.0/DDM+CR d'examens biologiques PAT-TROIS DOMINIQUE 28/03/1979"
    assert message["X-MSS-CODECDA"] == "11502-2"
    assert message["X-MSS-INS"] == "O"
    assert message["X-MSS-NIL"] == "DEV000001"
    assert message["X-MSS-MES"] is None
    assert message["Disposition-Notification-To"] == str(LAB)
    assert message["Message-ID"] == "<ref0001@chu.mssante.fr>"
    assert message["From"] == f"Hôpital C – Biologie <{LAB}>"
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == ["IHE_XDM.zip", "20210104_CR d'examens biologiques_PAT-TROIS_DOMINIQUE.pdf"]
    assert message.get_body().get_content().startswith("Bonjour,")
    opened = open_message(data, allow_test=True)
    assert opened is not None
    assert opened.findings == ()
    assert opened.is_sound


def test_the_pdf_that_a_document_holds_is_its_copy() -> None:
    data = example("IMG_CR_IMG_2024.01_CDA-R2-Niveau-1")
    message = email.message_from_bytes(_compose(data), policy=email.policy.default)
    copy = list(message.iter_attachments())[1]
    assert copy.get_content_type() == "application/pdf"
    assert len(copy.get_content()) > 10_000
    # It replaces another one, which the subject says first.
    assert message["Subject"].startswith("[Annule et remplace] XDM/1.0/DDM+")


def test_what_a_sender_could_not_send() -> None:
    bio, other = example("BIO-CR-BIO_2024.01_Gly"), example("CANCER-D2LM")
    with pytest.raises(WireError, match="aucun document"):
        _compose()
    with pytest.raises(WireError, match="plusieurs patients"):
        _compose(bio, other.replace(b"279035121518989", b"150019900101068").replace(b"PAT-TROIS", b"AUTRE"))
    with pytest.raises(WireError, match="sa clé ou sa forme est fausse"):
        _compose(bio.replace(b"279035121518989", b"279035121518988"))
    with pytest.raises(WireError, match="n'est pas l'adresse du patient"):
        _compose(bio, to=(parse_address("150019900101068@patient.mssante.fr"),))
    with pytest.raises(WireError, match="qu'avec son INS qualifiée"):
        _compose(bio, to=(PATIENT,), house=House(HOUSE.source_id, HOUSE.who))
    assert open_message(_compose(bio, to=(PATIENT,), closes=True), allow_test=True) is not None


def test_a_message_whose_fields_lie_is_told_apart() -> None:
    data = _compose(example("BIO-CR-BIO_2024.01_Gly"))
    lies = data.replace(b"X-MSS-CODECDA: 11502-2", b"X-MSS-CODECDA: 34112-3").replace(b"28/03/1979", b"29/03/1979")
    opened = open_message(lies, allow_test=True)
    assert opened is not None
    assert {one.code for one in opened.findings} == {"codes-differ", "subject-birth-date"}
    assert not opened.is_sound
    assert open_message(b"Subject: x\r\n\r\nrien\r\n") is None


def test_a_label_cannot_end_the_name_or_add_a_field() -> None:
    data = _compose(example("BIO-CR-BIO_2024.01_Gly"), label='Dr "X" <a@b.fr>\r\nBcc: c@d.fr')
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["Bcc"] is None
    assert [one.addr_spec for one in message["From"].addresses] == [str(LAB)]
