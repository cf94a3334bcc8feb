from pathlib import Path

import pytest

from mssante.model.directory import Coded, PostalAddress, Structure
from mssante.model.errors import TheirProtocolError
from mssante.wire.annuaire.hospitals import read_hospitals
from mssante.wire.annuaire.lines import Row
from mssante.wire.annuaire.places import Place, structure_of_place

HEADER = (
    "id,hospital_name,site_name,lat,lon,geo_qual,street,house_number,postcode,city,cc,country,cap_beds,cap_prac,cap_rooms,"
    "emergency,facility_type,public_private,list_specs,tel,email,url,ref_date,pub_date,comments\n"
)
SITE = (
    "19000024,CENTRE HOSPITALIER EXEMPLE,SITE NORD,46.2222,5.20879,1,ROUTE DE PARIS,900,01440,VIRIAT,FR,France,,,,,"
    '"Centre hospitalier, ex Hôpital local",public,,353010000,,,06/03/2020,16/04/2020,'
)


def read(*lines: str) -> list[Row]:
    (batch,) = read_hospitals([HEADER.encode(), "\n".join(lines).encode()])
    assert batch.bad == []
    return batch.rows


def test_a_site_is_read_and_its_numbers_get_their_zeros_back() -> None:
    (row,) = read(SITE)
    assert structure_of_place(row) == Structure(
        "1019000024",
        "CENTRE HOSPITALIER EXEMPLE",
        "SITE NORD",
        PostalAddress(street="900 ROUTE DE PARIS", postcode="01440", town="VIRIAT", department="01"),
        kind="EG",
        phone="0353010000",
        category=Coded("", "Centre hospitalier, ex Hôpital local"),
        latitude=46.2222,
        longitude=5.20879,
    )


def test_a_number_of_corsica_is_read_as_it_is() -> None:
    (row,) = read(SITE.replace("19000024", "2A9000022").replace("01440", "20000"))
    assert (row[Place.IDENTIFIER], row[Place.DEPARTMENT]) == ("12A9000022", "2A")


def test_a_site_without_coordinates_or_telephone_is_read() -> None:
    (row,) = read(SITE.replace("46.2222,5.20879", ",").replace("353010000", ""))
    assert (row[Place.LATITUDE], row[Place.PHONE]) == ("", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x", "1 colonnes au lieu de 25"),
        (SITE.replace("19000024", "?"), "numéro FINESS"),
        (SITE.replace("19000024", "1019000024"), "numéro FINESS"),
        (SITE.replace("CENTRE HOSPITALIER EXEMPLE", ""), "sans nom"),
        (SITE.replace("46.2222", "x"), "degrés"),
        (SITE.replace("46.2222", "nan"), "degrés"),
        (SITE.replace("46.2222", "99"), "degrés"),
        (SITE.replace('local"', "local"), "guillemets"),
    ],
)
def test_a_bad_line_is_told(line: str, said: str) -> None:
    (batch,) = read_hospitals([HEADER.encode(), line.encode()])
    assert batch.rows == []
    assert said in batch.bad[0].reason


def test_a_missing_column_is_named() -> None:
    with pytest.raises(TheirProtocolError, match="liste des hôpitaux : la colonne « lat » manque"):
        list(read_hospitals([HEADER.replace(",lat,", ",").encode()]))
    with pytest.raises(TheirProtocolError, match="guillemets"):
        list(read_hospitals([b'"id\n']))


def test_the_whole_real_list_is_read(shared: Path) -> None:
    batches = list(read_hospitals([(shared / "data/establishments/fr-hospitals.csv").read_bytes()]))
    rows = [row for batch in batches for row in batch.rows]
    assert len(rows) == 5368
    assert not any(batch.bad for batch in batches)
    assert len({row[Place.IDENTIFIER] for row in rows}) == 5368
    assert all(row[Place.DEPARTMENT] for row in rows)
    assert all(41 < float(row[Place.LATITUDE]) < 52 for row in rows if len(row[Place.DEPARTMENT]) == 2)
