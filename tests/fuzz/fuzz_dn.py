"""Fuzz target: distinguished names of any text; run by hand with atheris, `python tests/fuzz/fuzz_dn.py`."""

import sys

import atheris

with atheris.instrument_imports():
    from mssante.model.dn import parse_dn
    from mssante.model.errors import TheirProtocolError


def one_input(data: bytes) -> None:
    try:
        found = parse_dn(data.decode("utf-8", "surrogateescape"))
    except TheirProtocolError:
        return
    assert found.rdns
    if len(str(found)) <= 1024:
        assert parse_dn(str(found)) == found
        assert parse_dn(str(found)).key == found.key


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
