"""The fuzz target of the national files, run in small by hypothesis on bytes that look like them."""

from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mssante.model.national import with_luhn

RPPS = with_luhn("1099000000").encode()
WORDS = [
    b"|", b"||||", b"|" * 22, b"|" * 30, b"\n", b"\r\n", b"\r", b";", b";" * 29, b",", b'"', b'""', b" ", b"PER|a.b@c.mssante.fr|", b"ORG|a@b.fr||||1|",
    b"8|" + RPPS + b"|8" + RPPS + b"|", b"1449000289", b"449000289", b"44000 NANTES CEDEX 1", b"structureet;449000289;", b"structureej;449000289;",
    b"geolocalisation;449000289;870215.7;6571590.5;", b"Lambert-93;", b"UTM_N20;", b"nan", b"1e400", b"\xff", b"\xc3\xa9", b"\xe2\x80\xa8", b"\0", b"\xef\xbb\xbf",
    b"structureet;449000289;;NOM;" + b";" * 27 + b"\n", b"19000024,NOM,,46.2,5.2,RUE,1,01440,VIRIAT,CH,1\n",
    b"ORG|a@b.mssante.fr||||1|1449000289|" + b"|" * 23 + b"FRANCE\n", b"8|" + RPPS + b"|8" + RPPS + b"||||M|NOM" + b"|" * 48 + b"\n",
]  # fmt: skip
ANY = target("fuzz_annuaire")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=6)), max_size=30).map(b"".join))
def test_any_bytes_raise_nothing_but_at_the_header_and_every_line_is_counted(data: bytes) -> None:
    ANY(data)
