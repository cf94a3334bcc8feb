"""What the receiving side makes of documents: the letter that came is checked, three that lie are told apart.

A zip bomb and documents of two patients do not leave the sender's operator; an archive that was tampered with arrives
as it is (received bytes are never changed), and its reader is told.
"""

import io
import smtplib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mssante.app.sandbox import letters, records
from mssante.app.sandbox.follow import Stores, follow, read_back
from mssante.app.sandbox.layout import Layout
from mssante.app.sandbox.stores import SandboxAccount
from mssante.flows.documents.listing import list_documents
from mssante.flows.documents.opening import open_message
from mssante.flows.documents.sending import build_xdm
from mssante.flows.folders.indexing import Indexing
from mssante.model.document import Severity
from mssante.model.errors import LinkError
from mssante.store.engine import Store
from mssante.wire.mime.compose import compose
from mssante.wire.xdm.build import NAME
from mssante.wire.xdm.pages import Sender

BOMB_BYTES: Final = 200 * 1024 * 1024
_SENDER: Final = Sender("", organization="CHU de Valdoré")


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one archive.

    Attributes:
        title: what it is, in French.
        verdict: what was said of it: by the operator that refused it, or to its reader.
        as_expected: that is what should be said.
    """

    title: str
    verdict: str
    as_expected: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """The document that the first letter brought, and what became of three that lie.

    Attributes:
        title, patient: of the document, as its reader sees them.
        problems: what is wrong with it; nothing as a rule.
        listed: titles that the reader's box lists for this patient.
    """

    title: str
    patient: str
    problems: tuple[str, ...]
    listed: tuple[str, ...]
    judged: tuple[Judged, ...]

    @property
    def as_expected(self) -> bool:
        """Tell whether the good one is sound and listed, and each of the others was told apart."""
        return not self.problems and bool(self.listed) and all(one.as_expected for one in self.judged)


async def check_documents(layout: Layout, stores: Stores, account: SandboxAccount, letter: letters.Letter) -> Checked:
    """Open the letter as its reader does, then send three archives that lie.

    Args:
        account: of the sender.
        letter: one with a document, which has arrived.

    Raises:
        LinkError: a letter was not accepted that should be.
    """
    target = stores.of(layout.operator_of(letters.GP.domain))
    opened = open_message(await read_back(target, letters.GP, letter.message_id), allow_test=True)
    header = None if opened is None or not opened.headers else opened.headers[0]
    problems = () if opened is None else tuple(one.text for one in opened.findings)
    listed = await _listed(target)
    judged = [await _judged(layout, stores, account, *case) for case in _cases(datetime.now(UTC))]
    patient = "" if header is None else f"{header.patient.birth_name} {header.patient.first_given}"
    return Checked("" if header is None else header.title, patient, problems, listed, tuple(judged))


async def _listed(store: Store) -> tuple[str, ...]:
    await Indexing(store, allow_test=True).catch_up()
    found = await list_documents(
        store, letters.GP, patient="vidal", actor="cli:demo", trace_key=bytes(32), now=datetime.now(UTC)
    )
    return tuple(one.filed.title for one in found)


_Case = tuple[str, bytes, str]
"""Title, archive, rule that refuses it or code of the finding that tells of it."""


def _cases(now: datetime) -> tuple[_Case, ...]:
    good = build_xdm([records.discharge_letter(now)], _SENDER, now=now, source_id=records.OID, reference="a")
    other = build_xdm(
        [records.discharge_letter(now, records.KARIM)], _SENDER, now=now, source_id=records.OID, reference="b"
    )
    return (
        ("archive modifiée en route", _changed(good, lambda data: data.replace(b"VIDAL", b"VIDAS")), "hash-differs"),
        ("documents de deux patients", _joined(good, other), "one-patient"),
        ("bombe zip", _bomb(), "xdm-archive"),
    )


async def _judged(
    layout: Layout, stores: Stores, account: SandboxAccount, title: str, archive: bytes, expected: str
) -> Judged:
    letter = _letter(title, archive)
    try:
        sent = await letters.send(layout, account, letter)
    except LinkError as error:
        return Judged(title, f"refusé au dépôt : {_said(error)}", expected in {"one-patient", "xdm-archive"})
    arrived = await follow(layout, stores, sent)
    target = stores.of(layout.operator_of(letters.GP.domain))
    opened = open_message(await read_back(target, letters.GP, letter.message_id), allow_test=True)
    errors = [one for one in opened.findings if one.severity is Severity.ERROR] if opened is not None else []
    told = next((one.text for one in errors if one.code == expected), "rien n'est signalé")
    is_told = any(one.code == expected for one in errors) and all(one.arrived for one in arrived)
    return Judged(title, f"remise telle quelle, signalée au lecteur : {told}", is_told)


def _said(error: LinkError) -> str:
    """Return the French half of the reply of the submission door."""
    cause = error.__cause__
    if not isinstance(cause, smtplib.SMTPResponseException):
        return str(error)
    text = cause.smtp_error if isinstance(cause.smtp_error, str) else cause.smtp_error.decode("utf-8", "replace")
    return f"{cause.smtp_code} {text.partition(' / ')[2] or text}"[:400]


def _letter(title: str, archive: bytes) -> letters.Letter:
    now = datetime.now(UTC)
    message_id = f"{title.replace(' ', '-')}-{now:%H%M%S%f}@{letters.DOCTOR.domain}".encode("ascii", "ignore").decode()
    data = compose(
        sender=letters.DOCTOR,
        to=(letters.GP,),
        subject="XDM/1.0/DDM+Lettre de liaison VIDAL JEANNE 14/03/1958",
        text="Voir le document joint.",
        attachments=((NAME, "application/zip", archive),),
        message_id=message_id,
        now=now,
        headers=letters.PRODUCT,
    )
    return letters.Letter(title, message_id, letters.DOCTOR, (letters.GP,), data)


def _changed(archive: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return the archive with its documents changed, and its METADATA.XML as it was."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w") as made:
        for name in source.namelist():
            data = source.read(name)
            made.writestr(name, change(data) if "DOC" in name else data)
    return out.getvalue()


def _joined(first: bytes, second: bytes) -> bytes:
    """Return an archive with the subsets of two."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for folder, archive in (("SUBSET01", first), ("SUBSET02", second)):
            with zipfile.ZipFile(io.BytesIO(archive)) as source:
                for name in source.namelist():
                    if "SUBSET01" in name:
                        made.writestr(name.replace("SUBSET01", folder), source.read(name))
    return out.getvalue()


def _bomb() -> bytes:
    """Return an archive of some hundred kilobytes that would fill 200 MiB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("IHE_XDM/SUBSET01/METADATA.XML", bytes(BOMB_BYTES))
    return out.getvalue()
