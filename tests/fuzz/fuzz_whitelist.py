"""Fuzz target: white lists of any bytes; run by hand with atheris, `python tests/fuzz/fuzz_whitelist.py`."""

import sys

import atheris

with atheris.instrument_imports():
    from mssante.model.errors import TheirProtocolError
    from mssante.wire.whitelist.read import ListLimits, read_white_list
    from mssante.wire.whitelist.sign import Required
    from mssante.wire.whitelist.write import write_white_list

from datetime import UTC, datetime

LIMITS = ListLimits(max_bytes=100_000, entries=100)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def one_input(data: bytes) -> None:
    try:
        Required(lambda der, now: "not this one").verified(data, NOW)
    except TheirProtocolError:
        pass
    else:
        raise AssertionError("a list was taken from a signer that may not sign")  # noqa: TRY003, EM101
    try:
        found = read_white_list(data, LIMITS)
    except TheirProtocolError:
        return
    assert all(domain.isascii() and domain == domain.lower() for domain in found.names)
    again = read_white_list(write_white_list(found.generated_at, found.entries))
    assert again.keys == found.keys
    assert not again.bad


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
