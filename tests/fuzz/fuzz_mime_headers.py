"""Fuzz target: header blocks of any bytes; run by hand with atheris, `python tests/fuzz/fuzz_mime_headers.py`."""

import sys

import atheris

with atheris.instrument_imports():
    from mssante.wire.mime.headers import HeaderWatch, iter_fields, split_header, summarize


def one_input(data: bytes) -> None:
    summary = summarize(data)
    assert summary.subject.isprintable() or "\n" not in summary.subject
    assert len(summary.subject) <= 998
    names = [name.lower() for name, _ in iter_fields(data)]
    assert names.count(b"from") == summary.from_count
    assert names.count(b"received") == summary.received_count
    watch = HeaderWatch(limit_bytes=1024, limit_count=20)
    step = 1 + len(data) % 7
    for start in range(0, len(data), step):
        watch.feed(data[start : start + step])
    watch.finish()
    offset = split_header(data, 1024)
    if offset >= 0:
        assert watch.head == data[:offset]


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
