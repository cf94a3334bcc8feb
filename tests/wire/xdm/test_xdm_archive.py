"""Archives of others: what is tolerated, what is refused and in which words; nothing is ever written.

Source: reliability.md C05, C06.
"""

import builtins
import io
import os
import pathlib
import shutil
import struct
import subprocess
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdm_zips import DOCUMENT, METADATA, Raw, by_library, central_part, end_part, forged, good, local_part, wide_forged

from mssante.model.errors import TheirProtocolError
from mssante.wire.xdm.archive import LIMITS, Archive, read_archive
from mssante.wire.xdm.expand import ArchiveLimits

SUB = "IHE_XDM/SUBSET01/"
LINK = (0o120777 << 16) & 0xFFFFFFFF

NAMES = [
    ("../../etc/passwd", "sort de l'archive"),
    ("..", "sort de l'archive"),
    ("../x", "sort de l'archive"),
    ("IHE_XDM/../../x", "sort de l'archive"),
    ("IHE_XDM/..", "sort de l'archive"),
    ("IHE_XDM/SUBSET01/../../../x", "sort de l'archive"),
    ("./x", "sort de l'archive"),
    ("IHE_XDM/./x", "sort de l'archive"),
    ("IHE_XDM//x", "sort de l'archive"),
    ("x//", "sort de l'archive"),
    ("/etc/passwd", "absolu"),
    ("//server/share/x", "absolu"),
    ("/", "nom vide"),
    ("", "nom vide"),
    ("//", "nom vide"),
    ("C:/windows/x", "lettre de lecteur"),
    ("C:x", "lettre de lecteur"),
    ("c:", "lettre de lecteur"),
    ("IHE_XDM/x:stream", "deux-points"),
    ("..\\..\\x", "barre oblique inverse"),
    ("IHE_XDM\\SUBSET01\\x", "barre oblique inverse"),
    ("\\\\server\\share", "barre oblique inverse"),
    ("\\x", "barre oblique inverse"),
    ("x\0.xml", "contrôle"),
    ("x\n.xml", "contrôle"),
    ("x\r\n.xml", "contrôle"),
    ("x\x1b[31m.xml", "contrôle"),
    ("x\x7f.xml", "contrôle"),
    ("x\x85.xml", "contrôle"),
    ("x\u202efdp.xml", "invisible"),
    ("x\u200b.xml", "invisible"),
    ("x\u2028.xml", "invisible"),
    ("\ufeffx.xml", "invisible"),
    ("x\ue000.xml", "invisible"),
    ("x.xml ", "espace ou un point"),
    ("x.xml.", "espace ou un point"),
    ("dossier /x", "espace ou un point"),
    ("dossier./x", "espace ou un point"),
    ("...", "espace ou un point"),
    (" x.xml", "commençant par une espace"),
    ("CON", "périphérique"),
    ("nul.xml", "périphérique"),
    ("IHE_XDM/com1.txt", "périphérique"),
    ("IHE_XDM/LPT¹", "périphérique"),
    ("aux/x", "périphérique"),
    ("．．/x", "sort de l'archive"),
    ("‥/x", "sort de l'archive"),
    ("／etc/passwd", "absolu"),
    ("IHE_XDM＼x", "barre oblique inverse"),
    ("C：/x", "lettre de lecteur"),
    ("IHE_XDM/℀x", "barre oblique"),
    ("a／b", "barre oblique"),
    ("x\u3000", "espace ou un point"),
    ("a" * 256, "octets, plus que 255"),
    ("é" * 128, "octets, plus que 255"),
    ("a" * 65000, "octets, plus que 255"),
    ("a/" * 8 + "x", "dossiers imbriqués"),
    (METADATA, "portent ce nom"),
    (METADATA.lower(), "portent ce nom"),
    (DOCUMENT.replace("DOC", "doc"), "portent ce nom"),
    (DOCUMENT.replace("X", "Ｘ"), "portent ce nom"),
    (DOCUMENT + "/x", "fichier et dossier"),
    (DOCUMENT + "/", "dossier qui a un contenu"),
]

# A whole entry inside the stored data of another one, and where it begins in the file.
INNER = local_part(Raw(b"b", b"hi"))
INSIDE = len(b"".join(local_part(raw) for raw in good())) + 30 + 1

