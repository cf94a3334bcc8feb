"""Health documents: archives built, read and checked; a large message split into its parts; memory for 25 MB.

No other program in Python does this; the peer is what it must cost at the least, done with the standard library and
lxml in the same process, in turn: the zip file written and read, both XML files parsed, the hash made; for the
splitter, the standard library's own parser. Run: ``script/bench documents``.
"""

import email
import email.policy
import hashlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from lxml import etree

from bench import machine
from bench.publish import publish
from bench.report import Figure, figure_table
from bench.sending import ROOT
from mssante.flows.documents.opening import open_archive
from mssante.flows.documents.sending import build_xdm
from mssante.wire.cda.read import read_document
from mssante.wire.cda.show import show_html
from mssante.wire.mime.parts import parse_parts
from mssante.wire.xdm.pages import Sender

COMMAND: Final = "script/bench documents"
REPORT: Final = "BIO-CR-BIO_2024.01_Gly*.xml"
PART_COUNT: Final = 40
MESSAGE_BYTES: Final = 10 * 1024 * 1024
LARGE_BYTES: Final = 18 * 1024 * 1024
_SENDER: Final = Sender("", organization="Laboratoire")


def rate(work: Callable[[], object], seconds: float) -> float:
    """Return how often the work is done in a second."""
    work()
    count, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        work()
        count += 1
    return count / spent


def pairs(ours: Callable[[], object], peer: Callable[[], object], *, runs: int, seconds: float) -> tuple[float, float]:
    """Return both rates, the median of runs in turn."""
    found = [(rate(ours, seconds), rate(peer, seconds)) for _ in range(runs)]
    return statistics.median(one for one, _ in found), statistics.median(other for _, other in found)


def build(document: bytes) -> bytes:
    """Return an archive of a document."""
    now = datetime.now(UTC)
    return build_xdm([document], _SENDER, now=now, source_id="1.2.250.1.999", reference="bench")


def least_build(document: bytes, metadata: bytes) -> bytes:
    """Return a zip file of both, with the document parsed and hashed: what building costs at the least."""
    etree.fromstring(document)
    hashlib.sha1(document, usedforsecurity=False).hexdigest()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("IHE_XDM/SUBSET01/METADATA.XML", metadata)
        file.writestr("IHE_XDM/SUBSET01/DOC0001.XML", document)
    return out.getvalue()


def least_read(archive: bytes) -> None:
    """Read both files of an archive, parse them and hash the document: what checking costs at the least."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        etree.fromstring(file.read("IHE_XDM/SUBSET01/METADATA.XML"))
        document = file.read("IHE_XDM/SUBSET01/DOC0001.XML")
    etree.fromstring(document)
    hashlib.sha1(document, usedforsecurity=False).hexdigest()


def large_message() -> bytes:
    """Return a message of 10 MB with many parts."""
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==\r\n"
    body = line * (MESSAGE_BYTES // PART_COUNT // len(line))
    mark = b"----=_Part_4711_1183.1795881600"
    part = b"--" + mark + b"\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body
    return (
        b'Content-Type: multipart/mixed; boundary="'
        + mark
        + b'"\r\n\r\n'
        + part * PART_COUNT
        + b"--"
        + mark
        + b"--\r\n"
    )


def peak_of_large() -> float:
    """Return how many bytes are held at most, above those of a small one, for each byte of an archive of 25 MB."""
    program = (
        "import re, sys; from pathlib import Path; from mssante.flows.documents.opening import open_archive;"
        " most = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]);"
        " data = Path(sys.argv[1]).read_bytes(); before = most(); open_archive(data); print(most() - before, len(data))"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.zip"
        file.write_bytes(large_archive(LARGE_BYTES))
        done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
    kilobytes, size = done.stdout.split()
    return 1024 * int(kilobytes) / int(size)


def large_archive(size: int) -> bytes:
    """Return an archive of a document of level 1 with a PDF of that size, its METADATA.XML as it should be."""
    from mssante.app.sandbox import records
    from mssante.wire.cda.write import write_level1

    now = datetime.now(UTC)
    header = read_document(records.discharge_letter(now)).header
    return build(write_level1(header, b"%PDF-1.4\n" + hashlib.shake_256(b"pdf").digest(size)))


@click.command()
@click.option("--quick", is_flag=True, help="One short run; writes nothing.")
@click.option("--runs", default=5, show_default=True, help="Runs of each, in turn with its peer.")
@click.option("--docs", default=ROOT / "docs", type=click.Path(path_type=Path), help="Where the results go.")
def main(*, quick: bool, runs: int, docs: Path) -> None:
    """Measure what documents take.

    Example: script/bench documents --quick
    """
    examples = sorted((ROOT.parent / "shared" / "data" / "cda").glob(REPORT))
    if not examples:
        msg = "the national examples are not there (../shared/data/cda)"
        raise click.ClickException(msg)
    document = examples[0].read_bytes()
    archive = build(document)
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        metadata = file.read("IHE_XDM/SUBSET01/METADATA.XML")
    seconds, runs = (0.3, 1) if quick else (2.0, runs)
    message = large_message()
    built = pairs(lambda: build(document), lambda: least_build(document, metadata), runs=runs, seconds=seconds)
    read = pairs(lambda: open_archive(archive), lambda: least_read(archive), runs=runs, seconds=seconds)
    parsed = email.message_from_bytes
    split = pairs(
        lambda: parse_parts(message),
        lambda: parsed(message, policy=email.policy.compat32),
        runs=runs,
        seconds=seconds,
    )
    shown = pairs(
        lambda: show_html(read_document(document)), lambda: etree.fromstring(document), runs=runs, seconds=seconds
    )
    figures = (
        Figure("document_build", built[0], "archives/s", "zip, parse, hash", built[1], 0.5),
        Figure("document_check", read[0], "archives/s", "unzip, parse, hash", read[1], 0.5),
        Figure("document_show", shown[0], "pages/s", "parse alone", shown[1], 0.1),
        Figure("mime_split_10mb", 1000 / split[0], "ms", "Python's email", 1000 / split[1], 1, smaller_is_better=True),
        Figure("document_memory_25mb", peak_of_large(), "bytes/byte", "target", 6.0, 1, smaller_is_better=True),
    )
    date = datetime.now(UTC).date().isoformat()
    with tempfile.TemporaryDirectory() as folder:
        about = machine.describe(Path(folder))
    what = f"A laboratory report of level 3 ({len(document) // 1024} KiB), in an archive of {len(archive) // 1024} KiB."
    text = f"Measured on {date}: {about}.\n\n{what}\n\n{figure_table(figures)}"
    publish(None if quick else docs, "documents", text, figures, command=COMMAND, date=date)


if __name__ == "__main__":
    main()
