"""Does a message say of its health documents what they are? Subject, X-MSS headers and PDF copies against the headers.

Source: clients.md 5.1 (one PDF for each CDA), 5.2 (subject), 5.4 (X-MSS headers); issue 6.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.document import DocumentHeader, Finding, Severity
from mssante.model.folding import fold
from mssante.rules.documents import SEVERAL_PATIENTS
from mssante.rules.ins import qualified

MARKER: Final = "XDM/1.0/DDM"
LABEL_MAX_CHARS: Final = 40

_DATE: Final = re.compile(r"\b([0-9]{2})/([0-9]{2})/([0-9]{4})\b")
# Some programs put it before the marker, some just after it.
_REPLACES: Final = re.compile(r"\[annule et remplace\]", re.IGNORECASE)
_COUNT: Final = re.compile(r"\s*([0-9]{1,4})\s+documents\b", re.IGNORECASE)
_SENDER: Final = "Signalez-le à l'expéditeur : son logiciel ne suit pas le référentiel MSSanté."
_CAREFUL: Final = "Vérifiez l'identité du patient avant de classer le document."


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What a message with an archive says outside it.

    Attributes:
        subject: decoded.
        codes: X-MSS-CODECDA as written, None when the field is missing.
        ins: X-MSS-INS, None when the field is missing.
        pdf_names: names of the attached PDF files.
    """

    subject: str
    codes: str | None = None
    ins: str | None = None
    pdf_names: tuple[str, ...] = ()


def national_fields(headers: Sequence[DocumentHeader], *, allow_test: bool = False) -> dict[str, str]:
    """Return the X-MSS fields that say what documents a message carries; none without documents.

    Source: clients.md 5.4 (ECO.2.4.1, ECO.2.4.2).
    """
    if not headers:
        return {}
    is_qualified = not any(qualified(header.patient, allow_test=allow_test) for header in headers)
    return {
        "X-MSS-CODECDA": ",".join(header.code.code for header in headers),
        "X-MSS-INS": "O" if is_qualified else "N",
    }


def judge_leaving(findings: Sequence[Finding]) -> Refusal | None:
    """Return why a message may not leave with its documents, None when it may: one message, one patient.

    Source: clients.md 5.1 (ECO.2.1.1); issue 6.
    """
    if all(one.code != SEVERAL_PATIENTS for one in findings):
        return None
    return Refusal(
        Kind.MESSAGE_MALFORMED,
        "one-patient",
        "The documents of the message are about several patients",
        "several patients in one message",
        "Les documents de ce message concernent plusieurs patients : faites un envoi par patient.",
    )


def refuse_archive(problem: str) -> Refusal:
    """Return the refusal of a message whose archive cannot be opened.

    Args:
        problem: why, in French.
    """
    return Refusal(
        Kind.MESSAGE_MALFORMED,
        "xdm-archive",
        "The IHE_XDM archive of the message cannot be accepted",
        problem[:500],
        f"L'archive IHE_XDM du message ne peut pas être acceptée : {problem}",
    )


def check_message(
    message: MessageFacts, headers: Sequence[DocumentHeader], *, allow_test: bool = False
) -> tuple[Finding, ...]:
    """Return where a message and the CDA documents of its archive do not agree.

    Args:
        headers: of each CDA document; none means that the archive holds none.
        allow_test: identities of the national test domain count as qualified.

    Source: clients.md 5.1, 5.2, 5.4.
    """
    return (
        *_check_subject(message.subject, headers),
        *_check_codes(message.codes, headers),
        *_check_qualified(message.ins, headers, allow_test=allow_test),
        *_check_copies(message.pdf_names, headers),
    )


def _check_subject(subject: str, headers: Sequence[DocumentHeader]) -> list[Finding]:
    if not headers:
        return []
    _, marker, rest = subject.partition(MARKER)
    if not marker:
        text = f"L'objet du message ne contient pas « {MARKER} » : un logiciel n'y reconnaît pas l'archive."
        return [Finding(Severity.WARNING, "subject-no-marker", "Subject", text, _SENDER)]
    rest = _REPLACES.sub("", rest.removeprefix("+")).strip()
    found: list[Finding] = []
    patient = headers[0].patient
    words = f" {fold(rest)} "
    names = [fold(name) for name in (patient.birth_name, patient.used_name) if name]
    if names and not any(f" {name} " in words for name in names):
        text = "L'objet du message ne nomme pas le patient des documents."
        found.append(Finding(Severity.ERROR, "subject-patient", "Subject", text, _CAREFUL))
    date = _DATE.search(rest)
    if date and patient.birth_date and f"{date[3]}{date[2]}{date[1]}" != patient.birth_date.strftime("%Y%m%d"):
        text = "La date de naissance de l'objet n'est pas celle du patient des documents."
        found.append(Finding(Severity.ERROR, "subject-birth-date", "Subject", text, _CAREFUL))
    found.extend(_check_label(rest, headers))
    return found