HOSTILE = {
    "symbolic link": (forged(*good(Raw(b"x", b"/etc/passwd", attributes=LINK))), "lien symbolique"),
    "symbolic link said by another system": (
        forged(*good(Raw(b"x", b"/etc/passwd", attributes=LINK, system=0))),
        "lien symbolique",
    ),
    "character device": (forged(*good(Raw(b"x", attributes=0o020666 << 16))), "périphérique"),
    "block device": (forged(*good(Raw(b"x", attributes=0o060666 << 16))), "périphérique"),
    "pipe": (forged(*good(Raw(b"x", attributes=0o010666 << 16))), "fichier spécial"),
    "socket": (forged(*good(Raw(b"x", attributes=0o140777 << 16))), "fichier spécial"),
    "hard link of the old Unix field": (
        forged(*good(Raw(b"x", extra=struct.pack("<HH", 13, 16) + bytes(12) + b"/etc"))),
        "lien ou périphérique",
    ),
    "folder without a slash": (forged(*good(Raw(b"x", attributes=0o040755 << 16))), "dossier dont le nom"),
    "folder with a content": (forged(*good(Raw(b"x/", b"content", 0))), "dossier qui a un contenu"),
    "encrypted": (forged(*good(Raw(b"x", b"x", flags=1))), "chiffrée"),
    "strongly encrypted": (forged(*good(Raw(b"x", b"x", flags=0x40))), "chiffrée"),
    "masked headers": (forged(*good(Raw(b"x", b"x", flags=0x2000))), "chiffrée"),
    "encrypted in its own header only": (forged(*good(Raw(b"x", b"x", local={"flags": 1}))), "autre chose"),
    "method bzip2": (forged(*good(Raw(b"x", b"x", 12))), "méthode de compression 12"),
    "method AES": (forged(*good(Raw(b"x", b"x", 99))), "méthode de compression 99"),
    "patched data": (forged(*good(Raw(b"x", b"x", flags=0x20))), "méthode de compression"),
    "another method in its own header": (forged(*good(Raw(b"x", b"x", local={"method": 0}))), "autre chose"),
    "another name in its own header": (forged(*good(Raw(b"xy", b"x", local={"name": b"ab"}))), "deux noms"),
    "another name in a field": (
        forged(*good(Raw(b"x", b"x", extra=struct.pack("<HHBI", 0x7075, 10, 1, 0) + b"../ab"))),
        "deux noms",
    ),
    "two zip64 fields": (
        forged(*good(Raw(b"x", b"x", extra=struct.pack("<HHQ", 1, 8, 1) * 2))),
        "se contredisent",
    ),
    "another checksum in its own header": (forged(*good(Raw(b"x", b"x", local={"crc": 7}))), "deux tailles"),
    "another size in its own header": (forged(*good(Raw(b"x", b"x", local={"size": 7}))), "deux tailles"),
    "name said to be UTF-8 and is not": (forged(*good(Raw(b"\xe9.xml", b"x", flags=0x800))), "UTF-8"),
    "wrong checksum": (forged(*good(Raw(b"x", b"hello", crc=1))), "CRC"),
    "said smaller than it is": (forged(*good(Raw(b"x", b"y" * 5000, size=1))), "davantage"),
    "one byte said, a bomb inside": (forged(*good(Raw(b"x", bytes(3_000_000), size=1))), "davantage"),
    "said bigger than it is": (forged(*good(Raw(b"x", b"y" * 50, size=60))), "taille annoncée fausse"),
    "stored, said smaller": (forged(*good(Raw(b"x", b"y" * 50, 0, size=5))), "taille annoncée fausse"),
    "stored, said bigger": (forged(*good(Raw(b"x", b"y" * 50, 0, size=500))), "taille annoncée fausse"),
    "damaged": (forged(*good(Raw(b"x", b"y" * 50, body=b"\xff\xff\xff", size=50))), "abîmées"),
    "cut": (forged(*good(Raw(b"x", bytes(range(256)) * 8, body=zlib.compress(bytes(range(256)))[2:40]))), "coupées"),
    "bytes after the packed data": (
        forged(*good(Raw(b"x", b"hi", body=Raw(b"", b"hi").content() + b"more"))),
        "taille annoncée fausse",
    ),
    "empty packed data": (forged(*good(Raw(b"x", b"hi", body=b""))), "taille annoncée fausse"),
    "a ratio above 200": (forged(*good(Raw(b"x", bytes(2_000_000)))), "bombe de décompression"),
    "overlapping entries": (forged(*good(Raw(b"x", b"hi", offset=0, local=None))), "deux noms"),
    "one body for two entries": (
        forged(Raw(METADATA.encode(), b"<m/>"), Raw(METADATA.encode() + b"2", b"<m/>", offset=0)),
        "deux noms",
    ),
    "a header inside the data of another": (
        forged(*good(Raw(b"a", INNER, 0), Raw(b"b", b"hi", offset=INSIDE))),
        "recouvre une autre entrée",
    ),
    "longer than the archive": (forged(*good(Raw(b"x", b"hi", 0, packed=10_000, size=10_000))), "dépasse la fin"),
    "on another disk": (forged(*good(Raw(b"x", b"x", disk=3))), "autre disque"),
    "a header outside": (forged(*good(Raw(b"x", b"x", offset=9_999_999))), "n'est pas là"),
    "a header in the table": (forged(*good(Raw(b"x", b"x", offset=150))), "n'est pas là"),
    "zip64 size missing": (forged(*good(Raw(b"x", b"x", size=0xFFFFFFFF))), "zip64 absente"),
    "zip64 size of an exabyte": (
        forged(*good(Raw(b"x", b"x", size=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, 1 << 60)))),
        "bombe",
    ),
    "zip64 offset of an exabyte": (
        forged(*good(Raw(b"x", b"x", offset=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, 1 << 60)))),
        "n'est pas là",
    ),
    "zip64 end that lies on its length": (wide_forged(*good(), length=400), "zip64 est fausse"),
    "zip64 end that lies on the count": (wide_forged(*good(), count=3), "coupée"),
    "zip64 end with a huge count": (wide_forged(*good(), count=1 << 40), "entrées, plus que"),
    "zip64 end that lies on the size": (wide_forged(*good(), size=1 << 40), "plus longue"),
    "zip64 end that lies on the offset": (wide_forged(*good(), offset=1 << 40), "là où"),
    "more entries said": (forged(*good(), count=3), "coupée"),
    "fewer entries said": (forged(*good(), count=1), "annonce moins"),
    "no entries said": (forged(*good(), count=0), "annonce moins"),
    "a table elsewhere": (forged(*good(), offset=5), "octets étrangers|là où"),
    "a table too long": (forged(*good(), size=999_999), "plus longue"),
    "several disks": (forged(*good(), disk=1), "plusieurs morceaux"),
    "65,535 entries": (forged(*good(), count=0xFFFE), "entrées, plus que 200"),
    "201 entries": (forged(*good(*(Raw(b"f%d" % number) for number in range(199)))), "201 entrées"),
    "an end in the comment that others take": (forged(*good(), comment=end_part(0, 0, 0) + b"more"), "deux fins"),
    "two ends": (forged(*good(), comment=forged(Raw(b"other"))), "deux fins"),
    "much before": (forged(*good(), before=b"MZ" + bytes(10_000)), "octets étrangers"),
    "much after": (forged(*good(), after=bytes(10_000)), "octets étrangers|pas une archive"),
    "nothing": (b"", "pas une archive zip"),
    "a page": (b"<html>", "pas une archive zip"),
    "only an end": (forged(), "IHE_XDM"),
    "only the start": (forged(*good())[:60], "pas une archive zip"),
    "a gzip": (b"\x1f\x8b\x08" + bytes(100), "pas une archive zip"),
    "a 7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), "pas une archive zip"),
    "no metadata": (forged(Raw(DOCUMENT.encode(), b"x")), "METADATA.XML"),
    "metadata at the root only": (forged(Raw(b"METADATA.XML", b"x")), "METADATA.XML"),
}


