"""Fuzz target: whole messages of any bytes; run by hand with atheris, `script/fuzz`."""

import sys
from datetime import UTC, datetime

import atheris

with atheris.instrument_imports():
    from mssante.wire.mime.index import index_message
    from mssante.wire.mime.parts import decode_parts, encode_parts, walk

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def one_input(data: bytes) -> None:
    index = index_message(data, NOW)
    assert decode_parts(encode_parts(index.parts)) == index.parts
    for part in walk(index.parts):
        assert 0 <= part.start <= part.body <= part.end <= len(data)
        for child in part.children:
            assert part.body <= child.start
            assert child.end <= part.end
    for said in (index.envelope, index.bodystructure, index.body):
        assert said.startswith(b"(")
        assert said.endswith(b")")
    assert "\n" not in index.preview
    assert len(index.preview) <= 200


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
