"""Fuzz target: FHIR Patches, their paths, searches and outcomes of any bytes (see run.py and script/fuzz)."""

from urllib.parse import parse_qsl

from mssante.model.directory import ChangeMailbox, Holder
from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir.outcome import read_reason
from mssante.wire.fhir.patch import read_patch
from mssante.wire.fhir.patch_build import build_patch
from mssante.wire.fhir.paths import read_path, write_path
from mssante.wire.fhir.resources import encode
from mssante.wire.fhir.search import COUNT_MAX, read_search


def one_input(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for holder in Holder:
        try:
            found = read_patch(data, holder)
        except TheirProtocolError:
            pass
        else:
            again = read_patch(encode(build_patch(holder, found.changes)), holder)
            if not any(isinstance(change, ChangeMailbox) for change in found.changes):
                assert [type(change) for change in again.changes] == [type(change) for change in found.changes]
        for is_strict in (True, False):
            try:
                asked = read_search(holder, parse_qsl(text, keep_blank_values=True), is_strict=is_strict)
            except TheirProtocolError:
                continue
            assert 0 < asked.count <= COUNT_MAX
    try:
        path = read_path(text, "Organization")
    except TheirProtocolError:
        pass
    else:
        assert read_path(write_path(path, "Organization"), "Organization") == path
    try:
        said = read_reason(data)
    except TheirProtocolError:
        return
    assert len(said) <= 300
    assert said.isprintable()
