"""Documents of messages that came are listed by patient, found by the search, told from those they replace."""

from datetime import UTC, datetime

import pytest
from cda_documents import PDF, example
from standins import ANNE, Office

from mssante.flows.documents import recognising
from mssante.flows.documents.listing import list_documents
from mssante.flows.documents.recognising import recognise
from mssante.flows.documents.sending import House, Parcel, compose_parcel
from mssante.flows.folders.indexing import Indexing
from mssante.model.address import parse_address
from mssante.model.errors import MssError
from mssante.model.filed_document import FiledDocument, Standing
from mssante.store import indexes
from mssante.wire.mime.parts import parse_parts
from mssante.wire.xdm.pages import Sender

NOW = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
HOUSE = House("1.2.250.1.999.7", Sender("", organization="CHU"), allow_test=True)
BIO = "BIO-CR-BIO_2024.01_Gly"


def _message(data: bytes, reference: str = "r1") -> bytes:
    parcel = Parcel(parse_address("labo@ville.fr"), (parse_address(ANNE),), (data,))
    return compose_parcel(parcel, HOUSE, now=NOW, reference=reference, make_pdf=lambda _page: PDF).data


async def _listed(office: Office, patient: str = "") -> list[tuple[str, Standing, str]]:
    await Indexing(office.store, allow_test=True).catch_up()
    found = await list_documents(
        office.store, parse_address(ANNE), patient=patient, actor="cli:test", trace_key=b"k" * 16, now=NOW
    )
    return [(one.filed.document, one.standing, one.filed.worst) for one in found]


async def test_documents_are_listed_and_found_by_patient(office: Office) -> None:
    await office.receive(_message(example(BIO)), ANNE)
    await office.receive(b"Subject: rien\r\n\r\nrien\r\n", ANNE)
    first = ("1.2.250.1.213.1.1.1.55.2024.7.1", Standing.CURRENT, "")
    assert await _listed(office) == [first]
    assert await _listed(office, "279035121518989") == [first]
    assert await _listed(office, "Pat Trois") == [first]
    assert await _listed(office, "PAT-TR") == [first]
    assert await _listed(office, "autre") == []
    box = await office.mailbox(ANNE)
    for words in ("pat-trois", "279035121518989", "examens biologiques"):
        ids = await office.store.read(
            lambda tx, words=words: indexes.search_text(tx, box.mailbox_id, words, body_only=False)
        )
        assert len(ids) == 1, words
    assert [event.facts for event in await office.events("documents.listed")][1] == {"count": 1}


async def test_a_new_version_replaces_and_a_second_copy_is_a_duplicate(office: Office) -> None:
    old = example(BIO)
    new = old.replace(b'55.2024.7.1"', b'55.2024.7.2"').replace(
        b'<versionNumber value="1"/>', b'<versionNumber value="2"/>'
    )
    await office.receive(_message(old), ANNE)
    await office.receive(_message(new, "r2"), ANNE)
    await office.receive(_message(new, "r3"), ANNE)
    names = [(name.rpartition(".")[2], standing) for name, standing, _worst in await _listed(office)]
    assert names == [("2", Standing.CURRENT), ("2", Standing.DUPLICATE), ("1", Standing.REPLACED)]


async def test_a_tampered_document_says_so_and_a_hostile_archive_is_a_message_like_any_other(office: Office) -> None:
    data = _message(example(BIO))
    assert recognise(parse_parts(data), data, allow_test=True)[0].worst == ""
    assert recognise(parse_parts(data), data)[0].worst == "error"
    broken = data.replace(b"IHE_XDM.zip", b"ihe_xdm.ZIP").replace(b"UEsDB", b"UEsDA")
    (found,) = recognise(parse_parts(broken), broken)
    assert found.worst == "error"
    assert found == FiledDocument("", title=found.title, worst="error")
    await office.receive(broken, ANNE)
    assert [worst for _name, _standing, worst in await _listed(office)] == ["error"]


async def test_an_unknown_mailbox_is_named(office: Office) -> None:
    with pytest.raises(MssError, match="n'existe pas ici"):
        await list_documents(office.store, parse_address("x@y.fr"), patient="", actor="a", trace_key=b"k" * 16, now=NOW)


async def test_a_fault_of_ours_in_one_message_does_not_end_the_index(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RecursionError

    monkeypatch.setattr(recognising, "open_parts", broken)
    await office.receive(_message(example(BIO)), ANNE)
    assert [worst for _name, _standing, worst in await _listed(office)] == ["error"]
