"""Names that carry documents about: the file name of the PDF of a document, the subject of the mail.

Source: clients.md 5.1 (ECO.2.1.6); clients.md 5.2 (ECO.2.1.3, ECO.3.1.3, AMBU.MSS/va1.02).
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from mssante.model.document import DocumentHeader, Patient
from mssante.model.errors import WireError
from mssante.wire.cda.hl7 import plain, whole_date

MARKER: Final = "XDM/1.0/DDM"
REPLACES: Final = "[Annule et remplace]"
LABEL_MAX: Final = 40
FILE_NAME_MAX_BYTES: Final = 200
NAME_MAX_BYTES: Final = 50

_UNSAFE: Final = re.compile(r'[\\/:*?"<>|_]+')
_MARKER: Final = re.compile(r"xdm/1\.0/ddm(?:\s?\+|(?=\s)|$)\s?", re.IGNORECASE)
_REPLACES: Final = re.compile(r"\[\s?annule\s{1,3}et\s{1,3}remplace\s?\]\s?", re.IGNORECASE)
_SPELLED: Final = str.maketrans({"Œ": "OE", "œ": "oe", "Æ": "AE", "æ": "ae", "ß": "ss", "’": "'"})


def pdf_name(header: DocumentHeader, *, file_number: str = "") -> str:
    """Return the name of the PDF of a document: ``20220531_CR d'imagerie médicale_CORSE_FIGATELLIX.pdf``.

    The day is that of the act, else that of the document. Nothing in it can lead to another folder or hide its end.

    Raises:
        WireError: neither a day nor a patient's name; in French.

    Source: clients.md 5.1 (ECO.2.1.6).
    """
    act = header.acts[0].start if header.acts else ""
    day = next((f"{found:%Y%m%d}".zfill(8) for text in (act, header.created_at) if (found := whole_date(text))), "")
    if not day:
        msg = "le PDF ne peut pas être nommé : le document ne donne ni la date de l'acte ni la sienne"
        raise WireError(msg)
    family, given = _person(header.patient)
    kind = _safe(header.code.label or header.title or header.code.code) or "Document"
    who = [_cut(_safe(text), NAME_MAX_BYTES) for text in (family, given, file_number)]
    # The kind is cut first: the patient's name must be seen.
    room = FILE_NAME_MAX_BYTES - len("_".join(who).encode()) - len(day) - len("__.pdf")
    return "_".join(part for part in (day, _cut(kind, room), *who) if part) + ".pdf"


def subject_of(headers: Sequence[DocumentHeader], *, with_birth_date: bool = True) -> str:
    """Return the subject of a mail that carries documents: ``XDM/1.0/DDM+<label> <NOM> <prénom> <JJ/MM/AAAA>``.

    Raises:
        WireError: no document, several patients, or a patient without a name; in French.

    Source: clients.md 5.2 (ECO.2.1.3, AMBU.MSS/va1.02).
    """
    if not headers:
        msg = "l'objet du message ne peut pas être fait : il n'y a pas de document"
        raise WireError(msg)
    patient = headers[0].patient
    if any(not _is_same(patient, header.patient) for header in headers):
        msg = "un message ne porte les documents que d'un seul patient : faites un message par patient"
        raise WireError(msg)
    family, given = _person(patient)
    one = headers[0]
    label = _shown(one.code.label or one.title or one.code.code)[:LABEL_MAX].rstrip()
    words = [label if len(headers) == 1 else f"{len(headers)} documents", family, given]
    if with_birth_date and patient.birth_date:
        words.append(f"{patient.birth_date.day:02}/{patient.birth_date.month:02}/{patient.birth_date.year:04}")
    subject = f"{MARKER}+{' '.join(words)}"
    return f"{REPLACES} {subject}" if any(header.replaces for header in headers) else subject


def has_marker(subject: str) -> bool:
    """Return whether a subject says that its mail carries an XDM archive; the marker may stand anywhere.

    Source: clients.md 5.2.
    """
    return _MARKER.search(subject) is not None


def without_marker(subject: str) -> str:
    """Return what a reader sees of a subject: without the marker; the mention of a replacement comes first.

    Source: clients.md 5.2 (ECO.3.1.3).
    """
    shown = plain(_MARKER.sub("", plain(_REPLACES.sub("", subject)), count=1))
    return f"{REPLACES} {shown}".rstrip() if is_replacement(subject) else shown


def is_replacement(subject: str) -> bool:
    """Return whether a subject has the mention of a new version, wherever it stands.

    Source: clients.md 5.2 (AMBU.MSS/va1.02).
    """
    return _REPLACES.search(subject) is not None


def without_accents(text: str) -> str:
    """Return a text whose letters have no accents: ``Léa Zoë`` gives ``Lea Zoe``."""
    spread = unicodedata.normalize("NFD", text.translate(_SPELLED))
    return unicodedata.normalize("NFC", "".join(char for char in spread if not unicodedata.combining(char)))


def _person(patient: Patient) -> tuple[str, str]:
    """Return the name of birth in capitals and the first given name, both without accents."""
    family = _shown(without_accents(patient.birth_name).upper())
    given = _shown(without_accents(patient.first_given or patient.birth_given))
    if not family or not given:
        msg = "le nom de naissance et le premier prénom du patient manquent dans le document : complétez-les"
        raise WireError(msg)
    return family, given


def _is_same(one: Patient, other: Patient) -> bool:
    if one.ins and other.ins:
        return one.ins == other.ins
    names = [(patient.birth_name, patient.first_given, patient.birth_date) for patient in (one, other)]
    return names[0] == names[1]


def _shown(text: str) -> str:
    """Return a text in one line without characters that are not seen, nor those that turn the direction."""
    return plain("".join(" " if char.isspace() else char for char in text if _is_seen(char)))


def _is_seen(char: str) -> bool:
    return char.isspace() or not unicodedata.category(char).startswith("C")


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode("utf-8", "ignore").rstrip(" .")


def _safe(text: str) -> str:
    """Return a text that can stand between two underscores of a file name, on any system."""
    return plain(_UNSAFE.sub(" ", _shown(text))).strip(" .")
