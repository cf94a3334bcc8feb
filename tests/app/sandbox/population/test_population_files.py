"""The generated files are read by the readers of the real ones, and look like the real ones."""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from mssante.app.sandbox.population.population import Report, write_population
from mssante.model.errors import ConfigError
from mssante.model.national import is_finess, is_rpps, is_siret
from mssante.wire.annuaire.extraction import Column, read_extraction
from mssante.wire.annuaire.finess import read_finess
from mssante.wire.annuaire.lines import Batch, Row
from mssante.wire.annuaire.persons import Activity, Speciality, read_activities, read_specialities
from mssante.wire.annuaire.places import Place

PEOPLE = 12_000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return write_population(
        tmp_path_factory.mktemp("population"), professionals=PEOPLE, seed=1, progress=lambda _: None
    )


def rows(path: Path, reader: Callable[[Iterable[bytes]], Iterator[Batch]]) -> list[Row]:
    batches = list(reader([path.read_bytes()]))
    assert [bad for batch in batches for bad in batch.bad] == []
    return [row for batch in batches for row in batch.rows]


@pytest.fixture(scope="module")
def boxes(report: Report) -> list[Row]:
    return rows(report.files[0], read_extraction)


@pytest.fixture(scope="module")
def activities(report: Report) -> list[Row]:
    return rows(report.files[2], read_activities)


@pytest.fixture(scope="module")
def places(report: Report) -> list[Row]:
    return rows(report.files[4], read_finess)


def test_every_line_is_read_and_the_report_counts_them(
    report: Report, boxes: list[Row], activities: list[Row], places: list[Row]
) -> None:
    assert report.professionals == PEOPLE
    assert len(boxes) == report.mailboxes
    assert Counter(row[Column.KIND] for row in boxes) == {
        "PER": report.personal_boxes,
        "ORG": report.organisation_boxes,
    }
    assert len(activities) == report.activities
    assert len(places) == report.structures
    assert len(rows(report.files[3], read_specialities)) == report.specialities


def test_the_archive_holds_the_same_extraction(report: Report) -> None:
    with zipfile.ZipFile(report.files[1]) as archive:
        assert archive.namelist() == [report.files[0].name]
        assert archive.read(report.files[0].name) == report.files[0].read_bytes()


def test_the_same_seed_gives_the_same_files_and_another_one_others(tmp_path: Path) -> None:
    contents: list[list[bytes]] = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        (tmp_path / name).mkdir()
        found = write_population(tmp_path / name, professionals=300, seed=seed, progress=lambda _: None)
        contents.append([path.read_bytes() for path in found.files])
    assert contents[0] == contents[1]
    assert all(one != other for one, other in zip(contents[0], contents[2], strict=True))


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    told: list[int] = []
    write_population(tmp_path, professionals=10_100, seed=1, progress=told.append)
    assert told == [10_000, 10_100]


@pytest.mark.parametrize("professionals", [0, -1, 5_000_001])
def test_a_number_of_people_that_cannot_be_made_is_refused(tmp_path: Path, professionals: int) -> None:
    with pytest.raises(ConfigError, match="nombre de professionnels"):
        write_population(tmp_path, professionals=professionals, seed=1, progress=lambda _: None)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="impossible d'écrire"):
        write_population(tmp_path / "absent", professionals=1, seed=1, progress=lambda _: None)


def test_one_person_alone_is_a_population(tmp_path: Path) -> None:
    found = write_population(tmp_path, professionals=1, seed=3, progress=lambda _: None)
    assert found.activities >= 1
    assert len(rows(found.files[0], read_extraction)) == found.mailboxes


def test_numbers_have_their_keys_and_stand_in_ranges_that_are_not_in_use(
    activities: list[Row], places: list[Row]
) -> None:
    numbers = {row[Activity.PERSON][1:] for row in activities}
    assert len(numbers) == PEOPLE
    assert all(is_rpps(number) and number.startswith("109") for number in numbers)
    finess = [row[Place.IDENTIFIER][1:] for row in places]
    assert len(set(finess)) == len(finess)
    assert all(is_finess(number) and number[2] == "9" for number in finess)
    assert all(is_finess(row[Place.PARENT][1:]) for row in places)
    sirets = {row[Activity.SIRET] for row in activities if row[Activity.SIRET]}
    assert all(is_siret(number) and number.startswith("99") for number in sirets)


