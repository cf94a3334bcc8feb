"""Fuzz target: address lists and exact addresses; run by hand with atheris, `python tests/fuzz/fuzz_addresses.py`."""

import sys

import atheris

with atheris.instrument_imports():
    from mssante.model.address import parse_address
    from mssante.model.errors import TheirProtocolError
    from mssante.wire.mime.addresses import parse_addresses


def one_input(data: bytes) -> None:
    for name, address in parse_addresses(data):
        assert "\r" not in name
        assert "\n" not in name
        assert parse_address(str(address)) == address
    try:
        found = parse_address(data.decode("utf-8", "replace"))
    except TheirProtocolError:
        return
    assert parse_address(str(found)) == found


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
