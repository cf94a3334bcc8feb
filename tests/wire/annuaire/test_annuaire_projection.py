import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.wire.annuaire.projection import from_lambert93, from_utm, to_degrees, to_lambert93


@pytest.mark.parametrize(
    ("x", "y", "latitude", "longitude"),
    [
        (700_000, 6_600_000, 46.5, 3.0),  # origin of the projection
        (882_408.3, 6_543_019.6, 45.96240165, 5.35565129),
        (870_215.7, 6_571_590.5, 46.22274479, 5.20859613),  # the hospital of Bourg-en-Bresse
    ],
)
def test_known_points_of_lambert_93_are_where_they_are(x: float, y: float, latitude: float, longitude: float) -> None:
    assert from_lambert93(x, y) == pytest.approx((latitude, longitude), abs=1e-7)
    assert to_lambert93(latitude, longitude) == pytest.approx((x, y), abs=0.01)


def test_the_hospital_of_bourg_stands_where_the_list_of_hospitals_puts_it() -> None:
    assert from_lambert93(870_215.7, 6_571_590.5) == pytest.approx((46.2222, 5.20879), abs=1e-3)


@given(st.floats(41, 51.5), st.floats(-5.5, 10))
def test_a_point_of_the_mainland_comes_back(latitude: float, longitude: float) -> None:
    assert from_lambert93(*to_lambert93(latitude, longitude)) == pytest.approx((latitude, longitude), abs=1e-9)


def test_points_overseas_are_read_in_their_utm_zone() -> None:
    # Les Abymes (Guadeloupe) and Saint-Denis (Réunion), within some kilometres.
    assert from_utm(657_242.9, 1_795_384.4, 20) == pytest.approx((16.2340, -61.5287), abs=1e-3)
    assert from_utm(338_000, 7_690_000, 40, is_south=True) == pytest.approx((-20.88, 55.44), abs=0.02)


def test_the_middle_of_a_utm_zone_is_its_meridian() -> None:
    assert from_utm(500_000, 0, 31) == pytest.approx((0, 3), abs=1e-12)
    # A tenth of the meridian: 4,997,330 m is 45 degrees on the axis (series of the ellipsoid), at scale 0.9996.
    assert from_utm(500_000, 4_984_944.38 * 0.9996, 31)[0] == pytest.approx(45, abs=1e-5)


@pytest.mark.parametrize(
    ("system", "is_known"),
    [
        ("1,ATLASANTE,96,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole)", True),
        ("1;ATLASANTE;100;IGN;BD_ADRESSE;V2.1;LAMBERT_93;2016-02-29", True),
        ("2,ATLASANTE,96,BAN,EPSG:5490 RGAF09/UTM Zone 20N (Antilles)", True),
        ("1,ATLASANTE,100,IGN,BD_ADRESSE,V2.2,UTM_N22", True),
        ("UTM_S40", True),
        ("UTM_N99", False),
        ("1,ATLASANTE", False),
        ("", False),
    ],
)
def test_the_system_is_known_by_its_name(system: str, is_known: bool) -> None:
    assert (to_degrees(400_000, 4_000_000, system) is not None) == is_known


@given(st.floats(), st.floats(), st.sampled_from(["LAMBERT_93", "UTM_N20", "UTM_S40", "?"]))
def test_any_numbers_give_a_point_or_none(x: float, y: float, system: str) -> None:
    found = to_degrees(x, y, system)
    assert found is None or len(found) == 2