def test_half_of_the_people_have_a_mailbox_and_some_have_several(boxes: list[Row]) -> None:
    by_person = Counter(row[Column.PERSON] for row in boxes if row[Column.KIND] == "PER")
    assert 0.33 < len(by_person) / PEOPLE < 0.45
    assert 0.45 < len(boxes) / PEOPLE < 0.6
    assert sum(count > 1 for count in by_person.values()) / len(by_person) > 0.08


def test_nearly_a_fifth_of_the_people_have_no_structure_and_some_have_several(activities: list[Row]) -> None:
    assert 0.15 < sum(not row[Activity.STRUCTURE] for row in activities) / PEOPLE < 0.2
    by_person = Counter(row[Activity.PERSON] for row in activities)
    assert 0.08 < sum(count > 1 for count in by_person.values()) / PEOPLE < 0.2
    assert max(by_person.values()) <= 4


def test_addresses_are_few_on_several_lines_and_of_no_application(boxes: list[Row]) -> None:
    by_address = Counter(row[Column.ADDRESS] for row in boxes)
    assert sum(count > 1 for count in by_address.values()) < len(boxes) / 1000
    assert not any(row[Column.KIND] == "APP" for row in boxes)
    assert all(address.endswith(".mssante.fr") and address.isascii() for address in by_address)
    assert all(address == address.lower() for address in by_address)


def test_a_university_hospital_has_hundreds_of_mailboxes_by_service_and_catches_the_rest(boxes: list[Row]) -> None:
    by_domain = Counter(row[Column.ADDRESS].partition("@")[2] for row in boxes if row[Column.KIND] == "ORG")
    chu, count = by_domain.most_common(1)[0]
    assert chu.startswith("chu-")
    assert count > 200
    words = {
        row[Column.ADDRESS].partition("@")[0]: row[Column.SERVICE]
        for row in boxes
        if row[Column.ADDRESS].endswith(f"@{chu}")
    }
    assert words["secretariat.cardiologie"] in {"SECRETARIAT CARDIOLOGIE", ""}
    assert words["mssante"] in {"BOITE GENERALE DE L'ETABLISSEMENT", ""}


def test_a_mailbox_and_a_situation_name_a_structure_alike(
    boxes: list[Row], activities: list[Row], places: list[Row]
) -> None:
    known = {row[Activity.STRUCTURE] for row in activities} | {row[Place.IDENTIFIER] for row in places}
    assert {row[Column.STRUCTURE] for row in boxes} <= known | {""}


def test_names_are_shared_rare_accented_and_compound(activities: list[Row]) -> None:
    people = {row[Activity.PERSON]: row for row in activities}.values()
    families = Counter(row[Activity.FAMILY] for row in people)
    assert families["MARTIN"] > families["WEISS"]
    assert len(families) > PEOPLE / 5
    for mark in ("-", "'", "DE LA ", "LE ", "É"):
        assert any(mark in family for family in families), mark
    assert any("-" in row[Activity.GIVEN] for row in people)
    martins = [row for row in people if row[Activity.FAMILY] == "MARTIN" and row[Activity.GIVEN].upper() == "JEAN"]
    assert len({row[Activity.PERSON] for row in martins if row[Activity.PROFESSION] == "10"}) >= 3


def test_doctors_have_a_savoir_faire_and_some_a_second(report: Report) -> None:
    by_person: dict[str, list[str]] = {}
    for row in rows(report.files[3], read_specialities):
        by_person.setdefault(row[Speciality.PERSON], []).append(row[Speciality.CODE])
    assert any(codes[0].startswith("SM") and len(codes) == 2 for codes in by_person.values())


def test_most_places_of_the_mainland_stand_on_the_map(places: list[Row]) -> None:
    placed = [row for row in places if row[Place.LATITUDE]]
    assert len(placed) > 0.85 * len(places)
    assert all(41 < float(row[Place.LATITUDE]) < 51.5 and -6 < float(row[Place.LONGITUDE]) < 10 for row in placed)


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 16):
            yield chunk


def test_a_file_read_in_chunks_gives_the_same_batches(report: Report) -> None:
    path = report.files[0]
    assert list(read_extraction(chunks(path))) == list(read_extraction([path.read_bytes()]))
