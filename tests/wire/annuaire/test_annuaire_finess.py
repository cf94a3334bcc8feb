import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import Coded, PostalAddress, Structure
from mssante.model.errors import TheirProtocolError
from mssante.wire.annuaire import finess
from mssante.wire.annuaire.finess import read_finess
from mssante.wire.annuaire.lines import BadLine, Row
from mssante.wire.annuaire.places import Place, structure_of_place

FIRST = "finess;etalab;111;2026-05-12"
PLACE = (
    "structureet;449000289;448000281;CHU EXEMPLE;CENTRE HOSPITALIER UNIVERSITAIRE EXEMPLE;PAVILLON 2;BP 12;12;R;DE LA PAIX;B;LE BOURG;"
    "109;44;LOIRE ATLANTIQUE;44093 NANTES CEDEX 1;0261910000;0261910001;101;Centre Hospitalier Régional (C.H.R.);1101;"
    "Centres Hospitaliers Régionaux;99000002800011;8610Z;03;ARS;1;Etablissement public de santé;1979-02-13;1979-02-13;2020-02-04;"
)
LEGAL = (
    "structureej;448000281;CHU EXEMPLE;;;12;R;DE LA PAIX;;;;109;44093 NANTES CEDEX 1;44;LOIRE ATLANTIQUE;0261910000;13;"
    "Etablissement Public Communal d'Hospitalisation;;;990000028;8610Z;1960-01-01"
)
POINT = "geolocalisation;449000289;870215.7;6571590.5;1,ATLASANTE,96,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole);2026-05-04"


def read(*lines: str | bytes) -> tuple[list[Row], list[BadLine], int]:
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in (FIRST, *lines))
    batches = list(read_finess([data]))
    return (
        [row for batch in batches for row in batch.rows],
        [bad for batch in batches for bad in batch.bad],
        sum(batch.lines for batch in batches),
    )


def test_a_place_is_read_with_its_coordinates() -> None:
    rows, bad, lines = read(PLACE, POINT)
    assert (bad, lines) == ([], 2)
    found = structure_of_place(rows[0])
    assert found == Structure(
        identifier="1449000289",
        name="CENTRE HOSPITALIER UNIVERSITAIRE EXEMPLE",
        sign="CHU EXEMPLE",
        address=PostalAddress("PAVILLON 2", "BP 12", "12 R DE LA PAIX B", "LE BOURG", "44093", "NANTES", "44"),
        kind="EG",
        parent="1448000281",
        siret="99000002800011",
        phone="0261910000",
        category=Coded("101", "Centre Hospitalier Régional (C.H.R.)"),
        latitude=pytest.approx(46.222745, abs=1e-6),
        longitude=pytest.approx(5.208596, abs=1e-6),
    )


def test_a_place_without_coordinates_has_none() -> None:
    rows, bad, _ = read(PLACE)
    assert bad == []
    assert structure_of_place(rows[0]).latitude is None


def test_a_legal_person_is_read() -> None:
    rows, bad, _ = read(LEGAL)
    assert bad == []
    found = structure_of_place(rows[0])
    assert (found.identifier, found.kind, found.name, found.parent) == ("1448000281", "EJ", "CHU EXEMPLE", "")
    assert found.address == PostalAddress(street="12 R DE LA PAIX", postcode="44093", town="NANTES", department="44")


def test_a_stock_in_one_byte_a_character_is_read_too() -> None:
    rows, bad, _ = read(PLACE.encode("latin-1"), PLACE.replace("449000289", "449000297"))
    assert bad == []
    assert rows[0][Place.CATEGORY_LABEL] == rows[1][Place.CATEGORY_LABEL] == "Centre Hospitalier Régional (C.H.R.)"


def test_quotes_are_read_as_quotes() -> None:
    rows, bad, _ = read(PLACE.replace("CENTRE HOSPITALIER UNIVERSITAIRE EXEMPLE", '"LIEU DE VIE ""LA MER; LE VENT"""'))
    assert bad == []
    assert rows[0][Place.NAME] == 'LIEU DE VIE "LA MER; LE VENT"'


def test_the_department_overseas_is_that_of_the_postcode() -> None:
    line = PLACE.replace(";44;LOIRE ATLANTIQUE;44093 NANTES CEDEX 1;", ";9D;LA REUNION;97405 ST DENIS CEDEX;")
    rows, _, _ = read(line)
    assert (rows[0][Place.DEPARTMENT], rows[0][Place.TOWN], rows[0][Place.POSTCODE]) == ("974", "ST DENIS", "97405")


def test_points_of_both_layouts_of_the_file_are_read() -> None:
    old = "geolocalisation;449000289;870215.7;6571590.5;1;ATLASANTE;100;IGN;BD_ADRESSE;V2.1;LAMBERT_93;2016-02-29"
    assert read(PLACE, old)[0] == read(PLACE, POINT)[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "ligne vide"),
        ("structure;449000289", "type de ligne inconnu"),
        ("structureet;449000289;x", "3 colonnes au lieu de 31"),
        (PLACE + "x", "32 colonnes au lieu de 31"),
        (PLACE.replace(";449000289;", ";44;"), "numéro FINESS"),
        (PLACE.replace(";449000289;", ";1449000289;"), "numéro FINESS"),
        (PLACE.replace("CHU EXEMPLE;CENTRE HOSPITALIER UNIVERSITAIRE EXEMPLE", ";"), "sans nom"),
        (LEGAL.replace("CHU EXEMPLE", ""), "sans nom"),
        (PLACE.replace("CHU EXEMPLE", '"CHU'), "guillemets"),
        (POINT, "absent du fichier"),
        (POINT.replace("870215.7", "x"), "pas des nombres"),
        (POINT.replace("870215.7", "nan"), "hors de la Terre"),
        (POINT.replace("870215.7", "1e99"), "hors de la Terre"),
        (POINT.replace("Lambert-93", "autre"), "système de coordonnées inconnu"),
        ("geolocalisation;449000289", "2 colonnes"),
    ],
)
def test_a_bad_line_is_told(line: str, said: str) -> None:
    rows, bad, lines = read(line + "\n")
    assert (rows, lines) == ([], 1)
    assert [one.number for one in bad] == [2]
    assert said in bad[0].reason


def test_another_file_is_refused() -> None:
    with pytest.raises(TheirProtocolError, match="stock FINESS"):
        list(read_finess([PLACE.encode()]))


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finess, "HELD_MAX_LINES", 2)
    monkeypatch.setattr(finess, "BATCH_LINES", 3)
    rows, bad, lines = read(PLACE, POINT, LEGAL, POINT, "x", "y", "z", "x")
    assert len(rows) == 2
    assert rows[0][Place.LATITUDE] != ""
    assert [(one.number, one.reason[:7]) for one in bad] == [
        (6, "type de"), (7, "type de"), (8, "type de"), (9, "type de"), (5, "coordon"),
    ]  # fmt: skip
    assert lines == 8


@given(st.lists(st.sampled_from([PLACE, LEGAL, POINT, "", "x;y", POINT.replace("449", "448")]), max_size=12))
def test_every_line_is_counted_once(lines: list[str]) -> None:
    rows, bad, counted = read(*(line or ";" for line in lines))
    assert counted == len(lines)
    structures = sum(line.startswith("structure") for line in lines)
    assert len(rows) == structures
    assert len({one.number for one in bad}) == len(bad)