def _check_label(rest: str, headers: Sequence[DocumentHeader]) -> list[Finding]:
    count = _COUNT.match(rest)
    if (int(count[1]) if count else 1) != len(headers):
        text = f"L'objet annonce {count[1] if count else 'un'} document(s) ; l'archive en contient {len(headers)}."
        return [Finding(Severity.WARNING, "subject-count", "Subject", text, _SENDER)]
    label = fold(headers[0].code.label[:LABEL_MAX_CHARS])
    if len(headers) == 1 and count is None and label and not fold(rest).startswith(label):
        text = f"L'objet n'annonce pas le type du document (« {headers[0].code.label[:LABEL_MAX_CHARS].strip()} »)."
        return [Finding(Severity.WARNING, "subject-type", "Subject", text, _SENDER)]
    return []


def _check_codes(codes: str | None, headers: Sequence[DocumentHeader]) -> list[Finding]:
    where = "X-MSS-CODECDA"
    if codes is None and headers:
        text = "Le champ X-MSS-CODECDA manque : le type des documents n'est pas annoncé."
        return [Finding(Severity.WARNING, "codes-missing", where, text, _SENDER)]
    if codes is None:
        return []
    said = Counter(code.strip() for code in codes.split(",") if code.strip())
    held = Counter(header.code.code for header in headers)
    if said == held:
        return []
    real = ", ".join(sorted(held.elements())) or "aucun"
    text = f"X-MSS-CODECDA annonce {codes.strip()[:200] or 'rien'} ; types des documents : {real}."
    return [Finding(Severity.WARNING, "codes-differ", where, text, _SENDER)]


def _check_qualified(ins: str | None, headers: Sequence[DocumentHeader], *, allow_test: bool) -> list[Finding]:
    where = "X-MSS-INS"
    if not headers:
        if ins is None:
            return []
        text = "X-MSS-INS est présent, mais l'archive ne contient pas de document CDA."
        return [Finding(Severity.WARNING, "ins-without-document", where, text, _SENDER)]
    if ins is None:
        text = "Le champ X-MSS-INS manque : rien n'annonce si l'INS est qualifiée."
        return [Finding(Severity.WARNING, "ins-missing", where, text, _SENDER)]
    said = ins.strip().upper()
    if said not in {"O", "N"}:
        text = f"X-MSS-INS vaut « {ins.strip()[:40]} » au lieu de O ou N."
        return [Finding(Severity.WARNING, "ins-unknown", where, text, _SENDER)]
    lacks = tuple(dict.fromkeys(one for header in headers for one in qualified(header.patient, allow_test=allow_test)))
    if said == "O" and lacks:
        text = f"X-MSS-INS annonce une INS qualifiée, mais il manque : {', '.join(lacks)}."
        return [Finding(Severity.ERROR, "ins-claimed", where, text, _CAREFUL)]
    if said == "N" and not lacks:
        text = "X-MSS-INS annonce une INS non qualifiée, alors que le document porte tous ses éléments."
        return [Finding(Severity.WARNING, "ins-denied", where, text, _CAREFUL)]
    return []


def _check_copies(names: tuple[str, ...], headers: Sequence[DocumentHeader]) -> list[Finding]:
    found: list[Finding] = []
    if len(names) < len(headers):
        text = f"{len(names)} copie(s) PDF pour {len(headers)} document(s) : il en faut une par document."
        found.append(Finding(Severity.WARNING, "copy-missing", "pièces jointes", text, _SENDER))
    if not headers:
        return found
    patient = headers[0].patient
    wanted = {fold(name) for name in (patient.birth_name, patient.used_name) if name}
    for name in names:
        words = f" {fold(name.rpartition('.')[0])} "
        if wanted and not any(f" {one} " in words for one in wanted):
            text = "Le nom de cette copie PDF ne porte pas le nom du patient des documents."
            found.append(Finding(Severity.WARNING, "copy-patient", name[:200], text, _CAREFUL))
    return found
