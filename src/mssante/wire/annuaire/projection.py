"""Coordinates of FINESS in degrees: Lambert-93 in the mainland, UTM overseas.

Good to a centimetre; nothing here needs more than a street.

Source: IGN, NTG_71 "Projection cartographique conique conforme de Lambert" (algorithms 1, 2 and 4, constants of
RGF93); EPSG guidance note 7-2 section 3.5 (transverse Mercator, its series for the inverse).
"""

import math
import re
from typing import Final

_AXIS_METRES: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257222101
_E2: Final = _FLATTENING * (2 - _FLATTENING)
_E: Final = math.sqrt(_E2)

# Lambert-93: exponent, constant and origin of the cone.
_N: Final = 0.7256077650532670
_C: Final = 11_754_255.426096
_X0: Final = 700_000.0
_Y0: Final = 12_655_612.049876
_MERIDIAN: Final = math.radians(3)
_ROUNDS: Final = 12

_UTM_SCALE: Final = 0.9996
_UTM_X0: Final = 500_000.0
_UTM_Y0_SOUTH: Final = 10_000_000.0
_METRES_MAX: Final = 20_000_000.0
_UTM: Final = re.compile(r"UTM[ _]?(?:ZONE[ _]?)?([NS]?)0?([1-9]|[1-5][0-9]|60)([NS]?)\b")


def to_degrees(x: float, y: float, system: str) -> tuple[float, float] | None:
    """Return latitude and longitude (WGS 84, degrees), or None: the system is unknown or the point is not on earth.

    Args:
        x, y: metres.
        system: as the file names it: "EPSG:2154 RGF93 / Lambert-93 (Métropole)", "LAMBERT_93", "UTM_N20",
            "EPSG:5490 RGAF09/UTM Zone 20N (Antilles)".
    """
    if not (abs(x) <= _METRES_MAX and abs(y) <= _METRES_MAX):
        return None
    name = system.upper()
    if "LAMBERT" in name:
        return from_lambert93(x, y)
    found = _UTM.search(name)
    if found is None:
        return None
    return from_utm(x, y, int(found[2]), is_south="S" in {found[1], found[3]})


def from_lambert93(x: float, y: float) -> tuple[float, float]:
    """Return latitude and longitude in degrees of a point of Lambert-93 (metres)."""
    radius = math.hypot(x - _X0, y - _Y0)
    longitude = _MERIDIAN + math.atan2(x - _X0, _Y0 - y) / _N
    isometric = -math.log(max(radius, 1e-9) / _C) / _N
    latitude = 2 * math.atan(math.exp(isometric)) - math.pi / 2
    for _ in range(_ROUNDS):
        sine = _E * math.sin(latitude)
        latitude = 2 * math.atan(((1 + sine) / (1 - sine)) ** (_E / 2) * math.exp(isometric)) - math.pi / 2
    return math.degrees(latitude), math.degrees(longitude)


def to_lambert93(latitude: float, longitude: float) -> tuple[float, float]:
    """Return x and y in metres of a point in degrees."""
    phi = math.radians(latitude)
    sine = _E * math.sin(phi)
    isometric = math.log(math.tan(math.pi / 4 + phi / 2) * ((1 - sine) / (1 + sine)) ** (_E / 2))
    radius = _C * math.exp(-_N * isometric)
    angle = _N * (math.radians(longitude) - _MERIDIAN)
    return _X0 + radius * math.sin(angle), _Y0 - radius * math.cos(angle)


def from_utm(x: float, y: float, zone: int, *, is_south: bool = False) -> tuple[float, float]:
    """Return latitude and longitude in degrees of a point of a UTM zone (metres)."""
    if is_south:
        y -= _UTM_Y0_SOUTH
    ep2 = _E2 / (1 - _E2)
    e1 = (1 - math.sqrt(1 - _E2)) / (1 + math.sqrt(1 - _E2))
    mu = y / _UTM_SCALE / (_AXIS_METRES * (1 - _E2 / 4 - 3 * _E2**2 / 64 - 5 * _E2**3 / 256))
    phi = (
        mu
        + (3 * e1 / 2 - 27 * e1**3 / 32) * math.sin(2 * mu)
        + (21 * e1**2 / 16 - 55 * e1**4 / 32) * math.sin(4 * mu)
        + (151 * e1**3 / 96) * math.sin(6 * mu)
        + (1097 * e1**4 / 512) * math.sin(8 * mu)
    )
    sine, cosine, tangent = math.sin(phi), math.cos(phi), math.tan(phi)
    t, c = tangent**2, ep2 * cosine**2
    n = _AXIS_METRES / math.sqrt(1 - _E2 * sine**2)
    r = _AXIS_METRES * (1 - _E2) / (1 - _E2 * sine**2) ** 1.5
    d = (x - _UTM_X0) / (n * _UTM_SCALE)
    latitude = phi - (n * tangent / r) * (
        d**2 / 2
        - (5 + 3 * t + 10 * c - 4 * c**2 - 9 * ep2) * d**4 / 24
        + (61 + 90 * t + 298 * c + 45 * t**2 - 252 * ep2 - 3 * c**2) * d**6 / 720
    )
    east = (
        d - (1 + 2 * t + c) * d**3 / 6 + (5 - 2 * c + 28 * t - 3 * c**2 + 8 * ep2 + 24 * t**2) * d**5 / 120
    ) / cosine
    return math.degrees(latitude), zone * 6 - 183 + math.degrees(east)
