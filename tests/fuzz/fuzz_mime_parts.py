"""Fuzz target: whole messages of any bytes; runs under atheris or hypothesis."""

from mssante.wire.mime.index import index_message
from mssante.wire.mime.parts import decode_parts, encode_parts, walk


def one_input(data: bytes) -> None:
    index = index_message(data)
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