def refusal(data: bytes, limits: ArchiveLimits = LIMITS) -> str:
    with pytest.raises(TheirProtocolError) as caught:
        read_archive(data, limits)
    return str(caught.value)


@pytest.mark.parametrize(("name", "why"), NAMES, ids=[str(number) for number in range(len(NAMES))])
def test_a_name_that_could_reach_out_hide_or_be_two_things_is_refused(name: str, why: str) -> None:
    text = refusal(forged(*good(Raw(name.encode(), b"x"))))
    assert why in text
    assert text.isprintable()
    assert len(text) < 300


@pytest.mark.parametrize("case", HOSTILE, ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused_with_the_reason(case: str) -> None:
    data, why = HOSTILE[case]
    text = refusal(data)
    assert any(one in text for one in why.split("|")), text
    assert text.isprintable()


def test_the_tables_hold_what_the_catalogue_asks_for() -> None:
    assert len(NAMES) >= 60
    assert len(HOSTILE) >= 60


def test_nothing_is_written_opened_or_made_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[object] = []
    for module, name in (
        (builtins, "open"), (io, "open"), (os, "open"), (os, "mkdir"), (os, "symlink"), (os, "link"), (os, "rename"),
        (pathlib.Path, "write_bytes"), (pathlib.Path, "mkdir"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, lambda *given, **_: touched.append(given))
    for name, _ in NAMES:
        with pytest.raises(TheirProtocolError):
            read_archive(forged(*good(Raw(name.encode(), b"x"))))
    for data, _ in HOSTILE.values():
        with pytest.raises(TheirProtocolError):
            read_archive(data)
    assert not touched


def nested_bomb() -> bytes:
    """Zip in zip in zip: nothing inside is opened."""
    data = by_library({"x": bytes(2_000_000)})
    for _ in range(5):
        data = by_library({f"{number}.zip": data for number in range(16)})
    return data


def overlapping_bomb() -> bytes:
    """Each entry of the table is stored around all that follow it, so that one kernel counts many times (D. Fifield)."""
    inner = local_part(Raw(b"k", bytes(900_000)))
    entries = [Raw(b"k", bytes(900_000))]
    for number in range(150):
        entries.insert(0, Raw(b"o%03d" % number, inner, 0))
        inner = local_part(entries[0])
    table = len(inner)
    place = 0
    central = b""
    for raw in entries:
        central += central_part(raw, place)
        place += 30 + len(raw.name)
    return inner + central + end_part(len(entries), len(central), table)


BOMBS = {
    "ratio 1000:1 in one": lambda: forged(*good(Raw(b"x", bytes(90_000_000)))),
    "ratio told as honest": lambda: forged(*good(Raw(b"x", bytes(9_000_000), size=100))),
    "many of a thousand": lambda: forged(*good(*(Raw(b"x%d" % number, bytes(999_999)) for number in range(190)))),
    "nested": nested_bomb,
    "overlapping": overlapping_bomb,
    "declared 4 GB": lambda: forged(*good(Raw(b"x", bytes(1000), size=0xFFFFFFFE))),
    "declared 1 byte, a billion inside": lambda: forged(*good(Raw(b"x", bytes(90_000_000), size=1))),
}


@pytest.mark.parametrize("case", BOMBS, ids=BOMBS.keys())
def test_a_bomb_is_refused_within_a_second(case: str) -> None:
    data = BOMBS[case]()
    begun = time.process_time()
    refusal(data)
    assert time.process_time() - begun < 1


def test_the_most_that_is_allowed_takes_a_second_at_most() -> None:
    data = forged(*good(*(Raw(b"x%d" % number, bytes(999_999)) for number in range(99))))
    begun = time.process_time()
    archive = read_archive(data)
    assert time.process_time() - begun < 1
    assert sum(len(file.data) for file in archive.others) == 99 * 999_999


def test_archives_inside_stay_closed_files() -> None:
    inner = by_library({"../../x": b"x"})
    archive = read_archive(forged(*good(Raw(SUB.encode() + b"INNER.ZIP", inner, 0))))
    assert archive.subsets[0].files[1].data == inner


def test_each_limit_is_a_setting() -> None:
    data = forged(*good(Raw(b"x", b"y" * 600)))
    assert "plus que 2" in refusal(data, ArchiveLimits(entries=2))
    assert "plus que 100" in refusal(data, ArchiveLimits(total_bytes=100))
    assert "bombe" in refusal(data, ArchiveLimits(ratio=2, ratio_from_bytes=100))
    assert read_archive(data)


def paths(archive: Archive) -> list[str]:
    return [file.path for subset in archive.subsets for file in (subset.metadata, *subset.files)]


def test_case_order_and_folder_entries_do_not_matter() -> None:
    data = forged(
        Raw(b"ihe_xdm/subset01/doc0001.xml", b"<d/>"),
        Raw(b"Ihe_Xdm/"),
        Raw(b"Ihe_Xdm/Subset01/", attributes=0o040755 << 16 | 0x10),
        Raw(b"readme.txt", b"r"),
        Raw(b"Ihe_Xdm/Subset01/Metadata.xml", b"<m/>"),
        Raw(b"Index.htm", b"i"),
    )
    archive = read_archive(data)
    assert archive.readme
    assert archive.index
    assert not archive.findings
    found = archive.subsets[0].file("DOC0001.XML")
    assert found
    assert found.data == b"<d/>"


def test_several_subsets_come_in_the_order_of_their_names() -> None:
    files = {f"IHE_XDM/SUBSET{number:02d}/{name}": b"x" for number in (2, 1) for name in ("METADATA.XML", "D.XML")}
    archive = read_archive(by_library(files | {"IHE_XDM/OTHER/X.XSL": b"s"}))
    assert [subset.folder for subset in archive.subsets] == ["IHE_XDM/SUBSET01", "IHE_XDM/SUBSET02"]
    assert [file.path for file in archive.others] == ["IHE_XDM/OTHER/X.XSL"]
    assert archive.others[0].is_accessory


def test_a_parent_folder_is_tolerated_with_a_finding() -> None:
    archive = read_archive(by_library({f"envoi/{name}": b"x" for name in (METADATA, DOCUMENT, "README.TXT")}))
    assert archive.subsets[0].folder == "envoi/IHE_XDM/SUBSET01"
    assert archive.readme
    assert {finding.code for finding in archive.findings} == {"archive-nested", "archive-no-page"}


@pytest.mark.parametrize("uri", ["DOC0001.XML", "doc0001.xml", "./DOC0001.XML", " DOC0001.XML ", "DOC%30001.XML"])
def test_a_document_is_found_by_its_uri(uri: str) -> None:
    assert read_archive(forged(*good())).subsets[0].file(uri)


@pytest.mark.parametrize("uri", ["", "..", "../SUBSET01/DOC0001.XML", "/DOC0001.XML", "%2e%2e/x", "DOC0002.XML", "."])
def test_a_uri_that_leads_outside_finds_nothing(uri: str) -> None:
    assert read_archive(forged(*good())).subsets[0].file(uri) is None


def test_a_few_bytes_around_are_a_finding() -> None:
    for around in ({"before": b"MZ junk"}, {"after": b"\r\n"}):
        archive = read_archive(forged(*good(), **around))  # type: ignore[arg-type]
        assert "archive-surrounded" in {finding.code for finding in archive.findings}


def test_a_zip64_end_and_a_data_descriptor_are_read() -> None:
    entries = (Raw(METADATA.encode(), b"<m/>", descriptor=True), Raw(DOCUMENT.encode(), b"<d/>", 0, descriptor=True))
    assert paths(read_archive(wide_forged(*entries))) == [METADATA, DOCUMENT]
    wide = struct.pack("<HHQQ", 1, 16, 4, 4)
    entry = Raw(DOCUMENT.encode(), b"<d/>", 0, size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=wide, local_extra=wide)
    assert paths(read_archive(forged(Raw(METADATA.encode(), b"<m/>"), entry))) == [METADATA, DOCUMENT]


def test_what_the_library_writes_to_a_pipe_is_read() -> None:
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:  # type: ignore[arg-type]
        file.writestr(METADATA, b"<m/>")
        file.writestr(SUB + "Été.XML", b"<d/>" * 1000)
    assert paths(read_archive(pipe.written)) == [METADATA, SUB + "Été.XML"]


def test_what_info_zip_writes_is_read(tmp_path: Path) -> None:
    program = shutil.which("zip")
    if program is None:
        pytest.skip("Info-ZIP is not installed (Debian package zip)")
    for name in (METADATA, DOCUMENT, "README.TXT", "INDEX.HTM"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 50)
    for options in (["-r"], ["-r", "-0"], ["-r", "-X", "-D"], ["-r", "-fz"], ["-r", "-fd"]):
        target = tmp_path / "out.zip"
        target.unlink(missing_ok=True)
        subprocess.run(
            [program, "-q", *options, str(target), "IHE_XDM", "README.TXT", "INDEX.HTM"], cwd=tmp_path, check=True
        )
        archive = read_archive(target.read_bytes())
        assert sorted(paths(archive)) == [DOCUMENT, METADATA]
        assert archive.subsets[0].files[0].data == DOCUMENT.encode() * 50
        assert not archive.findings


PARTS = st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=1, max_size=8).filter(
    lambda part: (
        not part.startswith(("CON", "PRN", "AUX", "NUL", "COM", "LPT", "METADATA", "README", "INDEX", "DOC0001"))
    )
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(PARTS, st.binary(max_size=300), max_size=12), st.booleans())
def test_everything_that_was_put_in_comes_out(files: dict[str, bytes], packed: bool) -> None:
    inside = {f"{SUB}{name}": data for name, data in files.items()} | {METADATA: b"<m/>"}
    archive = read_archive(by_library(inside, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED))
    assert {file.path: file.data for file in (*archive.subsets[0].files, archive.subsets[0].metadata)} == inside


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_gives_an_error_or_the_same_contents(data: st.DataObject) -> None:
    whole = bytearray(forged(*good(Raw(b"README.TXT", b"hello " * 30))))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        archive = read_archive(bytes(whole))
    except TheirProtocolError:
        return
    assert archive.subsets[0].metadata.data == b"<m/>"
