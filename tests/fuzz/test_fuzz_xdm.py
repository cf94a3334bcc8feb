"""The fuzz target of archives, run in small by hypothesis on changed good ones."""

import io
import zipfile

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xdm_documents import IDS, NOW, SENDER, archive, document
from xdm_zips import METADATA, Raw, forged, wide_forged

from mssante.model.errors import TheirProtocolError
from mssante.wire.xdm.archive import read_archive
from mssante.wire.xdm.build import metadata_of
from mssante.wire.xdm.write import write_metadata

ONE = target("fuzz_xdm")
XML = write_metadata(metadata_of((document(),), SENDER, now=NOW, ids=IDS))
STORED = (Raw(METADATA.encode(), XML, 0), Raw(b"IHE_XDM/SUBSET01/DOC0001.XML", document().data, 0))
SEEDS = [archive(document()), forged(*STORED), wide_forged(*STORED), forged(Raw(METADATA.encode(), b"<a/>"))]
QUIET = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CHANGE = st.tuples(st.integers(0, 100_000), st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from([b"PK\x01\x02", b"\xff\xff\xff\xff", b"../", b"</rim:Slot>", b'="', b"<rim:ExtrinsicObject>"])))  # fmt: skip


@QUIET
@given(st.sampled_from(SEEDS), st.lists(CHANGE, max_size=4))
def test_changed_archives_give_errors_of_ours_or_contents(seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    out = bytearray(seed)
    for place, piece in changes:
        start = place % len(out)
        out[start : start + len(piece)] = piece
    ONE(bytes(out))


@QUIET
@given(st.sampled_from(SEEDS), st.lists(CHANGE, max_size=3), st.binary(max_size=40))
def test_what_we_take_the_standard_library_reads_alike_or_refuses(
    seed: bytes, changes: list[tuple[int, bytes]], tail: bytes
) -> None:
    out = bytearray(seed)
    for place, piece in changes:
        start = place % len(out)
        out[start : start + len(piece)] = piece
    data = bytes(out) + tail
    try:
        found = read_archive(data)
    except TheirProtocolError:
        return
    ours = [file for subset in found.subsets for file in (subset.metadata, *subset.files)]
    ours += [file for file in (found.readme, found.index, *found.others) if file]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            theirs = {info.filename: file.read(info) for info in file.infolist() if not info.is_dir()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return
    assert {file.path: file.data for file in ours} == theirs


@QUIET
@given(st.lists(CHANGE, max_size=4))
def test_changed_metadata_give_errors_of_ours_or_values(changes: list[tuple[int, bytes]]) -> None:
    out = bytearray(XML)
    for place, piece in changes:
        start = place % len(out)
        out[start : start + len(piece)] = piece
    ONE(bytes(out))


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" * 50, b"<a/>", *SEEDS])
def test_small_inputs(data: bytes) -> None:
    ONE(data)
