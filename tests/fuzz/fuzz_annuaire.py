"""Fuzz target: national files of any bytes; runs under atheris or hypothesis."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.annuaire.extraction import (
    EXTRACTION_HEADER,
    extraction_line,
    mailbox_of,
    professional_of,
    read_extraction,
    structure_of,
)
from mssante.wire.annuaire.finess import read_finess
from mssante.wire.annuaire.hospitals import read_hospitals
from mssante.wire.annuaire.lines import Batch
from mssante.wire.annuaire.persons import (
    ACTIVITY_HEADER,
    SPECIALITY_HEADER,
    professional_of_activity,
    read_activities,
    read_specialities,
    situation_of_activity,
    structure_of_activity,
)
from mssante.wire.annuaire.places import structure_of_place

Reader = Callable[[Iterable[bytes]], Iterator[Batch]]
HOSPITALS: Final = b"id,hospital_name,site_name,lat,lon,street,house_number,postcode,city,facility_type,tel\n"
READERS: Final[tuple[tuple[bytes, Reader], ...]] = (
    (EXTRACTION_HEADER, read_extraction),
    (ACTIVITY_HEADER, read_activities),
    (SPECIALITY_HEADER, read_specialities),
    (b"finess;etalab;1;2026-01-01\n", read_finess),
    (HOSPITALS, read_hospitals),
)


def batches(reader: Reader, data: bytes, step: int) -> list[Batch] | None:
    try:
        return list(reader(data[at : at + step] for at in range(0, len(data), step)))
    except TheirProtocolError:
        return None


def one_input(data: bytes) -> None:
    for header, reader in READERS:
        batches(reader, data, 7)
        found = batches(reader, header + data, max(1, len(header) + len(data)))
        assert found is not None, "a good header was refused"
        assert batches(reader, header + data, 1 + len(data) % 5) == found
        lines = data.count(b"\n") + bool(data.rpartition(b"\n")[2])
        assert sum(batch.lines for batch in found) == lines
        for batch in found:
            assert reader is read_finess or len(batch.rows) + len(batch.bad) == batch.lines
            assert all(len(bad.text) <= 200 and 2 <= bad.number <= lines + 1 for bad in batch.bad)
            values(reader, batch)


def values(reader: Reader, batch: Batch) -> None:
    for row in batch.rows:
        if reader is read_extraction:
            mailbox, person, place = mailbox_of(row), professional_of(row), structure_of(row)
            (again,) = read_extraction([EXTRACTION_HEADER, extraction_line(mailbox, person, place)])
            assert [mailbox_of(one) for one in again.rows] == [mailbox]
            assert [professional_of(one) for one in again.rows] == [person]
        elif reader is read_activities:
            assert professional_of_activity(row).family
            assert (structure_of_activity(row) is None) == (situation_of_activity(row) is None)
        elif reader in {read_finess, read_hospitals}:
            assert structure_of_place(row).name
