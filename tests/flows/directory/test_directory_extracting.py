"""The extraction is what open access shows of the directory, and what another directory reads back.

Source: operators.md 4.4.
"""

from dataclasses import replace
from pathlib import Path

from directory_files import CHU, LINES, box, extraction, loaded, opened

from mssante.flows.directory import extracting
from mssante.flows.directory.extracting import Extracted, extract
from mssante.model.directory import AddMailbox, Caller, Holder, ListedMailbox, Target
from mssante.model.mailbox import MailboxType
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, mailbox_of, read_extraction

OPERATOR = Caller("chu", operator="chu")
AT_THE_CHU = Target(Holder.PLACE, CHU.identifier)


async def extracted(folder: Path) -> tuple[Extracted, list[bytes]]:
    _directory, store = opened(folder)
    pieces: list[bytes] = []
    try:
        return await store.read(lambda tx: extract(tx, pieces.append)), pieces
    finally:
        await store.close()


async def published(folder: Path, *boxes: ListedMailbox) -> None:
    directory, store = opened(folder)
    try:
        for one in boxes:
            await directory.change(OPERATOR, AT_THE_CHU, (AddMailbox(one),))
    finally:
        await store.close()


def read(pieces: list[bytes]) -> list[ListedMailbox]:
    return [mailbox_of(row) for batch in read_extraction(pieces) for row in batch.rows]


async def test_what_was_imported_comes_out_again(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    found, pieces = await extracted(tmp_path)
    assert found == Extracted(len(LINES), 0)
    assert sorted(read(pieces), key=lambda one: one.address) == sorted(
        (line[0] for line in LINES), key=lambda one: one.address
    )


async def test_the_same_directory_makes_the_same_extraction_of_its_own_extraction(tmp_path: Path) -> None:
    loaded(tmp_path / "one", extraction=extraction())
    _found, first = await extracted(tmp_path / "one")
    loaded(tmp_path / "two", extraction=b"".join(first))
    _found, second = await extracted(tmp_path / "two")
    assert b"".join(second) == b"".join(first)


async def test_a_published_box_is_in_it_and_the_red_list_and_software_are_not(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    await published(
        tmp_path,
        ListedMailbox("pharmacie@chu-nantes.mssante.fr", MailboxType.ORG, service="Pharmacie"),
        ListedMailbox("cachee@chu-nantes.mssante.fr", MailboxType.ORG, is_red=True),
        ListedMailbox("dpi@chu-nantes.mssante.fr", MailboxType.APP),
    )
    found, pieces = await extracted(tmp_path)
    assert found == Extracted(len(LINES) + 1, 2)
    text = b"".join(pieces)
    assert b"ORG|pharmacie@chu-nantes.mssante.fr|" in text
    assert b"|Pharmacie|" in text
    assert b"cachee@" not in text
    assert b"dpi@" not in text


async def test_it_is_handed_over_in_pages(tmp_path: Path, monkeypatch) -> None:
    many = [box(f"boite{number}@chu-nantes.mssante.fr", None, CHU) for number in range(7)]
    loaded(tmp_path, extraction=extraction(many))
    monkeypatch.setattr(extracting, "PAGE_ROWS", 3)
    found, pieces = await extracted(tmp_path)
    assert found == Extracted(7, 0)
    assert [piece.count(b"\n") for piece in pieces] == [1, 3, 3, 1]
    assert pieces[0] == EXTRACTION_HEADER
    assert {one.address for one in read(pieces)} == {replace(line[0]).address for line in many}
